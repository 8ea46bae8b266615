// Picks the first address of a huge pool, and of a pool that is almost full.

import type { SpiderIPPool } from '#api';
import { formatAddress, parseAddress } from '#ip';
import { type PickContext, PoolLedger, pickAddress, reservedAddresses } from '#plan/ipam';
import { limitRow, median, type Row } from './row.ts';

const ROUNDS = 200;
const HELD = 5000;
const context: PickContext = { reserved: reservedAddresses([]), resting: new Map(), nowMs: 0 };
const owner = { pod: 'default/new', podUid: 'new', nic: 'eth0' };

function recordsText(): string {
  const first = parseAddress('10.6.0.1');
  const records = Array.from({ length: HELD }, (_, index) => [
    formatAddress({ ...first, value: first.value + BigInt(index) }),
    {
      pod: `default/pod-${index}`,
      podUid: `0d8f7c3a-0000-4000-8000-${String(index).padStart(12, '0')}`,
      nic: 'eth0',
    },
  ]);
  return JSON.stringify(Object.fromEntries(records));
}

/** Milliseconds. */
function timed(work: () => unknown): number {
  const began = performance.now();
  work();
  return performance.now() - began;
}

/** Measures picks. The reference is the work that every reader of such a pool must do: it parses the pool's records. */
export function benchPick(): Row[] {
  const text = recordsText();
  const pool = (spec: SpiderIPPool['spec'], allocatedIPs?: string): PoolLedger => {
    const status = allocatedIPs === undefined ? {} : { status: { allocatedIPs } };
    return PoolLedger.read({ metadata: { name: 'bench' }, spec, ...status } as SpiderIPPool);
  };
  const huge = pool({
    subnet: 'fd00::/64',
    ips: ['fd00::-fd00::ffff:ffff:ffff:ffff'],
  } as SpiderIPPool['spec']);
  const full = pool({ subnet: '10.6.0.0/16', ips: ['10.6.0.1-10.6.200.250'] } as SpiderIPPool['spec'], text);
  const [first, among, parsing]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < ROUNDS; round++) {
    first.push(timed(() => pickAddress(huge, owner, context)));
    among.push(timed(() => pickAddress(full, owner, context)));
    parsing.push(timed(() => JSON.parse(text)));
  }
  const row = (name: string, times: readonly number[]) =>
    limitRow(name, 'ms', median(times), 1, median(parsing));
  return [
    row('first address of a pool of 2^64 : JSON.parse of 5,000 records', first),
    row('first address with 5,000 allocated : JSON.parse of 5,000 records', among),
  ];
}
