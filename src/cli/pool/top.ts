// The work of `orbctl pool top`: how full the pools are, and who uses them most.

import { resources } from '#api';
import { didYouMean, errorText, isOrbError, OrbError } from '#base';
import { formatCidr } from '#ip';
import { type Consumer, closedReason, consumersOf, PoolLedger, type ReservedAddresses } from '#plan/ipam';
import { jsonCount, percentOf } from '../number-text.ts';
import { linesText } from '../one-line.ts';
import type { PartialReader } from '../partial-reader.ts';
import type { TopFlags } from '../pool.ts';
import { reservedFor } from '../reserved.ts';
import { tableLines } from '../table.ts';

/** How full one pool is. */
interface PoolUse {
  readonly pool: string;
  readonly subnet: string;
  readonly held: number;
  /** Neither held nor reserved. */
  readonly free: bigint;
  readonly total: bigint;
  /** Undefined if the pool has no addresses. */
  readonly percent: number | undefined;
  readonly closed: string | undefined;
}

/** Throws INPUT_INVALID for a pool that does not exist, and what the API server answers if pools cannot be read. */
export async function runTop(
  reader: PartialReader,
  names: readonly string[],
  { output, limit }: TopFlags,
): Promise<string> {
  const { items } = await reader.client.list(resources.spiderIPPools, {});
  const known = items.map(({ metadata }) => metadata.name ?? '');
  const lost = names.find((name) => !known.includes(name));
  if (lost !== undefined) {
    const message = `there is no pool ${lost} that can be read${didYouMean(lost, known)}`;
    throw new OrbError('INPUT_INVALID', { message });
  }
  const asked = items.filter(({ metadata }) => names.length === 0 || names.includes(metadata.name ?? ''));
  const reserved = await reservedFor(reader);
  const ledgers: PoolLedger[] = [];
  for (const object of asked) {
    try {
      ledgers.push(PoolLedger.read(object));
    } catch (error) {
      if (!isOrbError(error)) throw error;
      reader.note(`pool ${object.metadata.name} is left out: ${errorText(error)}`);
    }
  }
  const pools = ledgers.map((ledger) => useOf(ledger, reserved)).sort(fullestFirst);
  const records = ledgers.flatMap((ledger) => [...ledger.records.values()]);
  const { namespaces, applications } = consumersOf(records, await applicationsOf(reader));
  const { missing } = reader;
  if (output === 'json') {
    const told = pools.map(({ free, total, percent = null, closed = null, ...pool }) => ({
      ...{ ...pool, free: jsonCount(free), total: jsonCount(total), percent, closed },
    }));
    const answer = {
      pools: told,
      namespaces: namespaces.map(inNamespace),
      applications,
      incomplete: missing,
    };
    return JSON.stringify(answer, undefined, 2);
  }
  return linesText([
    ...top(
      ['POOL', 'SUBNET', 'HELD', 'FREE', 'TOTAL', 'USE', 'NOTE'],
      pools.map((one) => [
        ...[one.pool, one.subnet, String(one.held), String(one.free), String(one.total)],
        ...[one.percent === undefined ? '-' : `${one.percent.toFixed(1)} %`, one.closed ?? ''],
      ]),
      limit,
    ),
    ...(namespaces.length === 0
      ? ['no pod holds an address']
      : ['', ...top(['NAMESPACE', 'HELD', 'OF ALL'], namespaces.map(row(records.length)), limit)]),
    ...(applications.length === 0
      ? []
      : ['', ...top(['APPLICATION', 'HELD', 'OF ALL'], applications.map(row(records.length)), limit)]),
    ...missing.map((sentence) => `not complete: ${sentence}`),
  ]);
}

function useOf(ledger: PoolLedger, reserved: ReservedAddresses): PoolUse {
  const { pool, free, records } = ledger;
  const total = pool.addresses.count;
  return {
    ...{ pool: pool.name, subnet: formatCidr(pool.subnet), held: records.size, total },
    free: free.difference(reserved[pool.family]).count,
    percent: percentOf(records.size, total),
    closed: closedReason(pool),
  };
}

function fullestFirst(a: PoolUse, b: PoolUse): number {
  return (b.percent ?? -1) - (a.percent ?? -1) || b.held - a.held || (a.pool < b.pool ? -1 : 1);
}

/** `Deployment web` of each pod, as its agent wrote it into the SpiderEndpoint. */
async function applicationsOf(reader: PartialReader): Promise<(pod: string) => string | undefined> {
  const so = 'applications are not known, because SpiderEndpoints cannot be read';
  const endpoints = (await reader.list(resources.spiderEndpoints, so)) ?? [];
  const found = new Map(
    endpoints.flatMap(({ metadata, status }) =>
      status === undefined
        ? []
        : [
            [
              `${metadata.namespace}/${metadata.name}`,
              `${status.ownerControllerType} ${status.ownerControllerName}`,
            ],
          ],
    ),
  );
  return (pod) => found.get(pod);
}

function inNamespace({ namespace, addresses }: Consumer) {
  return { namespace, addresses };
}

function row(all: number): (consumer: Consumer) => string[] {
  return ({ namespace, application, addresses }) => [
    application === undefined ? namespace : `${application.replace(' ', ` ${namespace}/`)}`,
    String(addresses),
    `${percentOf(addresses, BigInt(all))?.toFixed(1)} %`,
  ];
}

/** The first rows as a table. */
function top(head: readonly string[], rows: readonly (readonly string[])[], limit: number): string[] {
  const more = rows.length - limit;
  return [...tableLines(head, rows.slice(0, limit)), ...(more > 0 ? [`… and ${more} more`] : [])];
}
