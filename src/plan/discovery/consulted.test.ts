// Which sources the answer depends on, and with them what has to be watched.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  bareCluster,
  calicoNode,
  calicoPool,
  ciliumNode,
  ciliumPool,
  configMap,
  discovered,
  failed,
  forbidden,
  kubeadmConfig,
  node,
  notServed,
  type PodCIDRType,
  read,
  staticPod,
} from './cluster-fixture.ts';
import { type ClusterFacts, defaultCiliumConfig, type SourceName, sourcesOf } from './index.ts';

/** A cluster whose API server has no ServiceCIDRs. */
const old: ClusterFacts = { serviceCIDRs: notServed };

test('only what the answer depends on is watched', () => {
  const watched = (type: PodCIDRType, facts: ClusterFacts = {}) =>
    [...discovered(type, facts).consulted].sort();
  const kubeadm = {
    kubeadmConfig: read(kubeadmConfig({ podSubnet: '10.244.0.0/16', serviceSubnet: '10.96.0.0/12' })),
  };
  assert.deepEqual(watched('cluster', kubeadm), ['kubeadmConfig', 'serviceCIDRs']);
  assert.deepEqual(watched('cluster', { ...kubeadm, ...old }), [
    'kubeadmConfig',
    'serviceCIDRs',
    'serviceCIDRsBeta',
  ]);
  const calico = { calicoPools: read(calicoPool('p', '192.168.0.0/16')) };
  assert.deepEqual(watched('calico', calico), ['calicoPools', 'serviceCIDRs']);
  assert.deepEqual(watched('auto', { ...calico, nodes: read(calicoNode) }), [
    'calicoPools',
    'nodes',
    'serviceCIDRs',
  ]);
  const multiPool = {
    ciliumConfig: read(configMap('c', { ipam: 'multi-pool' })),
    ciliumPools: read(ciliumPool('d', ['10.10.0.0/16'])),
  };
  assert.deepEqual(watched('cilium', multiPool), ['ciliumConfig', 'ciliumPools', 'serviceCIDRs']);
  const clusterPool = { ciliumConfig: read(configMap('c', { 'cluster-pool-ipv4-cidr': '10.0.0.0/8' })) };
  assert.deepEqual(watched('cilium', clusterPool), ['ciliumConfig', 'serviceCIDRs']);
});

test('a source is followed no wider than needed, and Cilium’s ConfigMap where the settings say', () => {
  const { kubeadmConfig: kubeadm, ciliumConfig } = sourcesOf({ namespace: 'cni', name: 'mine' });
  assert.deepEqual(
    [kubeadm.namespace, kubeadm.fieldSelector],
    ['kube-system', 'metadata.name=kubeadm-config'],
  );
  assert.deepEqual([ciliumConfig.namespace, ciliumConfig.fieldSelector], ['cni', 'metadata.name=mine']);
  assert.equal(
    sourcesOf(defaultCiliumConfig).controllerManagers.labelSelector,
    'component=kube-controller-manager',
  );
});

/** Each source with a network of its own. */
const full: ClusterFacts = {
  ...bareCluster,
  nodes: read(node({ cni: ['k8s-pod-network', 'calico'], podCIDRs: ['10.1.0.0/24'] }), ciliumNode),
  kubeadmConfig: read(kubeadmConfig({ podSubnet: '10.2.0.0/16', serviceSubnet: '10.102.0.0/16' })),
  controllerManagers: read(
    staticPod('x', '--cluster-cidr=10.3.0.0/16', '--service-cluster-ip-range=10.103.0.0/16'),
  ),
  apiServers: read(staticPod('x', '--service-cluster-ip-range=10.104.0.0/16')),
  calicoPools: read(calicoPool('p', '10.4.0.0/16')),
  calicoPoolStorage: read(calicoPool('p', '10.5.0.0/16')),
  ciliumConfig: read(configMap('c', { ipam: 'multi-pool' })),
  ciliumPools: read(ciliumPool('d', ['10.6.0.0/16'])),
  flannelConfig: read(configMap('kube-flannel-cfg', { 'net-conf.json': '{"Network":"10.7.0.0/16"}' })),
};
const names = Object.keys(full) as SourceName[];
const anyReadings = fc
  .tuple(
    ...names.map(() =>
      fc.constantFrom('full', 'full', 'empty', 'notServed', 'forbidden', 'failed', 'unread'),
    ),
  )
  .map((states) => {
    const readings = { empty: read(), notServed, forbidden, failed, unread: undefined };
    const entries = names.map((name, i) => {
      const state = states[i] as keyof typeof readings | 'full';
      return [name, state === 'full' ? full[name] : readings[state]];
    });
    return Object.fromEntries(entries) as ClusterFacts;
  });
const anyType = fc.constantFrom<PodCIDRType>('auto', 'cluster', 'calico', 'cilium', 'none');

test('what was not consulted changes nothing, so that it need not be watched', () => {
  fc.assert(
    fc.property(anyType, anyReadings, anyReadings, (type, facts, others) => {
      const { consulted, status } = discovered(type, facts);
      const mixed = names.map((name) => [name, consulted.has(name) ? facts[name] : others[name]]);
      assert.deepEqual(discovered(type, Object.fromEntries(mixed) as ClusterFacts), { consulted, status });
    }),
    { numRuns: 1_000 },
  );
});

test('Synced has no list that rests on a source which could not be read', () => {
  fc.assert(
    fc.property(anyType, anyReadings, (type, facts) => {
      const { status, consulted } = discovered(type, facts);
      const unread = [...consulted].some((name) => facts[name] === undefined);
      assert.equal(status === undefined, unread);
      if (status?.phase !== 'Synced' || type === 'none') return;
      assert.ok(status.serviceCIDR.length > 0 && status.reason === '');
      // These have no source behind them that says the same.
      const needed: SourceName[] = ['serviceCIDRs', ...(type === 'auto' ? (['nodes'] as const) : [])];
      for (const name of needed) assert.ok(!['forbidden', 'failed'].includes(facts[name]?.state ?? ''), name);
    }),
    { numRuns: 1_000 },
  );
});
