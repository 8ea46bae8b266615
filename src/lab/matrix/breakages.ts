// What the broken matrix removes from the lab's pods and nodes, one kind of kernel object at a time, and how it is restored.

import { bothFamilies, type LabNode, overlayCidr, serviceCidr } from '../addressing.ts';

/** Shell lines that run in a namespace. They may write files whose names begin with `$saved`. */
export interface Breakage {
  readonly name: string;
  /** Rows that fail without the objects, at least in some of their cells. */
  readonly neededBy: readonly number[];
  readonly where: 'pods' | 'nodes';
  readonly break: string;
  readonly repair: string;
}

const families = bothFamilies.map((family) => `-${family}`).join(' ');

function forFamilies(...lines: string[]): string {
  return [`for f in ${families}; do`, ...lines, 'done'].join('\n');
}

/** Deletes the lines that `show` prints with `del`, and restores them unchanged with `add`. */
function listed(show: string, del: string, add: string): Pick<Breakage, 'break' | 'repair'> {
  return {
    break: forFamilies(`${show} >"$saved$f"`, `while read -r line; do ${del}; done <"$saved$f"`),
    repair: forFamilies(`while read -r line; do ${add}; done <"$saved$f"`),
  };
}

/** Routes to some networks, in every table. */
function routes(networks: readonly string[]): Pick<Breakage, 'break' | 'repair'> {
  const show = `for n in ${networks.join(' ')}; do ip $f route show table all exact $n 2>/dev/null || :; done | grep ' proto 79 ' || :`;
  return listed(`{ ${show}; }`, 'ip $f route del $line', 'ip $f route add $line');
}

/** Our nftables table; some namespaces have none. */
const nftTable: Pick<Breakage, 'break' | 'repair'> = {
  break: 'if nft list table inet orbweaver >"$saved" 2>/dev/null; then nft delete table inet orbweaver; fi',
  repair: 'nft -f "$saved"',
};

const neighbours = listed(
  "ip $f neigh show nud permanent | awk '/ proto 79/ { print $1, $2, $3, $4, $5 }'",
  'ip $f neigh del $line',
  'ip $f neigh replace $line nud permanent proto 79',
);

function reversePathFilter(value: 0 | 1): string {
  return `for link in /proc/sys/net/ipv4/conf/*/rp_filter; do echo ${value} >"$link"; done`;
}

export function breakages(nodes: readonly LabNode[]): Breakage[] {
  const addresses = nodes.flatMap((node) => bothFamilies.map((family) => node.address[family]));
  const hijacked = [overlayCidr, serviceCidr].flatMap((cidr) => bothFamilies.map((family) => cidr[family]));
  return [
    {
      name: "the pods' routes to overlay pods and Services",
      neededBy: [7, 8, 11, 15, 16, 20, 21, 22, 23, 24, 25],
      where: 'pods',
      ...routes(hijacked),
    },
    {
      name: "the pods' routes to their node",
      neededBy: [4, 19, 26, 27, 28],
      where: 'pods',
      ...routes(addresses),
    },
    {
      name: "the pods' rules by source address",
      neededBy: [6, 13, 14, 28, 29],
      where: 'pods',
      ...listed(
        'ip $f rule show pref 1001 | cut -f2',
        'ip $f rule del pref 1001 $line',
        'ip $f rule add pref 1001 $line',
      ),
    },
    { name: "the pods' marks for replies", neededBy: [26], where: 'pods', ...nftTable },
    {
      name: "the pods' permanent neighbours",
      neededBy: [11, 19, 23, 24, 25, 26, 27],
      where: 'pods',
      ...neighbours,
    },
    {
      name: 'rp_filter 0 in the pods',
      neededBy: [8, 10, 11, 13, 16, 18, 23, 26],
      where: 'pods',
      break: reversePathFilter(1),
      repair: reversePathFilter(0),
    },
    {
      name: "the nodes' routes to pods (table 500)",
      neededBy: [4, 5, 7, 8, 9, 11, 13, 15, 16, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28],
      where: 'nodes',
      ...listed(
        '{ ip $f route show table 500; }',
        'ip $f route del $line table 500',
        'ip $f route add $line table 500',
      ),
    },
    {
      name: "the nodes' permanent neighbours",
      neededBy: [4, 5, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28],
      where: 'nodes',
      ...neighbours,
    },
    {
      name: "the nodes' nftables rule for half-seen connections",
      neededBy: [8, 10, 11, 13, 16, 18, 23],
      where: 'nodes',
      ...nftTable,
    },
  ];
}
