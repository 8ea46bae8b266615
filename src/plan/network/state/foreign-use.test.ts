import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROUTE_PROTOCOL, type Rule } from '#net';
import { calico, macvlan, madeBy, node4, rules, table } from '../pod/golden-fixture.ts';
import { planPod } from '../pod/pod.ts';
import { foreignUse, noForeignUse, podNumbers, usualNumbers } from './foreign-use.ts';

const markRule = (value: number, mask = 0xffff_ffff): Rule => ({
  family: 4,
  priority: 32_765,
  table: 300,
  mark: { value, mask },
  protocol: 0,
});

test('a pod has Spiderpool’s tables and mark when nobody else uses them', () => {
  assert.deepEqual(podNumbers(noForeignUse), {
    replyTable: 100,
    besideTable: 99,
    lastTable: 98,
    replyMark: 1,
  });
});

test('replies and an overlay’s NIC get another table when a program has routes in table 100', () => {
  const taken = (...tables: number[]) =>
    foreignUse(
      tables.map((number) => ({ ...madeBy('net1', '0.0.0.0/0', '10.7.0.1'), table: number })),
      [],
    );
  assert.deepEqual(podNumbers(taken(100)), { replyTable: 99, besideTable: 98, lastTable: 97, replyMark: 1 });
  assert.deepEqual(podNumbers(taken(99)), { replyTable: 100, besideTable: 98, lastTable: 97, replyMark: 1 });
});

test('replies get another mark when a rule of a program matches the usual one', () => {
  assert.equal(podNumbers(foreignUse([], [markRule(0x1)])).replyMark, 0x2);
  assert.equal(podNumbers(foreignUse([], [markRule(0x1), markRule(0x0, 0x2)])).replyMark, 0x2);
  assert.equal(podNumbers(foreignUse([], [markRule(0x1, 0x1), markRule(0x2, 0xf)])).replyMark, 0x4);
  assert.equal(podNumbers(foreignUse([], [{ ...markRule(0x1), protocol: ROUTE_PROTOCOL }])).replyMark, 0x1);
});

test('a choice stays as long as nobody else uses it', () => {
  const before = { replyTable: 98, besideTable: 97, lastTable: 96, replyMark: 0x4 };
  assert.deepEqual(podNumbers(noForeignUse, before), before);
  assert.equal(podNumbers(foreignUse([], [{ ...markRule(9), table: 98 }]), before).replyTable, 100);
});

test('the plan uses the pod’s own numbers for the rule, mark and table of replies', () => {
  const numbers = { ...usualNumbers, replyTable: 99, replyMark: 0x2 };
  const nodeAddresses = [node4];
  const desired = planPod({
    containerId: '0123456789abcdef',
    nics: [macvlan('eth0', 6, '0.5', [4])],
    nodeAddresses,
    numbers,
  });
  assert.deepEqual(rules(desired), ['1000: from all fwmark 0x2 lookup 99']);
  assert.deepEqual(table(desired.pod.routes, 99), ['default via 10.6.212.101 dev veth0 src 10.6.0.5']);
  assert.deepEqual(table(desired.pod.routes, 100), []);
  assert.match(desired.pod.table?.rules[1]?.commands ?? '', /meta mark set 0x2/);
});

test('an overlay’s default route is copied to the table in the pod’s own numbers', () => {
  const numbers = { ...usualNumbers, replyTable: 98 };
  const nics = [macvlan('net1', 7, '0.5', [4], { table: 101 })];
  const desired = planPod({
    containerId: '0123456789abcdef',
    overlay: calico,
    nics,
    nodeAddresses: [],
    numbers,
  });
  assert.deepEqual(table(desired.pod.routes, 98), ['default via 169.254.1.1 dev eth0']);
});
