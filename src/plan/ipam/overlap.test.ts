import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SpiderIPPool } from '#api';
import { OVERLAPPING_CONDITION, overlapNotes } from './overlap.ts';
import { closedReason, parsePool } from './pool.ts';
import { poolObject, type SpecFields } from './pool-fixture.ts';

interface Facts {
  readonly second?: number;
  readonly used?: number;
  readonly marked?: boolean;
}

function pool(name: string, spec: SpecFields, { second = 0, used, marked }: Facts = {}): SpiderIPPool {
  const made = poolObject(name, spec);
  const conditions = [{ type: OVERLAPPING_CONDITION, status: 'True' as const, message: 'as before' }];
  const creationTimestamp = `2026-01-01T00:00:0${second}Z`;
  return {
    ...made,
    metadata: { ...made.metadata, creationTimestamp },
    status: { ...(used !== undefined && { allocatedIPCount: used }), ...(marked && { conditions }) },
  };
}

const leftOut = (...pools: SpiderIPPool[]) => [...overlapNotes(pools).keys()];
const one = { ips: ['10.6.0.10-10.6.0.12'] };
const other = { ips: ['10.6.0.12-10.6.0.14'] };

test('the younger of two pools that share an address is left out, and the note names the address', () => {
  const notes = overlapNotes([pool('b', other, { second: 1 }), pool('a', one, { second: 2 })]);
  assert.deepEqual(
    [...notes],
    [
      [
        'a',
        'overlap with IPPool b in IP ranges [10.6.0.12]: no pod gets a new address of this pool until this is solved',
      ],
    ],
  );
});

test('of pools of the same second the one in use stays, and then the first by name', () => {
  assert.deepEqual(leftOut(pool('a', one), pool('b', other, { used: 1 })), ['a']);
  assert.deepEqual(leftOut(pool('b', one), pool('a', other)), ['b']);
});

test('a pool that is left out stays so, whatever the other one does', () => {
  assert.deepEqual(leftOut(pool('a', one, { marked: true }), pool('b', other, { second: 5 })), ['a']);
});

test('excluded addresses, other families and unreadable pools overlap with nothing', () => {
  assert.deepEqual(leftOut(pool('a', one), pool('b', { ...other, excludeIPs: ['10.6.0.12'] })), []);
  assert.deepEqual(leftOut(pool('a', one), pool('c', { subnet: 'none', ips: ['10.6.0.12'] })), []);
  const six = pool('d', { subnet: 'fd00::/64', ips: ['fd00::1'], gateway: 'fd00::2' });
  assert.deepEqual(leftOut(pool('a', one), six), []);
});

test('three pools in a row: the middle one is left out, and the ends may both serve', () => {
  const middle = pool('m', { ips: ['10.6.0.12-10.6.0.15'] }, { second: 9 });
  const all = [pool('a', one), middle, pool('z', { ips: ['10.6.0.15'] })];
  assert.deepEqual(leftOut(...all), ['m']);
  assert.match(
    overlapNotes(all).get('m') ?? '',
    /IPPool a in IP ranges \[10\.6\.0\.12\] and IPPool z in IP ranges \[10\.6\.0\.15\]/,
  );
});

test('any pools: the first by name keeps its addresses, and who shares one with a kept pool is left out', () => {
  const span = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 6 }));
  const ranges = fc.array(fc.array(span, { minLength: 1, maxLength: 3 }), { maxLength: 6 });
  fc.assert(
    fc.property(ranges, (all) => {
      const pools = all.map((spans, at) => ({
        name: `p${at}`,
        addresses: new Set(
          spans.flatMap(([from, more]) => Array.from({ length: more + 1 }, (_, i) => from + i)),
        ),
      }));
      const taken = new Set<number>();
      const expected = pools.flatMap(({ name, addresses }) => {
        if ([...addresses].some((address) => taken.has(address))) return [name];
        for (const address of addresses) taken.add(address);
        return [];
      });
      const made = pools.map(({ name, addresses }) =>
        pool(name, { ips: Array.from(addresses, (address) => `10.6.0.${address}`), gateway: '10.6.9.1' }),
      );
      assert.deepEqual(leftOut(...made).toSorted(), expected);
    }),
  );
});

test('a thousand pools of one subnet are compared in a moment', () => {
  const pools = Array.from({ length: 1000 }, (_, at) =>
    pool(`p${at}`, { ips: [`10.6.${at >> 8}.${at & 255}`], gateway: '10.6.9.1' }),
  );
  assert.equal(overlapNotes([...pools, pool('q', { ips: ['10.6.0.7'] })]).size, 1);
});

test('a pool that is left out is closed for new addresses', () => {
  assert.equal(closedReason(parsePool(pool('a', one, { marked: true }))), 'IPPool a is left out: as before');
  assert.equal(closedReason(parsePool(pool('a', one))), undefined);
});
