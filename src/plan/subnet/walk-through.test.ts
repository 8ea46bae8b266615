// The guide to fixed addresses on several NICs, played through: two subnets, a Deployment with two pods and `+1`.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Deployment } from '#api';
import { readSubnetRequest, workloadOf } from './index.ts';
import { Cluster, controlled, subnetObject } from './subnet-fixture.ts';

const subnets = `
[
   {
     "interface": "eth0",
     "ipv4": [
       "subnet-test-ens192"
     ]
   },{
     "interface": "net1",
     "ipv4": [
       "subnet-test-ens224"
     ]
   }
]
`;

function deployment(replicas: number): Deployment {
  const annotations = {
    'ipam.spidernet.io/subnets': subnets,
    'ipam.spidernet.io/ippool-ip-number': '+1',
    'v1.multus-cni.io/default-network': 'kube-system/macvlan-conf-ens192',
    'k8s.v1.cni.cncf.io/networks': 'kube-system/macvlan-conf-ens224',
  };
  const metadata = { name: 'test-app', namespace: 'default', uid: '5a4f0a0c-57d1-4d1c-a7c8-b1a361c7e9df' };
  return {
    metadata,
    spec: {
      replicas,
      selector: { matchLabels: { app: 'test-app' } },
      template: { metadata: { annotations } },
    },
  };
}

const ETH0 = 'auto-test-app-v4-eth0-b1a361c7e9df';
const NET1 = 'auto-test-app-v4-net1-b1a361c7e9df';

function guide() {
  const cluster = new Cluster([
    subnetObject('subnet-test-ens192'),
    subnetObject('subnet-test-ens224', {
      subnet: '10.7.0.0/16',
      ips: ['10.7.168.171-10.7.168.180'],
      gateway: '10.7.0.1',
    }),
  ]);
  const scale = (replicas: number) =>
    cluster.settle(() => {
      const workload = workloadOf('Deployment', deployment(replicas));
      assert.ok(workload);
      const { application, annotations } = workload;
      const request = readSubnetRequest(annotations, application, 0);
      const living = { uid: application.uid, request, pods: workload.replicas };
      return { ...cluster.facts(application, annotations, replicas), living };
    });
  const counts = (pool: string) => cluster.pools.get(pool)?.status?.totalIPCount;
  const subnetCounts = (name: string) => {
    const status = cluster.subnets.get(name)?.status;
    return [status?.allocatedIPCount, status?.totalIPCount];
  };
  return { cluster, scale, counts, subnetCounts };
}

test('the guide: two NICs get a pool of three addresses each, and counts and records say so', () => {
  const { cluster, scale, counts, subnetCounts } = guide();
  cluster.repair();
  assert.deepEqual(subnetCounts('subnet-test-ens192'), [0, 10], 'the subnet counts before it has a pool');
  assert.deepEqual(scale(2).notices, []);
  assert.deepEqual([...cluster.pools.keys()], [ETH0, NET1]);
  assert.deepEqual(cluster.ipsOf(ETH0), ['10.6.168.171-10.6.168.173']);
  assert.deepEqual(cluster.ipsOf(NET1), ['10.7.168.171-10.7.168.173']);
  assert.deepEqual([counts(ETH0), counts(NET1)], [3, 3]);
  assert.deepEqual(subnetCounts('subnet-test-ens192'), [3, 10]);
  assert.deepEqual(subnetCounts('subnet-test-ens224'), [3, 10]);
  assert.deepEqual(controlled(cluster, 'subnet-test-ens192'), {
    [ETH0]: { ips: ['10.6.168.171-10.6.168.173'], application: 'apps_v1_Deployment_default_test-app' },
  });
});

test('the guide: three pods get pools of four addresses, and two pods get three again', () => {
  const { cluster, scale, counts, subnetCounts } = guide();
  scale(2);
  for (const pod of ['a', 'b']) cluster.allocate(ETH0, pod);
  scale(3);
  assert.deepEqual([cluster.ipsOf(ETH0), counts(ETH0)], [['10.6.168.171-10.6.168.174'], 4]);
  assert.deepEqual([cluster.ipsOf(NET1), counts(NET1)], [['10.7.168.171-10.7.168.174'], 4]);
  assert.deepEqual(subnetCounts('subnet-test-ens192'), [4, 10]);
  scale(2);
  assert.deepEqual(
    [cluster.ipsOf(ETH0), subnetCounts('subnet-test-ens192')],
    [['10.6.168.171-10.6.168.173'], [3, 10]],
  );
});

test('the guide: a pool says whom it serves, and takes gateway and owner from its subnet', () => {
  const { cluster, scale } = guide();
  scale(2);
  const pool = cluster.pools.get(ETH0);
  assert.deepEqual(pool?.metadata.labels, {
    'ipam.spidernet.io/owner-application-gv': 'apps_v1',
    'ipam.spidernet.io/owner-application-kind': 'Deployment',
    'ipam.spidernet.io/owner-application-namespace': 'default',
    'ipam.spidernet.io/owner-application-name': 'test-app',
    'ipam.spidernet.io/owner-application-uid': '5a4f0a0c-57d1-4d1c-a7c8-b1a361c7e9df',
    'ipam.spidernet.io/owner-spider-subnet': 'subnet-test-ens192',
    'ipam.spidernet.io/interface': 'eth0',
    'ipam.spidernet.io/ip-version': 'IPv4',
    'ipam.spidernet.io/ippool-reclaim': 'true',
    'ipam.spidernet.io/ippool-cidr': '10-6-0-0-16',
  });
  assert.equal(pool?.metadata.annotations?.['ipam.spidernet.io/ippool-ip-number'], '+1');
  assert.deepEqual(pool?.metadata.finalizers, ['spiderpool.spidernet.io']);
  assert.deepEqual(
    pool?.metadata.ownerReferences?.map(({ kind, name, uid, controller }) => [kind, name, uid, controller]),
    [['SpiderSubnet', 'subnet-test-ens192', 'uid-of-subnet-test-ens192', true]],
  );
  assert.deepEqual(pool?.spec, {
    ipVersion: 4,
    subnet: '10.6.0.0/16',
    ips: ['10.6.168.171-10.6.168.173'],
    gateway: '10.6.0.1',
    podAffinity: {
      matchLabels: {
        'ipam.spidernet.io/app-api-group': 'apps',
        'ipam.spidernet.io/app-api-version': 'v1',
        'ipam.spidernet.io/app-kind': 'Deployment',
        'ipam.spidernet.io/app-namespace': 'default',
        'ipam.spidernet.io/app-name': 'test-app',
      },
    },
    default: false,
    disable: false,
  });
});
