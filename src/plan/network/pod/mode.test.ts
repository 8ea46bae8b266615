import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROUTE_PROTOCOL } from '#net';
import type { CoordinatorOptions } from '../settings/settings.ts';
import { type ForeignUse, foreignUse, noForeignUse } from '../state/foreign-use.ts';
import { madeBy, settingsOf } from './golden-fixture.ts';
import { type KnownNic, type NicMode, type NicSituation, nicMode, nicTable } from './mode.ts';

const underlayEth0: KnownNic = { name: 'eth0', mode: 'underlay' };
const overlayNet = (name: string, table: number): KnownNic => ({ name, mode: 'overlay', table });

function situation(
  name: string,
  netConf: CoordinatorOptions = {},
  more: Partial<NicSituation> = {},
): NicSituation {
  return { name, settings: settingsOf(netConf), others: [], hasVeth: false, foreign: noForeignUse, ...more };
}

test('auto: the first NIC is underlay, and a later NIC has the mode of the first', () => {
  assert.equal(nicMode(situation('eth0')), 'underlay');
  assert.equal(nicMode(situation('net1', {}, { others: [underlayEth0] })), 'underlay');
  assert.equal(nicMode(situation('net1')), 'overlay');
  assert.equal(nicMode(situation('net2', {}, { others: [overlayNet('net1', 101)] })), 'overlay');
});

test('auto: veth0 of an overlay NIC does not make the next NIC underlay', () => {
  const more = { others: [overlayNet('net1', 101)], hasVeth: true };
  assert.equal(nicMode(situation('net2', {}, more)), 'overlay');
});

test('the first NIC may have another name', () => {
  assert.equal(nicMode(situation('ens1', { podDefaultCniNic: 'ens1' })), 'underlay');
  assert.equal(nicMode(situation('eth0', { podDefaultCniNic: 'ens1' })), 'overlay');
});

test('disable makes no change', () => {
  assert.equal(nicMode(situation('eth0', { mode: 'disable' })), undefined);
});

test('underlay on a later NIC requires underlay on the first', () => {
  assert.throws(() => nicMode(situation('net1', { mode: 'underlay' })), {
    code: 'COORDINATOR_MODE_CONFLICT',
    message:
      'when creating interface net1 in underlay mode, it detects that the auxiliary interface eth0 was not created by previous interface. please enable coordinator plugin in previous interface',
  });
  assert.throws(
    () => nicMode(situation('net1', {}, { hasVeth: true })),
    /was not created by previous interface/,
  );
});

test('overlay on the first NIC, or beside underlay, is refused', () => {
  assert.throws(
    () => nicMode(situation('eth0', { mode: 'overlay' })),
    /when creating interface eth0 in overlay mode, it detects that the current interface is first interface named eth0, this plugin should not work for it/,
  );
  for (const more of [{ others: [underlayEth0] }, { hasVeth: true }]) {
    assert.throws(
      () => nicMode(situation('net1', { mode: 'overlay' }, more)),
      /when creating interface net1 in overlay mode, it detects that the auxiliary interface veth0 of underlay mode exists/,
    );
  }
});

test('the first underlay NIC has no table, and each later NIC has the lowest free table', () => {
  const table = (one: NicSituation, mode: NicMode, before?: number) => nicTable(one, mode, before);
  assert.equal(table(situation('eth0'), 'underlay'), undefined);
  assert.equal(table(situation('net1', {}, { others: [underlayEth0] }), 'underlay'), 101);
});

test('a NIC that is plugged in after another was unplugged gets the free table and collides with none', () => {
  const others = [overlayNet('net2', 102), overlayNet('net3', 103)];
  assert.equal(nicTable(situation('net4', {}, { others }), 'overlay', undefined), 101);
});

test('a repeated ADD keeps the table', () => {
  const others = [overlayNet('net1', 101)];
  assert.equal(nicTable(situation('net3', {}, { others }), 'overlay', 105), 105);
  assert.equal(nicTable(situation('net3', {}, { others }), 'overlay', 101), 102, 'unless it is taken');
});

test('a table of another program, with a route in it or a rule that leads to it, is not free', () => {
  const route = { ...madeBy('net1', '0.0.0.0/0', '10.7.0.1'), table: 101 };
  const rule = { family: 6, priority: 32_765, table: 102, protocol: 0 } as const;
  const ours = { ...rule, table: 103, protocol: ROUTE_PROTOCOL };
  const foreign = foreignUse([route], [rule, ours]);
  assert.equal(nicTable(situation('net2', {}, { foreign }), 'overlay', undefined), 103);
  assert.equal(nicTable(situation('net2', {}, { foreign }), 'overlay', 101), 103, 'ADD again');
});

test('no NIC gets a table of the kernel, however many tables are in use', () => {
  const foreign: ForeignUse = { tables: new Set(Array.from({ length: 152 }, (_, i) => 101 + i)), marks: [] };
  assert.equal(nicTable(situation('net1', {}, { foreign }), 'overlay', undefined), 256);
});
