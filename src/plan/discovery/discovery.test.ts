// The status as a whole: phase, reason, lists and conditions.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bareCluster,
  calicoPool,
  ciliumNode,
  configMap,
  discovered,
  failed,
  forbidden,
  kubeadmConfig,
  node,
  notServed,
  read,
  serviceCIDR,
  staticPod,
  statusOf,
  summary,
} from './cluster-fixture.ts';
import type { ClusterFacts, Reading } from './index.ts';

const SERVICES = '[10.96.0.0/12]';
/** A cluster whose API server has no ServiceCIDRs. */
const old: ClusterFacts = { serviceCIDRs: notServed };

test('podCIDRType none clears both lists, asks nothing of the cluster and is Synced', () => {
  const facts = Object.fromEntries(Object.keys(bareCluster).map((name) => [name, undefined])) as ClusterFacts;
  const { status, consulted } = discovered('none', facts);
  assert.deepEqual(
    [status?.phase, status?.reason, status?.overlayPodCIDR, status?.serviceCIDR],
    ['Synced', '', [], []],
  );
  assert.deepEqual([...consulted], []);
});

test('a managed cluster without kubeadm and control-plane pods is Synced, with every podCIDRType that finds pods', () => {
  const eks = { nodes: read(node({ cni: ['aws-cni', 'aws-cni', 'egress-cni', 'portmap'] })) };
  assert.equal(summary('auto', eks), `Synced [] ${SERVICES}`);
  const gke = {
    nodes: read(node({ cni: ['k8s-pod-network', 'ptp', 'portmap'], podCIDRs: ['10.8.1.0/24'] })),
  };
  assert.equal(summary('auto', gke), `Synced [10.8.1.0/24] ${SERVICES}`);
  assert.equal(summary('cluster', gke), `Synced [10.8.1.0/24] ${SERVICES}`);
  const calico = { calicoPools: read(calicoPool('p', '192.168.0.0/16')) };
  assert.equal(summary('calico', calico), `Synced [192.168.0.0/16] ${SERVICES}`);
});

test('a cluster that says nothing is NotReady with empty lists, and the reason names every source', () => {
  const status = statusOf('cluster', old);
  assert.deepEqual([status.phase, status.overlayPodCIDR, status.serviceCIDR], ['NotReady', [], []]);
  for (const words of [
    'there is no ConfigMap kube-system/kubeadm-config',
    'no kube-controller-manager pod was found',
    'no kube-apiserver pod was found',
    'no node is a server of k3s or RKE2',
    'no node has spec.podCIDRs',
    'the API server does not serve servicecidrs.v1beta1.networking.k8s.io',
  ]) {
    assert.equal(status.reason.split(words).length, 2, `${words}\n${status.reason}`);
  }
});

test('a source for the other list is no reason to be NotReady', () => {
  const facts = { ...old, kubeadmConfig: read(kubeadmConfig({ podSubnet: '10.244.0.0/16' })) };
  const status = statusOf('cluster', facts);
  assert.deepEqual(
    [status.phase, status.overlayPodCIDR, status.serviceCIDR],
    ['NotReady', ['10.244.0.0/16'], []],
  );
  assert.deepEqual(
    status.conditions.map(({ type, status: is, reason }) => [type, is, reason]),
    [
      ['OverlayPodCIDRFound', 'True', 'Found'],
      ['ServiceCIDRFound', 'False', 'NotServed'],
    ],
  );
});

test('the half that kubeadm knows is not overwritten by the flags of kube-controller-manager', () => {
  const facts = {
    ...old,
    kubeadmConfig: read(kubeadmConfig({ podSubnet: '10.244.0.0/16' })),
    controllerManagers: read(
      staticPod(
        'kube-controller-manager',
        '--cluster-cidr=10.1.0.0/16',
        '--service-cluster-ip-range=10.2.0.0/16',
      ),
    ),
  };
  assert.equal(summary('cluster', facts), 'Synced [10.244.0.0/16] [10.2.0.0/16]');
});

test('lists are canonical: trimmed, without host bits, each network once, in the order of the source', () => {
  const networking = {
    podSubnet: ' 10.244.1.7/16, fd00:0::1/56 ,10.244.0.0/16',
    serviceSubnet: '10.96.0.0/12',
  };
  const facts = { ...old, kubeadmConfig: read(kubeadmConfig(networking)) };
  assert.equal(summary('cluster', facts), `Synced [10.244.0.0/16 fd00::/56] ${SERVICES}`);
});

test('two pools with one network make one network', () => {
  const calicoPools = read(calicoPool('a', '10.1.0.0/16'), calicoPool('b', '10.1.0.0/16'));
  assert.equal(summary('calico', { calicoPools }), `Synced [10.1.0.0/16] ${SERVICES}`);
});

test('a malformed part is named, hides no other part and is never Synced', () => {
  const facts = { kubeadmConfig: read(kubeadmConfig({ podSubnet: '10.244.0.0/16,banana,10.1.0.0/33' })) };
  const status = statusOf('cluster', facts);
  assert.deepEqual([status.phase, status.overlayPodCIDR], ['NotReady', ['10.244.0.0/16']]);
  assert.match(
    status.reason,
    /kubeadm-config, networking\.podSubnet: invalid CIDR 'banana'.*invalid CIDR '10\.1\.0\.0\/33'/,
  );
  assert.equal(status.conditions[0]?.reason, 'Malformed');
  const onlyBad = {
    kubeadmConfig: read(kubeadmConfig({ podSubnet: 'banana' })),
    nodes: read(node({ podCIDRs: ['10.8.0.0/24'] })),
  };
  assert.equal(summary('cluster', onlyBad), `NotReady [] ${SERVICES}`);
});

test('a network of all addresses is malformed: pods would lose their default route to it', () => {
  const facts = { calicoPools: read(calicoPool('p', '0.0.0.0/0')) };
  assert.match(statusOf('calico', facts).reason, /IPPool p of Calico: '0\.0\.0\.0\/0' is every address/);
});

test('a missing permission, a kind that is not installed, a failing server and nothing there are told apart', () => {
  const reason = (reading: Reading<never>) =>
    statusOf('calico', { calicoPools: reading, calicoPoolStorage: reading }).conditions[0];
  assert.deepEqual(
    [forbidden, notServed, failed, read<never>()].map((reading) => reason(reading)?.reason),
    ['Forbidden', 'NotServed', 'Failed', 'NotFound'],
  );
  assert.match(
    reason(forbidden)?.message ?? '',
    /the controller may not list ippools\.v3\.projectcalico\.org: no/,
  );
  assert.match(reason(read())?.message ?? '', /Calico has no IPPool/);
});

test('without permission to list ServiceCIDRs the networks of Services are not Synced: added ones would be missing', () => {
  const facts = {
    serviceCIDRs: forbidden,
    kubeadmConfig: read(kubeadmConfig({ serviceSubnet: '10.96.0.0/12' })),
  };
  const status = statusOf('auto', {
    ...facts,
    nodes: read(ciliumNode),
    ciliumConfig: read(configMap('c', { ipam: 'eni' })),
  });
  assert.deepEqual([status.phase, status.serviceCIDR], ['NotReady', []]);
  assert.equal(status.conditions[1]?.reason, 'Forbidden');
});

test('without permission to read kubeadm’s ConfigMap, the flags of the control plane count', () => {
  const controllerManagers = read(staticPod('kcm', '--cluster-cidr=10.1.0.0/16'));
  assert.equal(
    summary('cluster', { kubeadmConfig: forbidden, controllerManagers }),
    `Synced [10.1.0.0/16] ${SERVICES}`,
  );
});

test('while a source was not listed yet there is no status: a start of the controller stops no pods', () => {
  const known = { controllerManagers: read(staticPod('kcm', '--cluster-cidr=10.1.0.0/16')) };
  const { status, consulted } = discovered('cluster', { ...known, kubeadmConfig: undefined });
  assert.equal(status, undefined);
  assert.ok(consulted.has('kubeadmConfig') && !consulted.has('controllerManagers'));
  assert.equal(discovered('cluster', { ...known, serviceCIDRs: undefined }).status, undefined);
});

test('each condition has the generation that it describes', () => {
  for (const { observedGeneration } of statusOf('auto').conditions) assert.equal(observedGeneration, 3);
});

test('a long reason is cut', () => {
  const networking = { podSubnet: Array.from({ length: 200 }, (_, i) => `bad${i}`).join() };
  const { conditions } = statusOf('cluster', { kubeadmConfig: read(kubeadmConfig(networking)) });
  assert.equal(conditions[0]?.message?.length, 1001);
});

test('another ServiceCIDR is seen when it comes and when it goes', () => {
  const more = read(
    serviceCIDR('kubernetes', ['10.96.0.0/12']),
    serviceCIDR('more', ['10.200.0.0/16', 'fd00:200::/112']),
  );
  assert.equal(
    summary('auto', {
      nodes: read(ciliumNode),
      ciliumConfig: read(configMap('c', { ipam: 'eni' })),
      serviceCIDRs: more,
    }),
    'Synced [] [10.96.0.0/12 10.200.0.0/16 fd00:200::/112]',
  );
});
