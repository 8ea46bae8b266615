// The ways of the table: who asks whom, and which source the one that is asked must see.

import type { Seen } from '../../e2e/cloud-site.ts';

/** A pod by its name, a node by its name, or the outside. */
export type Place = string;

/** Two pods of node1, one of node2 in the same network, and one of node3 in another network. */
export const podsOfLab = [
  { name: 'pod-a', node: 'node1' },
  { name: 'pod-b', node: 'node1' },
  { name: 'pod-c', node: 'node2' },
  { name: 'pod-d', node: 'node3' },
] as const;
export const OUTSIDE = 'outside';
/** The pod that has the floating IP. */
export const FLOATING_POD = 'pod-c';

export interface Addresses {
  readonly of: Readonly<Record<Place, string>>;
  /** Services with one endpoint each: the pod on the node of pod-a, and the one on another node. */
  readonly services: { readonly near: string; readonly far: string };
  /** Undefined: pods get none. */
  readonly floatingIp: string | undefined;
  /** The router's own address outside. */
  readonly gateway: string;
}

export interface Way {
  readonly name: string;
  readonly from: Place;
  readonly to: (addresses: Addresses) => string | undefined;
  /** Which source is seen. */
  readonly source: (addresses: Addresses) => string | undefined;
  /** Services answer no ping. */
  readonly pings: boolean;
}

const direct = (name: string, from: Place, to: Place): Way => ({
  ...{ name, from, pings: true },
  to: ({ of }) => of[to],
  source: ({ of }) => of[from],
});
/** The agent keeps the source of overlay pods alone: its node stands for any other pod. */
const service = (name: string, which: 'near' | 'far'): Way => ({
  ...{ name, from: 'pod-a', pings: false },
  to: ({ services }) => services[which],
  source: ({ of }) => of.node1,
});

export const ways: readonly Way[] = [
  direct('pod -> pod of its node', 'pod-a', 'pod-b'),
  direct('pod -> pod of another node', 'pod-a', 'pod-c'),
  direct('  and the other way', 'pod-c', 'pod-a'),
  direct('pod -> pod of another network', 'pod-a', 'pod-d'),
  direct('  and the other way', 'pod-d', 'pod-a'),
  direct('pod -> its node', 'pod-a', 'node1'),
  direct('  and the other way', 'node1', 'pod-a'),
  direct('pod -> another node', 'pod-a', 'node2'),
  direct('  and the other way', 'node2', 'pod-a'),
  service('pod -> Service of a pod of its node', 'near'),
  service('pod -> Service of a pod elsewhere', 'far'),
  { ...direct('pod -> outside', 'pod-a', OUTSIDE), source: ({ gateway }) => gateway },
  { ...direct('outside -> floating IP', OUTSIDE, ''), to: ({ floatingIp }) => floatingIp },
  {
    ...direct('  and that pod -> outside', FLOATING_POD, OUTSIDE),
    to: ({ of, floatingIp }) => (floatingIp === undefined ? undefined : of[OUTSIDE]),
    source: ({ floatingIp }) => floatingIp,
  },
];

export interface Cell {
  /** Undefined: the configuration has no such way. */
  readonly ok: boolean | undefined;
  readonly text: string;
}

export const noWay: Cell = { ok: undefined, text: '-' };

export function cellOf({ source, pings }: Way, addresses: Addresses, { tcp, udp, ping }: Seen): Cell {
  const wanted = source(addresses);
  const ok = tcp === wanted && udp === wanted && (ping || !pings);
  if (ok) return { ok, text: `ok ${wanted}` };
  return { ok, text: `FAILED tcp ${tcp ?? '-'} udp ${udp ?? '-'} ping ${ping}, not ${wanted}` };
}

/** The columns are configurations. Failures are named below. */
export function tableText(
  titles: readonly (readonly [string, string])[],
  rows: readonly { readonly name: string; readonly cells: readonly Cell[] }[],
): string {
  const failures: string[] = [];
  const body = rows.map(({ name, cells }) => {
    const texts = cells.map(({ ok, text }, i) => {
      if (ok === false) failures.push(`${titles[i]?.join(', ')}: ${name.trim()}: ${text}`);
      return ok === false ? 'FAILED' : text;
    });
    return [name, ...texts];
  });
  const lines = [
    ['', ...titles.map(([first]) => first)],
    ['', ...titles.map(([, second]) => second)],
    ...body,
  ];
  const widths = lines[0]?.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0))) ?? [];
  const text = lines.map((line) => line.map((word, i) => word.padEnd((widths[i] ?? 0) + 2)).join(''));
  return [...text.map((line) => line.trimEnd()), ...failures].join('\n');
}
