import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, SpiderMultusConfig } from '#api';
import { injectedPod, labelledNamespace } from './injection.ts';

const RDMA = 'cni.spidernet.io/rdma-resource-inject';
const NETWORK = 'cni.spidernet.io/network-resource-inject';
const NETWORKS = 'k8s.v1.cni.cncf.io/networks';

function config(name: string, spec: object, labels: Record<string, string> = { [NETWORK]: 'ai' }) {
  return { metadata: { name, namespace: 'nets', labels }, spec } as unknown as SpiderMultusConfig;
}

const ippools = { ipv4: ['v4'] };
const sriov = (name: string, resourceName: string) =>
  config(name, { cniType: 'sriov', sriov: { resourceName, ippools } });
const macvlan = (name: string, master: string, labels?: Record<string, string>) =>
  config(name, { cniType: 'macvlan', macvlan: { master: [master], ippools } }, labels);

function pod(annotations: Record<string, string>, more: object = {}): Pod {
  const spec = { containers: [{ name: 'a' }, { name: 'b' }], ...more };
  return { metadata: { name: 'p', annotations }, spec } as Pod;
}

const inject = (given: Pod, configs: SpiderMultusConfig[], annotations: Record<string, string> = {}) =>
  injectedPod(given, { namespace: 'apps', annotations }, configs);
const networksOf = ({ metadata }: Pod) => metadata.annotations?.[NETWORKS];
const limitsOf = ({ spec }: Pod) =>
  (spec?.containers ?? []).map((each) => (each as { resources?: { limits?: object } }).resources?.limits);

test('a pod gets the networks of its group by parent and name, and one of each device', () => {
  const configs = [
    macvlan('z', 'eth1'),
    sriov('s2', 'intel/b'),
    sriov('s1', 'intel/a'),
    macvlan('other', 'eth0', {}),
  ];
  const injected = inject(pod({ [NETWORK]: 'ai' }), configs);
  assert.equal(networksOf(injected), 'nets/z@net1,nets/s1@net2,nets/s2@net3');
  assert.deepEqual(limitsOf(injected), [{ 'intel/a': '1', 'intel/b': '1' }, undefined]);
});

test('what the pod names itself stays: networks in both forms, interfaces, and devices of any container', () => {
  const configs = [sriov('s1', 'intel/a'), sriov('s2', 'intel/b')];
  const containers = [{ name: 'a' }, { name: 'b', resources: { limits: { 'intel/a': '2' } } }];
  const text = inject(pod({ [NETWORK]: 'ai', [NETWORKS]: 'own, nets/s1@x' }, { containers }), configs);
  assert.equal(networksOf(text), 'own, nets/s1@x,nets/s2@net3');
  assert.deepEqual(limitsOf(text), [{ 'intel/b': '1' }, { 'intel/a': '2' }]);
  const own = [{ name: 'own', interface: 'net2', ips: ['10.6.0.9'] }];
  const json = inject(pod({ [NETWORK]: 'ai', [NETWORKS]: JSON.stringify(own) }), configs);
  assert.deepEqual(JSON.parse(networksOf(json) ?? ''), [
    ...own,
    { namespace: 'nets', name: 's1', interface: 'net3' },
    { namespace: 'nets', name: 's2', interface: 'net4' },
  ]);
  assert.equal(inject(json, configs), json, 'a second call changes nothing');
});

test("the pod's group counts before its namespace's, and RDMA before other devices", () => {
  const labels = { [NETWORK]: 'pod' };
  const configs = [
    macvlan('a', 'eth0'),
    macvlan('b', 'eth0', labels),
    macvlan('c', 'eth0', { [RDMA]: 'fast' }),
  ];
  assert.equal(networksOf(inject(pod({}), configs, { [NETWORK]: 'ai' })), 'nets/a@net1');
  assert.equal(networksOf(inject(pod({ [NETWORK]: 'pod' }), configs, { [NETWORK]: 'ai' })), 'nets/b@net1');
  assert.throws(() => inject(pod({ [NETWORK]: 'pod' }), configs, { [RDMA]: 'fast' }), {
    message: /rdma-resource-inject "fast": spec\.macvlan\.rdmaResourceName: rdmaResourceName can not empty/,
  });
});

test('a pod without a group, and one on the network of its node, is not changed', () => {
  const configs = [macvlan('a', 'eth0')];
  for (const given of [pod({}), pod({ [NETWORK]: '' }), pod({ [NETWORK]: 'ai' }, { hostNetwork: true })])
    assert.equal(inject(given, configs), given);
});

test('a group without networks, and annotations that cannot be joined, are refused', () => {
  const code = 'INPUT_INVALID';
  assert.throws(() => inject(pod({ [NETWORK]: 'none' }), []), {
    code,
    message: /network-resource-inject "none": no SpiderMultusConfig belongs to this group/,
  });
  const configs = [macvlan('a', 'eth0')];
  assert.throws(() => inject(pod({ [NETWORK]: 'ai', [NETWORKS]: '[{' }), configs), { code });
  const ovs = config('o', { cniType: 'ovs', ovs: { bridge: 'br' } });
  assert.throws(() => inject(pod({ [NETWORK]: 'ai' }), [ovs]), { code, message: /ovs does not support/ });
});

test('a namespace has the label of injection exactly while its annotations ask for it', () => {
  const label = 'orbweaver.io/injects-networks';
  const asks = { metadata: { name: 'n', annotations: { [NETWORK]: 'ai' }, labels: { a: 'b' } } };
  const labelled = labelledNamespace(asks);
  assert.deepEqual(labelled.metadata.labels, { a: 'b', [label]: 'true' });
  assert.equal(labelledNamespace(labelled), labelled);
  const left = labelledNamespace({ metadata: { ...labelled.metadata, annotations: {} } });
  assert.deepEqual(left.metadata.labels, { a: 'b' });
});
