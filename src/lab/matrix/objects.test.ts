import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, Service } from '#api';
import { matrixObjects } from './objects.ts';
import { podKinds } from './pod-kinds.ts';

const objects = matrixObjects(['node1', 'node2', 'node3']);
const named = <T>(kind: string, name: string) =>
  objects.find((object) => object.kind === kind && object.metadata.name === name) as T | undefined;

test('every kind of pod runs on every node, and is the only endpoint of a Service of each policy', () => {
  const of = (kind: string) => objects.filter((object) => object.kind === kind);
  assert.equal(of('Pod').length, podKinds.length * 3);
  assert.equal(of('Service').length, podKinds.length * 3 * 2);
  const selected = named<Service>('Service', 'mm-net1-node2-local');
  assert.deepEqual(selected?.spec?.selector, { app: 'mm-net1-node2' });
  assert.equal(selected?.spec?.externalTrafficPolicy, 'Local');
});

test('no two Services share a node port', () => {
  const ports = objects.flatMap((object) => (object as Service).spec?.ports?.[0]?.nodePort ?? []);
  assert.equal(new Set(ports).size, ports.length);
});

test('pods request their networks and their default route as a user does', () => {
  const annotations = (name: string) => named<Pod>('Pod', name)?.metadata.annotations;
  assert.deepEqual(annotations('c-node1'), {});
  assert.deepEqual(annotations('m-node1'), { 'v1.multus-cni.io/default-network': 'kube-system/macvlan-lan' });
  assert.deepEqual(annotations('xx-net1-node3'), {
    'k8s.v1.cni.cncf.io/networks': 'kube-system/macvlan-lan,kube-system/macvlan-lan2',
    'ipam.spidernet.io/default-route-nic': 'net1',
  });
});
