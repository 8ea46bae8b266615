// The ways to a Service that the benchmarks compare, and the rows of the ways through kube-proxy.

import { median, type Row, ratioFloorRow, ratioRow } from './row.ts';
import type { Way } from './service-node.ts';

type MeasuredWay = Exclude<Way, 'missed'>;
export type Ways = Readonly<Record<MeasuredWay, number>>;

/** The median of each way. The ways take turns. */
export async function inTurn(rounds: number, measure: (way: MeasuredWay) => Promise<number>): Promise<Ways> {
  const names = ['direct', 'iptables', 'nftables', 'calls'] as const;
  const seen: Record<MeasuredWay, number[]> = { direct: [], iptables: [], nftables: [], calls: [] };
  for (let round = 0; round < rounds; round++) for (const way of names) seen[way].push(await measure(way));
  return {
    direct: median(seen.direct),
    iptables: median(seen.iptables),
    nftables: median(seen.nftables),
    calls: median(seen.calls),
  };
}

const modes = ['iptables', 'nftables'] as const;

/** One row of time for each mode of kube-proxy. Where the way to the pod itself is slower than the target, nothing can reach it. */
export function throughProxy(what: string, { direct, calls, ...ways }: Ways, target: number): Row[] {
  return modes.map((mode) => {
    const proxy = ways[mode];
    const limit = Math.max(target, (1.03 * direct) / proxy);
    return ratioRow(`${what} : through kube-proxy, ${mode}`, 'µs', calls, proxy, limit);
  });
}

/** The same for a rate each second. */
export function rateThroughProxy(what: string, { direct, calls, ...ways }: Ways, target: number): Row[] {
  return modes.map((mode) => {
    const proxy = ways[mode];
    const limit = Math.min(target, (0.97 * direct) / proxy);
    return ratioFloorRow(`${what} : through kube-proxy, ${mode}`, '/s', calls, proxy, limit);
  });
}
