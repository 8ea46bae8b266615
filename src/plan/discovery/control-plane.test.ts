// The networks that the control plane was started with, and those of ServiceCIDRs.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import {
  configMap,
  failed,
  kubeadmConfig,
  node,
  notServed,
  read,
  serviceCIDR,
  staticPod,
  statusOf,
  summary,
} from './cluster-fixture.ts';
import { flagValues } from './flags.ts';

const old = { serviceCIDRs: notServed };

const yaml = `
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
# podSubnet: 10.1.0.0/16
networking:
  dnsDomain: cluster.local
  # serviceSubnet: 10.2.0.0/16
  podSubnet: "10.244.0.0/16,fd00:244::/56" # podSubnet: 10.3.0.0/16
  serviceSubnet: 10.96.0.0/16
`;

test('comments of kubeadm’s ConfigMap are no networks', () => {
  const kubeadm = {
    ...old,
    kubeadmConfig: read(configMap('kubeadm-config', { ClusterConfiguration: yaml })),
  };
  assert.equal(summary('cluster', kubeadm, parse), 'Synced [10.244.0.0/16 fd00:244::/56] [10.96.0.0/16]');
});

test('a ConfigMap of kubeadm that is no YAML, or has another form, is named', () => {
  const reason = (text: string) =>
    statusOf(
      'cluster',
      { kubeadmConfig: read(configMap('kubeadm-config', { ClusterConfiguration: text })) },
      parse,
    ).reason;
  assert.match(reason('a: [b'), /^ConfigMap kube-system\/kubeadm-config cannot be read as YAML: /);
  assert.match(
    reason('networking: {podSubnet: [10.1.0.0/16]}'),
    /kubeadm-config: networking\.podSubnet: .* must be of type string/,
  );
  assert.match(
    statusOf('cluster', { kubeadmConfig: read(configMap('kubeadm-config', {})) }).reason,
    /has no ClusterConfiguration/,
  );
});

test('flags are read with one dash or two, as one word or two, in quotes and inside the command line of a shell', () => {
  const found = (...argv: string[]) => flagValues(argv, 'cluster-cidr');
  assert.deepEqual(found('kcm', '--cluster-cidr=10.1.0.0/16'), ['10.1.0.0/16']);
  assert.deepEqual(found('kcm', '-cluster-cidr', '10.1.0.0/16'), ['10.1.0.0/16']);
  assert.deepEqual(found('kcm', '--cluster-cidr="10.1.0.0/16"'), ['10.1.0.0/16']);
  assert.deepEqual(found('kcm', ' --cluster-cidr=10.1.0.0/16 '), ['10.1.0.0/16']);
  assert.deepEqual(found('sh', '-c', "exec kcm --a=b --cluster-cidr '10.1.0.0/16,fd00::/56' 2>&1"), [
    '10.1.0.0/16,fd00::/56',
  ]);
  assert.deepEqual(found('kcm', '--cluster-cidr=a', '--cluster-cidr=b'), ['a', 'b']);
  assert.deepEqual(
    found('kcm', '--node-cluster-cidr=a', '--cluster-cidr-size=b', 'cluster-cidr=c', '--cluster-cidr'),
    [],
  );
});

test('without kubeadm the flags of kube-controller-manager count, the last of two', () => {
  const controllerManagers = read(
    staticPod(
      'kcm',
      '--cluster-cidr=10.9.0.0/16',
      '--cluster-cidr=10.1.0.0/16',
      '--service-cluster-ip-range',
      '10.2.0.0/16',
    ),
  );
  assert.equal(summary('cluster', { ...old, controllerManagers }), 'Synced [10.1.0.0/16] [10.2.0.0/16]');
});

test('pods of the control plane that have ended or are being deleted do not count', () => {
  const pod = staticPod('kcm', '--cluster-cidr=10.1.0.0/16');
  const gone = [
    { ...pod, status: { phase: 'Failed' as const } },
    { ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } },
  ];
  assert.match(
    statusOf('cluster', { controllerManagers: read(...gone) }).reason,
    /no kube-controller-manager pod was found/,
  );
  const without = staticPod('kcm', '--leader-elect=true', '--cluster-cidr=');
  assert.match(
    statusOf('cluster', { controllerManagers: read(without) }).reason,
    /no kube-controller-manager pod has --cluster-cidr/,
  );
});

test('without kube-controller-manager the flag of kube-apiserver gives the networks of Services', () => {
  const facts = {
    ...old,
    apiServers: read(staticPod('kube-apiserver', '--service-cluster-ip-range=10.2.0.0/16,fd00:2::/112')),
  };
  const nodes = read(node({ podCIDRs: ['10.1.0.0/24'] }));
  assert.equal(summary('cluster', { ...facts, nodes }), 'Synced [10.1.0.0/24] [10.2.0.0/16 fd00:2::/112]');
});

test('k3s and RKE2 tell their networks in an annotation of their servers, or have their default ones', () => {
  const args = (key: string, list: string[], address?: string) =>
    node({
      annotations: { [key]: JSON.stringify(list) },
      podCIDRs: ['10.9.0.0/24'],
      ...(address !== undefined && { address }),
    });
  const agent = args('k3s.io/node-args', ['agent', '--cluster-cidr', '10.8.0.0/16']);
  const k3s = args('k3s.io/node-args', [
    'server',
    '--cluster-cidr',
    '10.1.0.0/16,fd00:1::/56',
    '--service-cidr',
    '10.2.0.0/16',
    '--service-cidr',
    'fd00:2::/112',
  ]);
  assert.equal(
    summary('cluster', { ...old, nodes: read(agent, k3s) }),
    'Synced [10.1.0.0/16 fd00:1::/56] [10.2.0.0/16 fd00:2::/112]',
  );
  const rke2 = args('rke2.io/node-args', ['server', '--cni', 'calico'], '10.0.0.1');
  assert.equal(
    summary('cluster', { ...old, nodes: read(agent, rke2) }),
    'Synced [10.42.0.0/16] [10.43.0.0/16]',
  );
  const ipv6 = args('k3s.io/node-args', ['server'], 'fd00::1');
  assert.equal(summary('cluster', { ...old, nodes: read(ipv6) }), 'Synced [fd00:42::/56] [fd00:43::/112]');
  const bad = node({ annotations: { 'k3s.io/node-args': 'server' } });
  assert.match(
    statusOf('cluster', { nodes: read(bad) }).reason,
    /annotation k3s\.io\/node-args of node n\d+: "server" is not valid JSON/,
  );
});

test('neighbouring networks of nodes are joined', () => {
  const podCIDRs = [
    ...Array.from({ length: 8 }, (_, i) => `10.244.${i}.0/24`),
    '10.244.9.0/24',
    'fd00::/64',
    'fd00:0:0:1::/64',
  ];
  const nodes = read(...podCIDRs.toReversed().map((cidr) => node({ podCIDRs: [cidr] })));
  assert.equal(
    summary('cluster', { nodes }),
    'Synced [10.244.0.0/21 10.244.9.0/24 fd00::/63] [10.96.0.0/12]',
  );
});

test('ServiceCIDRs of both versions are read, and they outweigh what the cluster started with', () => {
  const kubeadm = {
    kubeadmConfig: read(kubeadmConfig({ podSubnet: '10.1.0.0/16', serviceSubnet: '10.2.0.0/16' })),
  };
  const objects = read(serviceCIDR('kubernetes', ['10.96.0.0/16', 'fd00:96::/112']));
  assert.equal(
    summary('cluster', { ...kubeadm, serviceCIDRs: objects }),
    'Synced [10.1.0.0/16] [10.96.0.0/16 fd00:96::/112]',
  );
  assert.equal(
    summary('cluster', { ...kubeadm, ...old, serviceCIDRsBeta: objects }),
    'Synced [10.1.0.0/16] [10.96.0.0/16 fd00:96::/112]',
  );
  assert.equal(summary('cluster', { ...kubeadm, ...old }), 'Synced [10.1.0.0/16] [10.2.0.0/16]');
  assert.equal(
    summary('cluster', { ...kubeadm, serviceCIDRs: read() }),
    'Synced [10.1.0.0/16] [10.2.0.0/16]',
  );
  assert.equal(summary('cluster', { ...kubeadm, serviceCIDRs: failed }), 'NotReady [10.1.0.0/16] []');
});

test('a ServiceCIDR that is being deleted stays while the server keeps it for Services that use it', () => {
  const kubeadm = { kubeadmConfig: read(kubeadmConfig({ podSubnet: '10.1.0.0/16' })) };
  const going = serviceCIDR('old', ['10.97.0.0/16'], { deletionTimestamp: '2026-01-01T00:00:00Z' });
  assert.equal(
    summary('cluster', { ...kubeadm, serviceCIDRs: read(going) }),
    'Synced [10.1.0.0/16] [10.97.0.0/16]',
  );
});
