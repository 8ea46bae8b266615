import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byAnyNic, byNic, throughNode } from './promise.ts';
import { type NicShape, nicsOf, type PodShape } from './shape.ts';

const nic = (lan: NicShape['lan'], more: Partial<NicShape> = {}): NicShape => ({
  ...{ lan, families: [4, 6], gateway: true, policyRoutes: false },
  ...more,
});
const pod = (nics: PodShape['nics'], more: Partial<PodShape> = {}): PodShape => ({
  ...{ name: 'r1', node: 'node1', nics, mode: 'auto', rpFilter: 0, tunePodRoutes: true },
  ...more,
});
/** Whether what a network asks on each NIC has to be answered there. */
const answers = (shape: PodShape, network: Parameters<typeof byNic>[2]) =>
  nicsOf(shape).map((each) => byNic(shape, each, network));

test('each NIC with a gateway answers all hosts, whatever policy routes the others have', () => {
  const shape = pod([nic('lan'), nic('lan2', { policyRoutes: true })]);
  for (const network of ['lan', 'lan2', 'lan3', 'outside', 'branch'] as const)
    assert.deepEqual(answers(shape, network), [true, true], network);
});

test('a NIC without a gateway answers its own LAN and the networks of its policy routes', () => {
  const shape = pod([nic('lan'), nic('lan2', { gateway: false, policyRoutes: true })]);
  assert.deepEqual(answers(shape, 'outside'), [true, false]);
  assert.deepEqual(answers(shape, 'branch'), [true, true]);
  assert.deepEqual(answers(shape, 'lan'), [true, false]);
  assert.deepEqual(answers(shape, 'lan2'), [true, true]);
});

test('without tuning, a pod with several NICs reaches only their LANs for sure, and a pod with one NIC all networks', () => {
  const several = pod([nic('lan'), nic('lan2')], { tunePodRoutes: false });
  assert.deepEqual(answers(several, 'outside'), [false, false]);
  assert.deepEqual(answers(several, 'lan2'), [false, true]);
  assert.equal(byAnyNic(several, 4, 'lan2'), true);
  assert.equal(byAnyNic(several, 4, 'outside'), false);
  assert.deepEqual(answers(pod([nic('lan')], { tunePodRoutes: false }), 'outside'), [true]);
});

test('a program that sets no source needs exactly one NIC of the family that leads to the destination', () => {
  const shape = pod([nic('lan', { families: [4] }), nic('lan2', { families: [6], gateway: false })]);
  assert.equal(byAnyNic(shape, 4, 'outside'), true);
  assert.equal(byAnyNic(shape, 6, 'outside'), false);
  assert.equal(byAnyNic(shape, 6, 'lan2'), true);
});

test('an eth0 of the overlay leads everywhere in its families', () => {
  const shape = pod([nic('lan', { gateway: false })], { overlay: [4] });
  assert.equal(byAnyNic(shape, 4, 'outside'), true);
  assert.equal(byAnyNic(shape, 6, 'outside'), false);
});

test('forwarded packets work for sure where no strict filter may drop them, and always for IPv6', () => {
  const sure = ([-1, 0, 1, 2] as const).map((rpFilter) => throughNode(pod([nic('lan')], { rpFilter }), 4));
  assert.deepEqual(sure, [false, true, false, true]);
  assert.equal(throughNode(pod([nic('lan')], { rpFilter: 1 }), 6), true);
});

test('answers of the overlay’s own address follow its routes when nobody tunes them', () => {
  const shape = pod([nic('lan')], { overlay: [4, 6], tunePodRoutes: false });
  const sure = nicsOf(shape).map((each) => throughNode(shape, 6, each));
  assert.deepEqual(sure, [false, true]);
});
