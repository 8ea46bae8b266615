// From the rules that the kernel has to those that it should have, as commands of nft(8). Each can be repeated: the
// answer to a transaction may be lost.

import { type Cidr, type Family, formatCidr } from '#ip';
import {
  type Entrance,
  entrances,
  type FrontObjects,
  type FrontRules,
  firewallChain,
  ipWords,
  isMap,
  MASQUERADE_MARK,
  SERVICE_TABLE,
} from './front-rules.ts';

const T = `inet ${SERVICE_TABLE}`;
const families: readonly Family[] = [4, 6];
const keyOf = (family: Family) => `${ipWords[family]} daddr . meta l4proto . th dport`;

/** Ours come before chains at the usual priority, so that rules which a removed kube-proxy has left translate nothing. */
const EARLIER = 5;

/** A chain of the kernel's hooks and its rules. */
function baseChain(name: string, hook: string, rules: readonly string[]): string[] {
  return [
    `add chain ${T} ${name} { ${hook} ; }`,
    `flush chain ${T} ${name}`,
    ...rules.map((rule) => `add rule ${T} ${name} ${rule}`),
  ];
}

/** Makes the table, if it is not there. */
export const tableCommands: readonly string[] = [`add table ${T}`];

/**
 * What the table has besides Services. `inside`: the networks of overlay pods. Their packets keep their source, because
 * answers come back through this node.
 */
export function baseCommands(inside: readonly Cidr[]): string[] {
  const sets = families.flatMap((family) => {
    const address = `ipv${family}_addr`;
    const key = `type ${address} . inet_proto . inet_service ;`;
    return [
      `add set ${T} inside${family} { type ${address} ; flags interval ; auto-merge ; }`,
      `add set ${T} self${family} { type ${address} . ${address} ; }`,
      `add set ${T} clusterips${family} { type ${address} ; }`,
      ...entrances.map((entrance) =>
        isMap(entrance)
          ? `add map ${T} ${entrance}${family} { ${key.replace(' ;', ' : verdict ;')} }`
          : `add set ${T} ${entrance}${family} { ${key} }`,
      ),
    ];
  });
  const both = (rule: (family: Family) => string) => families.map(rule);
  const jumps = (entrance: Entrance) => both((family) => `${keyOf(family)} vmap @${entrance}${family}`);
  const unserved = [
    ...both((family) => `ct state new ${keyOf(family)} @dropped${family} counter drop`),
    ...both((family) => `ct state new ${keyOf(family)} @refused${family} counter reject`),
  ];
  // A port of a ClusterIP that no Service has.
  const unknown = both(
    (family) => `ct state new ${ipWords[family]} daddr @clusterips${family} counter reject`,
  );
  return [
    ...sets,
    ...baseChain(
      'check-prerouting',
      `type filter hook prerouting priority dstnat - ${2 * EARLIER}`,
      jumps('firewall'),
    ),
    ...baseChain('check-output', `type filter hook output priority -${100 + 2 * EARLIER}`, jumps('firewall')),
    ...baseChain('prerouting', `type nat hook prerouting priority dstnat - ${EARLIER}`, jumps('services')),
    ...baseChain('output', `type nat hook output priority -${100 + EARLIER}`, jumps('services')),
    ...baseChain('postrouting', `type nat hook postrouting priority srcnat - ${EARLIER}`, [
      // A backend that reaches itself would answer itself, without the way back through this node.
      'ct status dnat ip saddr . ip daddr @self4 masquerade fully-random',
      'ct status dnat ip6 saddr . ip6 daddr @self6 masquerade fully-random',
      `meta mark & ${MASQUERADE_MARK} == 0 return`,
      `meta mark set meta mark & 0x${(0xffff_ffff - Number(MASQUERADE_MARK)).toString(16)}`,
      'masquerade fully-random',
    ]),
    ...baseChain('input', 'type filter hook input priority filter', unserved),
    ...baseChain('output-check', 'type filter hook output priority filter', [...unserved, ...unknown]),
    ...baseChain('forward', 'type filter hook forward priority filter', [
      // The kernel does not translate such a packet back, and its receiver would end the connection (kubernetes #74839).
      ...both((family) => `ct state invalid ${ipWords[family]} saddr @inside${family} counter drop`),
      ...unserved,
      ...unknown,
    ]),
    ...insideCommands(inside),
  ];
}

function insideCommands(inside: readonly Cidr[]): string[] {
  return families.flatMap((family) => {
    const own = inside.filter((cidr) => cidr.address.family === family).map(formatCidr);
    return [
      `flush set ${T} inside${family}`,
      ...(own.length === 0 ? [] : [`add element ${T} inside${family} { ${own.join(', ')} }`]),
    ];
  });
}

/** Brings one front from what the kernel has to what it should have. Undefined: nothing. */
export function frontCommands(before: FrontObjects | undefined, now: FrontRules | undefined): string[] {
  const one = now ?? before;
  if (one === undefined) return [];
  const leaves = [...(before?.enters ?? [])].filter((entrance) => now?.enters.has(entrance) !== true);
  const gone = (before?.members ?? []).filter((member) => now?.members.includes(member) !== true);
  const unused = [
    ...(leaves.includes('services') ? [one.chain] : []),
    ...(leaves.includes('firewall') ? [firewallChain(one.chain)] : []),
    ...gone,
  ];
  return [
    ...(now === undefined ? [] : presentCommands(now)),
    ...leaves.flatMap((entrance) => {
      const element = elementOf(one, entrance);
      // nft refuses to delete what is not there.
      return [`add element ${element}`, `delete element ${element}`];
    }),
    ...unused.flatMap((chain) => [`add chain ${T} ${chain}`, `flush chain ${T} ${chain}`]),
    ...unused.map((chain) => `delete chain ${T} ${chain}`),
    ...gone.flatMap((member) => [affinitySet(member, one.family), `delete set ${T} ${member}`]),
  ];
}

function presentCommands(now: FrontRules): string[] {
  return [
    ...now.members.map((member) => affinitySet(member, now.family)),
    ...[...now.chains.keys()].flatMap((chain) => [`add chain ${T} ${chain}`, `flush chain ${T} ${chain}`]),
    ...[...now.chains].flatMap(([chain, rules]) => rules.map((rule) => `add rule ${T} ${chain} ${rule}`)),
    ...[...now.enters].map((entrance) => `add element ${elementOf(now, entrance)}`),
  ];
}

const affinitySet = (name: string, family: Family) =>
  `add set ${T} ${name} { type ipv${family}_addr ; flags dynamic, timeout ; }`;

function elementOf({ key, family, chain }: FrontObjects, entrance: Entrance): string {
  const verdict =
    entrance === 'services' ? chain : entrance === 'firewall' ? firewallChain(chain) : undefined;
  const value = verdict === undefined ? key : `${key} : goto ${verdict}`;
  return `${T} ${entrance}${family} { ${value} }`;
}

/** Takes the whole table away. */
export const removalCommands: readonly string[] = [`add table ${T}`, `delete table ${T}`];
