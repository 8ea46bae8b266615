// The nftables ruleset of one node's Service proxy. It does the same as kube-proxy's iptables mode, rule by rule.

import type { Family } from '#ip';
import type { DualStack } from '../addressing.ts';
import type { ProxyEndpoint, ServiceFront } from './service-fronts.ts';

/** The whole table is ours; one transaction replaces it. */
export const PROXY_TABLE = 'lab-proxy';

/** kube-proxy's masquerade mark (`--iptables-masquerade-bit` 14). */
const MASQUERADE_MARK = '0x4000';

export interface RulesetOptions {
  /** Packets from sources outside this network are masqueraded when they use a ClusterIP (`--cluster-cidr`). */
  readonly clusterCidr: DualStack;
  /**
   * Whether to make KUBE-FORWARD's `ctstate INVALID drop` (kubernetes #74839). kube-proxy since 1.29 omits it if
   * net.netfilter.nf_conntrack_tcp_be_liberal is 1 (kubernetes #120412).
   */
  readonly dropInvalid: boolean;
}

const ipWord = (family: Family) => (family === 4 ? 'ip' : 'ip6');

function chain(name: string, lines: readonly string[]): string {
  return [`  chain ${name} {`, ...lines.map((line) => `    ${line}`), '  }'].join('\n');
}

/** A jump to a random endpoint; nothing if there is no endpoint. */
function choose(front: ServiceFront, endpoints: readonly ProxyEndpoint[]): string[] {
  const chains = endpoints.map((endpoint) => `endpoint/${front.name}/${front.endpoints.indexOf(endpoint)}`);
  if (chains.length === 0) return [];
  if (chains.length === 1) return [`goto ${chains[0]}`];
  return [
    `numgen random mod ${chains.length} vmap { ${chains.map((name, i) => `${i} : goto ${name}`).join(', ')} }`,
  ];
}

const MARK = `meta mark set meta mark or ${MASQUERADE_MARK}`;

/**
 * DNAT to one endpoint. An endpoint that reaches itself through the Service needs another source address; otherwise it would answer itself.
 */
function endpointChains(front: ServiceFront): string[] {
  const ip = ipWord(front.family);
  return front.endpoints.map(({ address, port }, index) =>
    chain(`endpoint/${front.name}/${index}`, [
      `${ip} saddr ${address} ${MARK}`,
      `meta l4proto ${front.protocol} dnat ${ip} to ${front.family === 4 ? address : `[${address}]`}:${port}`,
    ]),
  );
}

/** The chain for ClusterIP packets (KUBE-SVC, or KUBE-SVL if internalTrafficPolicy is Local). */
function clusterChain(front: ServiceFront, { clusterCidr }: RulesetOptions): string {
  const endpoints = front.internalLocal ? front.endpoints.filter(({ local }) => local) : front.endpoints;
  return chain(`cluster/${front.name}`, [
    `${ipWord(front.family)} saddr != ${clusterCidr[front.family]} ${MARK}`,
    ...choose(front, endpoints),
  ]);
}

/** The chain for NodePort packets (KUBE-EXT). With policy Local, pods and the node itself still reach every endpoint. */
function externalChain(front: ServiceFront, { clusterCidr }: RulesetOptions): string {
  const name = `external/${front.name}`;
  if (!front.externalLocal) return chain(name, [MARK, ...choose(front, front.endpoints)]);
  const all = choose(front, front.endpoints).map((line) => line);
  return chain(name, [
    ...all.map((line) => `${ipWord(front.family)} saddr ${clusterCidr[front.family]} ${line}`),
    `fib saddr type local ${MARK}`,
    ...all.map((line) => `fib saddr type local ${line}`),
    ...choose(
      front,
      front.endpoints.filter(({ local }) => local),
    ),
  ]);
}

const clusterMatch = (f: ServiceFront) =>
  `${ipWord(f.family)} daddr ${f.clusterIp} ${f.protocol} dport ${f.port}`;
const nodePortMatch = (f: ServiceFront) =>
  `meta nfproto ipv${f.family} fib daddr type local ${f.protocol} dport ${f.nodePort}`;

/**
 * Packets to a Service without endpoints are refused. If only this node has none and the policy is Local, they are dropped (KUBE-SERVICES
 * of table filter).
 */
function unserved(front: ServiceFront): string[] {
  const local = front.endpoints.some((endpoint) => endpoint.local);
  const none = front.endpoints.length === 0;
  const nodePort = front.nodePort !== undefined;
  return [
    ...(none
      ? [`${clusterMatch(front)} reject`]
      : front.internalLocal && !local
        ? [`${clusterMatch(front)} drop`]
        : []),
    ...(nodePort && none ? [`${nodePortMatch(front)} reject`] : []),
    ...(nodePort && !none && front.externalLocal && !local ? [`${nodePortMatch(front)} drop`] : []),
  ];
}

/** The ruleset as nft(8) reads it. */
export function serviceRuleset(fronts: readonly ServiceFront[], options: RulesetOptions): string {
  const withNodePort = fronts.filter(({ nodePort }) => nodePort !== undefined);
  const chains = [
    ...fronts.flatMap(endpointChains),
    ...fronts.map((front) => clusterChain(front, options)),
    ...withNodePort.map((front) => externalChain(front, options)),
    chain('services', [
      ...fronts.map((front) => `${clusterMatch(front)} goto cluster/${front.name}`),
      ...(withNodePort.length === 0 ? [] : ['ip daddr 127.0.0.0/8 return', 'ip6 daddr ::1 return']),
      ...withNodePort.map((front) => `${nodePortMatch(front)} goto external/${front.name}`),
    ]),
    chain('unserved', fronts.flatMap(unserved)),
    chain('prerouting', ['type nat hook prerouting priority dstnat', 'jump services']),
    chain('output', ['type nat hook output priority -100', 'jump services']),
    chain('postrouting', [
      'type nat hook postrouting priority srcnat',
      `meta mark and ${MASQUERADE_MARK} == 0 return`,
      'meta mark set meta mark and 0xffffbfff',
      'masquerade fully-random',
    ]),
    chain('filter-input', ['type filter hook input priority filter', 'ct state new jump unserved']),
    chain('filter-output', ['type filter hook output priority filter', 'ct state new jump unserved']),
    chain('filter-forward', [
      'type filter hook forward priority filter',
      ...(options.dropInvalid ? ['ct state invalid counter drop'] : []),
      'ct state new jump unserved',
    ]),
  ];
  const table = `table inet ${PROXY_TABLE}`;
  return [table, `delete ${table}`, `${table} {`, ...chains, '}', ''].join('\n');
}
