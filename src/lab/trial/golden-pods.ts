// For tests: underlay pods as in golden G1, made with iproute2 and nft. So the lab can be tested without an agent.

import {
  bothFamilies,
  type DualStack,
  type LabNode,
  NODE_NIC,
  overlayCidr,
  serviceCidr,
  underlay,
} from '../addressing.ts';
import { runSync } from '../command.ts';
import { inNetnsOf } from '../topology.ts';

export interface GoldenPod {
  /** Also the name of its network namespace. */
  readonly name: string;
  readonly node: LabNode;
  readonly address: DualStack;
  /** Makes its MAC addresses and the name of its veth unique. */
  readonly number: number;
}

const REPLY_MARKS = `
table inet golden {
  chain prerouting {
    type filter hook prerouting priority mangle
    iifname "veth0" ct state new meta mark set 0x1
    meta mark 0x1 ct mark set 0x1
  }
  chain output {
    type route hook output priority mangle
    ct mark 0x1 meta mark set 0x1
  }
}
`;

function ip(netns: string, lines: readonly string[]): void {
  runSync({ argv: ['ip', '-n', netns, '-batch', '-'], input: `${lines.join('\n')}\n` });
}

/** A rule of each family, because one `ip -batch` cannot mix families for rules. */
function addRule(netns: string, ...rule: string[]): void {
  for (const f of bothFamilies)
    runSync({ argv: ['ip', '-n', netns, `-${f}`, 'rule', 'add', 'pref', '1000', ...rule] });
}

/** Makes a pod as macvlan, spiderpool and coordinator do together. */
export function makeGoldenPod({ name, node, address, number }: GoldenPod): void {
  const hostVeth = `veth${number}`;
  const [podMac, hostMac] = [`0a:1b:00:00:00:0${number}`, `0a:1b:00:00:01:0${number}`];
  runSync({ argv: ['ip', 'netns', 'add', name] });
  ip(node.name, [
    `link add eth0 link ${NODE_NIC} netns ${name} type macvlan mode bridge`,
    `link add ${hostVeth} address ${hostMac} type veth peer name veth0 address ${podMac} netns ${name}`,
    `link set ${hostVeth} up`,
  ]);
  ip(name, [
    'link set lo up',
    ...bothFamilies.map(
      (f) => `addr add ${address[f]}/${underlay.prefixLength[f]} dev eth0${f === 6 ? ' nodad' : ''}`,
    ),
    'link set eth0 up',
    'link set veth0 up',
    ...bothFamilies.flatMap((f) => [
      `route add default via ${underlay.gateway[f]} dev eth0`,
      `route add ${node.address[f]} dev veth0 src ${address[f]}`,
      ...[serviceCidr[f], overlayCidr[f]].map(
        (to) => `route add ${to} via ${node.address[f]} dev veth0 src ${address[f]}`,
      ),
      `route add default via ${node.address[f]} dev veth0 src ${address[f]} table 100`,
      `neigh add ${node.address[f]} lladdr ${hostMac} dev veth0 nud permanent`,
    ]),
  ]);
  addRule(name, 'fwmark', '0x1', 'lookup', '100');
  ip(
    node.name,
    bothFamilies.flatMap((f) => [
      `route add ${address[f]} dev ${hostVeth} table 500`,
      `neigh add ${address[f]} lladdr ${podMac} dev ${hostVeth} nud permanent`,
    ]),
  );
  runSync({ argv: inNetnsOf(name, 'nft', '-f', '-'), input: REPLY_MARKS });
}

/** The rule of golden G1 that all pods of a node share: it is made once for each node. */
export function makeGoldenNode(node: LabNode): void {
  addRule(node.name, 'lookup', '500');
}
