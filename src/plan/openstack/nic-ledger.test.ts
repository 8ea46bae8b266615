import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  begunNic,
  given,
  givenBack,
  isFull,
  type NicLedger,
  neverCame,
  newNicLedger,
  nicOfOwner,
  nicSupply,
  nicsToMake,
  trimmedNics,
  type VmNic,
  withNic,
  withRoomFor,
} from './nic-ledger.ts';

const lan = { networkId: 'lan', groups: null };
const web = { networkId: 'lan', groups: ['web'] };
const empty = newNicLedger('vm', '0123abcd');

/** A ledger of NICs that are ready, by their owners. */
function ready(...owners: (string | null)[]): NicLedger {
  return owners.reduce((ledger, owner) => {
    const begun = begunNic(ledger, lan, owner);
    return withNic(begun.ledger, begun.name, { state: 'ready' });
  }, empty);
}
const states = ({ nics }: NicLedger) => nics.map(({ state, owner }) => [state, owner]);
const numbers = ({ nics }: NicLedger) => nics.map(({ name }) => name.split('-')[1]);

test('each NIC has a name that no other has, also after NICs have left', () => {
  const first = begunNic(empty, lan, 'a');
  const second = begunNic({ ...first.ledger, nics: [] }, lan, null);
  assert.deepEqual([first.name, second.name], ['orbweaver 0123abcd-1', 'orbweaver 0123abcd-2']);
});

test('an owner gets one idle NIC of its kind, and the same again', () => {
  const once = given(ready(null, null), lan, 'a');
  assert.deepEqual(states(once), [
    ['ready', 'a'],
    ['ready', null],
  ]);
  assert.equal(given(once, lan, 'a'), once);
  assert.deepEqual(states(given(ready(null), web, 'a')), [['ready', null]]);
});

test('what is given back is looked at before it is given again, and comes last', () => {
  const back = givenBack(ready('a', null), (owner) => owner === 'a');
  assert.deepEqual(states(back), [
    ['ready', null],
    ['used', null],
  ]);
  assert.deepEqual(numbers(back), ['2', '1']);
  const making = begunNic(empty, lan, 'a').ledger;
  assert.deepEqual(states(givenBack(making, () => true)), [['making', null]]);
  const leaving = withNic(ready('a'), 'orbweaver 0123abcd-1', { state: 'leaving' });
  assert.equal(
    givenBack(leaving, () => true),
    leaving,
  );
  assert.equal(nicOfOwner(leaving, 'a'), undefined);
});

test('idle NICs above the limit leave, those of each kind by themselves', () => {
  const ledger = ready(null, 'a', null);
  const begun = begunNic(ledger, web, null);
  const both = withNic(begun.ledger, begun.name, { state: 'ready' });
  assert.deepEqual(
    trimmedNics(both, 1).nics.map(({ state }) => state),
    ['ready', 'ready', 'leaving', 'ready'],
  );
});

test('NICs are made for the kinds that pods have asked for, up to the low mark', () => {
  const counts = (ledger: NicLedger, low: number) =>
    nicsToMake(ledger, low).map(({ kind, count }) => [kind.networkId, count]);
  assert.deepEqual(counts(ready('a', null), 2), [['lan', 1]]);
  assert.deepEqual(nicsToMake(ready('a'), 0), []);
  assert.deepEqual(nicsToMake(empty, 2), []);
});

test('a refusal is believed for ten minutes, and not after the clock has gone back', () => {
  const learned = { ...empty, limit: { count: 4, own: 3, atMs: 1_000_000 } };
  assert.deepEqual(
    [4, 5, 3].map((count) => isFull(learned, count, 1_000_001)),
    [true, true, false],
  );
  assert.equal(isFull(learned, 4, 1_600_000), false);
  assert.equal(isFull(learned, 4, 999_999), false);
  assert.equal(isFull(empty, 99, 0), false);
});

test('more NICs can come until as many are there as there were when Nova refused one', () => {
  const full = { ...ready('a', 'b', null), limit: { count: 4, own: 3, atMs: 0 } };
  assert.deepEqual(nicSupply(full, 1), { ready: 1, more: 0 });
  assert.deepEqual(nicSupply({ ...full, nics: full.nics.slice(1) }, 1), { ready: 1, more: 1 });
  assert.deepEqual(nicSupply({ ...full, nics: [] }, 1), { ready: 0, more: 3 });
  assert.deepEqual(nicSupply(full, 600_000), { ready: 1, more: 1 }, 'one more may try after a while');
  assert.deepEqual(nicSupply(empty, 1), { ready: 0, more: undefined });
});

test('an idle NIC of another kind makes room', () => {
  assert.deepEqual(states(withRoomFor(ready('a', null), web)), [
    ['ready', 'a'],
    ['leaving', null],
  ]);
  const own = ready(null);
  assert.equal(withRoomFor(own, lan), own);
});

test('a port that Neutron does not find by its name may come for a minute still', () => {
  const nic = (unseenAtMs: number | null) => ({ unseenAtMs }) as VmNic;
  assert.deepEqual(
    [nic(null), nic(1_000), nic(50_000), nic(99_000)].map((one) => neverCame(one, 61_000)),
    [false, true, false, true],
  );
});
