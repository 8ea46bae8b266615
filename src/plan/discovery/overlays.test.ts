// The networks of overlay pods: Calico, Cilium, flannel, and which of them the nodes use.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foreignResources } from '#api';
import {
  calicoNode,
  calicoPool,
  ciliumNode,
  ciliumPool,
  configMap,
  failed,
  forbidden,
  kubeadmConfig,
  node,
  notServed,
  read,
  statusOf,
  summary,
} from './cluster-fixture.ts';

const SERVICES = '[10.96.0.0/12]';
const at = (second: number) => ({ creationTimestamp: `2026-01-01T00:00:0${second}Z` });
const deleting = { deletionTimestamp: '2026-01-01T00:00:00Z' };
const kubeadm = { kubeadmConfig: read(kubeadmConfig({ podSubnet: '10.244.0.0/16' })) };
const cilium = (data: Record<string, string>) => ({ ciliumConfig: read(configMap('cilium-config', data)) });

test('a Calico pool that is switched off stays, because running pods use it; one that is being deleted goes', () => {
  const pools = [
    calicoPool('new', '10.2.0.0/16', {}, at(2)),
    calicoPool('off', '10.1.0.0/16', { disabled: true }, at(1)),
    calicoPool('going', '10.3.0.0/16', {}, { ...at(3), ...deleting }),
  ];
  assert.equal(
    summary('calico', { calicoPools: read(...pools) }),
    `Synced [10.1.0.0/16 10.2.0.0/16] ${SERVICES}`,
  );
  const { calicoPools } = { calicoPools: read(calicoPool('off', '10.1.0.0/16', { disabled: true })) };
  assert.equal(summary('calico', { calicoPools }), `Synced [10.1.0.0/16] ${SERVICES}`);
});

test('a Calico pool for load balancers alone is none of pods', () => {
  const pools = read(
    calicoPool('lb', '10.9.0.0/16', { allowedUses: ['LoadBalancer'] }),
    calicoPool('pods', '10.1.0.0/16', { allowedUses: ['Workload', 'Tunnel'] }),
  );
  assert.equal(summary('calico', { calicoPools: pools }), `Synced [10.1.0.0/16] ${SERVICES}`);
});

test('one Calico pool with a bad network does not hide the others', () => {
  const pools = read(calicoPool('a', '10.1.0.0/16'), calicoPool('b', '10.2/16'), calicoPool('c', ''));
  const status = statusOf('calico', { calicoPools: pools });
  assert.deepEqual([status.phase, status.overlayPodCIDR], ['NotReady', ['10.1.0.0/16']]);
  assert.match(
    status.reason,
    /IPPool b of Calico: invalid CIDR '10\.2\/16'.*IPPool c of Calico has no spec\.cidr/,
  );
});

test('Calico’s pools are read where it stores them when users see none of them', () => {
  const stored = { calicoPoolStorage: read(calicoPool('p', '10.1.0.0/16')) };
  for (const seen of [notServed, forbidden, failed, read<never>()]) {
    assert.equal(summary('calico', { calicoPools: seen, ...stored }), `Synced [10.1.0.0/16] ${SERVICES}`);
  }
});

test('after a migration to Calico’s v3 CRDs the stale stored pools do not count', () => {
  const facts = {
    calicoPools: read(calicoPool('p', '10.1.0.0/16')),
    calicoPoolStorage: read(calicoPool('p', '10.1.0.0/16'), calicoPool('deleted', '10.2.0.0/16')),
  };
  assert.equal(summary('calico', facts), `Synced [10.1.0.0/16] ${SERVICES}`);
});

test('Calico’s CRDs are not installed yet: it is NotReady, says so, and does not take the cluster’s networks for its own', () => {
  const status = statusOf('auto', { nodes: read(calicoNode), ...kubeadm });
  assert.deepEqual([status.phase, status.overlayPodCIDR], ['NotReady', []]);
  assert.match(
    status.reason,
    /does not serve ippools\.v3\.projectcalico\.org.*does not serve ippools\.v1\.crd\.projectcalico\.org/,
  );
});

test('Calico without pools, as in Canal, uses the cluster’s networks', () => {
  for (const facts of [
    { calicoPools: notServed, calicoPoolStorage: read<never>() },
    { calicoPools: read<never>(), calicoPoolStorage: notServed },
  ]) {
    assert.equal(
      summary('auto', { nodes: read(calicoNode), ...kubeadm, ...facts }),
      `Synced [10.244.0.0/16] ${SERVICES}`,
    );
  }
});

test('the cluster’s networks are not taken for those of Calico while its pools cannot be read', () => {
  for (const unread of [failed, forbidden]) {
    for (const other of [read<never>(), notServed, unread]) {
      const facts = [
        { calicoPools: other, calicoPoolStorage: unread },
        { calicoPools: unread, calicoPoolStorage: other },
      ];
      for (const pools of facts) {
        assert.equal(summary('calico', { ...kubeadm, ...pools }), `NotReady [] ${SERVICES}`);
      }
    }
  }
});

test('Cilium without its multi-pool CRD is read', () => {
  assert.equal(
    summary('cilium', cilium({ ipam: 'cluster-pool', 'cluster-pool-ipv4-cidr': '10.0.0.0/8' })),
    `Synced [10.0.0.0/8] ${SERVICES}`,
  );
});

test('lists of Cilium may have several networks and blanks, in both families', () => {
  const data = {
    ipam: 'cluster-pool',
    'cluster-pool-ipv4-cidr': '10.1.0.0/16 10.2.0.0/16',
    'cluster-pool-ipv6-cidr': ' fd00::/104 ',
  };
  assert.equal(summary('cilium', cilium(data)), `Synced [10.1.0.0/16 10.2.0.0/16 fd00::/104] ${SERVICES}`);
  assert.equal(
    summary('cilium', cilium({ ...data, 'enable-ipv6': 'false' })),
    `Synced [10.1.0.0/16 10.2.0.0/16] ${SERVICES}`,
  );
});

test('each IPAM mode of Cilium has its source', () => {
  const pools = {
    ciliumPools: read(
      ciliumPool('default', ['10.10.0.0/16', '10.11.0.0/16'], ['fd00:10::/104']),
      ciliumPool('old', ['10.12.0.0/16'], [], deleting),
    ),
  };
  assert.equal(
    summary('cilium', { ...cilium({ ipam: 'multi-pool' }), ...pools }),
    `Synced [10.10.0.0/16 10.11.0.0/16 fd00:10::/104] ${SERVICES}`,
  );
  assert.equal(
    summary('cilium', { ...cilium({ ipam: 'kubernetes' }), ...kubeadm }),
    `Synced [10.244.0.0/16] ${SERVICES}`,
  );
  for (const ipam of ['eni', 'azure', 'alibabacloud']) {
    assert.equal(summary('cilium', cilium({ ipam })), `Synced [] ${SERVICES}`);
  }
  for (const ipam of ['crd', 'delegated-plugin']) {
    assert.match(
      statusOf('cilium', cilium({ ipam })).reason,
      new RegExp(`^unsupported Cilium IPAM mode: ${ipam}`),
    );
  }
  assert.equal(statusOf('cilium', cilium({ ipam: 'multi-pool' })).conditions[0]?.reason, 'NotServed');
});

test('without Cilium’s ConfigMap, or networks in it, the networks that its nodes were given count', () => {
  const ciliumNodes = read(
    foreignResources.ciliumNodes.schema.parse({
      metadata: { name: 'a' },
      spec: { ipam: { podCIDRs: ['10.0.0.0/24', 'fd00::/120'] } },
    }),
    foreignResources.ciliumNodes.schema.parse({
      metadata: { name: 'b' },
      spec: { ipam: { pools: { allocated: [{ pool: 'x', cidrs: ['10.0.1.0/24'] }] } } },
    }),
    foreignResources.ciliumNodes.schema.parse({ metadata: { name: 'c' }, spec: {} }),
  );
  for (const config of [{}, cilium({ ipam: 'cluster-pool' }), cilium({})]) {
    assert.equal(
      summary('cilium', { ...config, ciliumNodes }),
      `Synced [10.0.0.0/23 fd00::/120] ${SERVICES}`,
    );
  }
  assert.equal(summary('cilium', { ciliumConfig: forbidden, ciliumNodes }), `NotReady [] ${SERVICES}`);
  assert.match(
    statusOf('cilium', { ciliumNodes: read() }).reason,
    /Cilium has no ConfigMap; no CiliumNode has networks/,
  );
});

test('stock flannel, whose configuration is called cbr0, is known', () => {
  const flannel = (conf: string) => ({
    flannelConfig: read(configMap('kube-flannel-cfg', { 'net-conf.json': conf }, 'kube-flannel')),
  });
  const nodes = read(node({ cni: ['cbr0', 'flannel', 'portmap'], podCIDRs: ['10.244.0.0/24'] }));
  assert.equal(
    summary('auto', { nodes, ...flannel('{"Network":"10.244.0.0/16","Backend":{"Type":"vxlan"}}') }),
    `Synced [10.244.0.0/16] ${SERVICES}`,
  );
  const dual = '{"Network":"10.244.0.0/16","EnableIPv6":true,"IPv6Network":"fd00:244::/56"}';
  assert.equal(
    summary('auto', { nodes, ...flannel(dual) }),
    `Synced [10.244.0.0/16 fd00:244::/56] ${SERVICES}`,
  );
  const off =
    '{"Network":"10.244.0.0/16","EnableIPv4":false,"EnableIPv6":true,"IPv6Network":"fd00:244::/56"}';
  assert.equal(summary('auto', { nodes, ...flannel(off) }), `Synced [fd00:244::/56] ${SERVICES}`);
  assert.equal(summary('auto', { nodes, ...flannel('{}') }), `Synced [10.244.0.0/24] ${SERVICES}`);
  assert.equal(summary('auto', { nodes }), `Synced [10.244.0.0/24] ${SERVICES}`);
  assert.match(
    statusOf('auto', { nodes, ...flannel('{') }).reason,
    /kube-flannel-cfg, net-conf\.json: .* is not valid JSON/,
  );
});

test('flannel under another name, or without an agent, is known by its annotation', () => {
  const annotations = { 'flannel.alpha.coreos.com/kube-subnet-manager': 'true' };
  for (const fields of [{ cni: ['mynet', 'other'] as const }, {}]) {
    const nodes = read(node({ ...fields, annotations, podCIDRs: ['10.244.0.0/24'] }));
    assert.equal(summary('auto', { nodes }), `Synced [10.244.0.0/24] ${SERVICES}`);
  }
});

test('nodes that change from one CNI to another have the networks of both', () => {
  const facts = {
    nodes: read(calicoNode, ciliumNode),
    calicoPools: read(calicoPool('p', '10.1.0.0/16')),
    ...cilium({ 'cluster-pool-ipv4-cidr': '10.2.0.0/16' }),
  };
  assert.equal(summary('auto', facts), `Synced [10.1.0.0/16 10.2.0.0/16] ${SERVICES}`);
  assert.equal(summary('auto', { ...facts, ciliumConfig: failed }), `NotReady [10.1.0.0/16] ${SERVICES}`);
});

test('a node without configuration does not decide for the others, and alone it has no overlay', () => {
  const facts = {
    nodes: read(node({ cni: [''] }), calicoNode, node({})),
    calicoPools: read(calicoPool('p', '10.1.0.0/16')),
  };
  assert.equal(summary('auto', facts), `Synced [10.1.0.0/16] ${SERVICES}`);
  assert.equal(summary('auto', { nodes: read(node({ cni: [''] })) }), `Synced [] ${SERVICES}`);
  assert.equal(
    summary('auto', { nodes: read(node({ cni: ['macvlan', 'macvlan'] })) }),
    `Synced [] ${SERVICES}`,
  );
  assert.equal(
    statusOf('auto', { nodes: read(node({ cni: ['macvlan', 'macvlan'] })) }).conditions[0]?.reason,
    'None',
  );
});

test('before any agent has reported, auto is NotReady and says what it waits for', () => {
  const status = statusOf('auto');
  assert.equal(status.phase, 'NotReady');
  assert.match(status.reason, /^no agent has written the CNI configuration of its node/);
  assert.equal(statusOf('auto', { nodes: forbidden }).conditions[0]?.reason, 'Forbidden');
});

test('a configuration is known by its name when the agent reports no types', () => {
  for (const name of ['calico', 'k8s-pod-network']) {
    const facts = { nodes: read(node({ cni: [name] })), calicoPools: read(calicoPool('p', '10.1.0.0/16')) };
    assert.equal(summary('auto', facts), `Synced [10.1.0.0/16] ${SERVICES}`);
  }
  assert.equal(
    summary('auto', { nodes: read(node({ cni: ['cilium'] })), ...cilium({ ipam: 'eni' }) }),
    `Synced [] ${SERVICES}`,
  );
  assert.equal(
    summary('auto', { nodes: read(node({ cni: ['kindnet'], podCIDRs: ['10.244.0.0/24'] })) }),
    `Synced [10.244.0.0/24] ${SERVICES}`,
  );
});
