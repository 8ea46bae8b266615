// The work of `orbctl ip free`: which addresses of a pool are free, and why the others are not.

import { resources } from '#api';
import { type Clock, timeText } from '#base';
import { AddressSet, formatAddress, formatCidr, parseAddress } from '#ip';
import { closedReason, PoolLedger, poolShares, quarantinesOf, type ToldQuarantine } from '#plan/ipam';
import type { FreeFlags } from '../ip.ts';
import { jsonCount } from '../number-text.ts';
import { linesText } from '../one-line.ts';
import type { PartialReader } from '../partial-reader.ts';
import { reservedFor } from '../reserved.ts';
import { tableLines } from '../table.ts';
import { type AbsentHolder, absentHolders } from './absent-holders.ts';

/** One row of the answer. */
interface Share {
  readonly state: string;
  readonly addresses: AddressSet;
  readonly why: string;
}

const MOST_RANGES = 4;
const MOST_REASONS = 10;
const RESTING =
  'An address that a pod gave back less than 30 seconds ago counts as free and is taken last. Only agents know which.';

/** The exit code is 1 if no pod can get an address now. Throws what the API server answers if the pool cannot be read. */
export async function runFree(
  reader: PartialReader,
  clock: Clock,
  name: string,
  { output }: FreeFlags,
): Promise<{ text: string; exitCode: number }> {
  const ledger = PoolLedger.read(await reader.client.get(resources.spiderIPPools, { name }));
  const { family, subnet, addresses } = ledger.pool;
  const reserved = await reservedFor(reader);
  const so = 'addresses in quarantine may count as free, because Nodes cannot be read';
  const rivals = quarantinesOf((await reader.list(resources.nodes, so)) ?? [], clock.now());
  const absent = await absentHolders(ledger, reader, clock);
  const setOf = (texts: Iterable<string>) => AddressSet.ofAddresses(family, Array.from(texts, parseAddress));
  const { free, held, ...kept } = poolShares(
    ledger,
    reserved,
    AddressSet.ofAddresses(
      family,
      rivals.flatMap(({ address }) => (address.family === family ? [address] : [])),
    ),
  );
  const ofAbsent = (state: AbsentHolder['state']) =>
    setOf(absent.filter((one) => one.state === state).map(({ address }) => address));
  const shares: Share[] = [
    { state: 'free', addresses: free, why: '' },
    {
      state: 'held',
      addresses: held.difference(setOf(absent.map(({ address }) => address))),
      why: 'by pods',
    },
    { state: 'kept', addresses: ofAbsent('kept'), why: 'for a pod with a fixed address' },
    { state: 'left', addresses: ofAbsent('left'), why: 'by a pod that is gone: see orbctl gc --dry-run' },
    { state: 'quarantined', addresses: kept.quarantined, why: 'another machine uses it' },
    { state: 'reserved', addresses: kept.reserved, why: 'by a SpiderReservedIP' },
    {
      state: 'unready',
      addresses: kept.unready,
      why: `provider ${ledger.pool.provision?.provider} has not made it ready`,
    },
    { state: 'excluded', addresses: kept.excluded, why: 'by spec.excludeIPs' },
    { state: 'unusable', addresses: kept.unusable, why: 'the network or broadcast address' },
  ];
  const closed = closedReason(ledger.pool);
  const reasons = [...absentReasons(absent), ...quarantineReasons(rivals, kept.quarantined)];
  const exitCode = free.isEmpty || closed !== undefined ? 1 : 0;
  const { missing } = reader;
  if (output === 'json') {
    const states = shares.map(({ state, addresses: { count }, addresses: set }) => [
      state,
      { count: jsonCount(count), ranges: set.format() },
    ]);
    const answer = {
      ...{ pool: name, subnet: formatCidr(subnet), total: jsonCount(addresses.count) },
      ...{ closed: closed ?? null, ...Object.fromEntries(states), reasons, incomplete: missing },
    };
    return { text: JSON.stringify(answer, undefined, 2), exitCode };
  }
  const shown = shares.filter((share) => share.state === 'free' || !share.addresses.isEmpty);
  const rows = shown.map((share) => [
    share.state,
    String(share.addresses.count),
    rangesText(share.addresses),
    share.why,
  ]);
  const text = [
    `pool ${name} (${formatCidr(subnet)}): ${free.count} of ${addresses.count} addresses are free`,
    ...(closed === undefined ? [] : [`no pod gets one now: ${closed}`]),
    ...tableLines(['STATE', 'COUNT', 'ADDRESSES', 'WHY'], rows),
    ...reasons.slice(0, MOST_REASONS).map(({ address, why }) => `${address}: ${why}`),
    ...(reasons.length > MOST_REASONS
      ? [`… and ${reasons.length - MOST_REASONS} more (-o json has all)`]
      : []),
    RESTING,
    ...missing.map((sentence) => `not complete: ${sentence}`),
  ];
  return { text: linesText(text), exitCode };
}

interface Reason {
  readonly address: string;
  readonly state: string;
  readonly why: string;
}

function absentReasons(absent: readonly AbsentHolder[]): Reason[] {
  return absent.map(({ address, state, why }) => ({ address, state, why }));
}

function quarantineReasons(rivals: readonly ToldQuarantine[], inPool: AddressSet): Reason[] {
  return rivals
    .filter(({ address }) => inPool.contains(address))
    .map(({ address, mac, node, untilMs }) => ({
      ...{ address: formatAddress(address), state: 'quarantined' },
      why: `${mac} uses it, seen from node ${node}; in quarantine until ${timeText(untilMs)}`,
    }));
}

function rangesText(addresses: AddressSet): string {
  const ranges = addresses.format();
  if (ranges.length === 0) return '-';
  const more = ranges.length - MOST_RANGES;
  return `${ranges.slice(0, MOST_RANGES).join(' ')}${more > 0 ? ` … ${more} more` : ''}`;
}
