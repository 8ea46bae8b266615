// The objects with which a cluster under random operations begins.

import { resources, type SpiderIPPool } from '#api';
import type { FakeKube } from '#kube/testing';
import type { Nic } from './sandbox.ts';

export const namespace = 'default';
export const nodes = ['node1', 'node2', 'node3'] as const;
export type NodeName = (typeof nodes)[number];

/** Few addresses, so that pools are exhausted now and then. */
export const pools = {
  v4: { subnet: '10.6.0.0/16', ips: '10.6.1.1-10.6.1.8' },
  more: { subnet: '10.6.0.0/16', ips: '10.6.2.1-10.6.2.4' },
  v6: { subnet: 'fd00:6::/64', ips: 'fd00:6::1-fd00:6::b' },
  san: { subnet: '10.7.0.0/16', ips: '10.7.1.1-10.7.1.7' },
} as const;

/** The `ipam` object of each NIC's network: the first has both families. */
export const ipamOf: Readonly<Record<Nic, object>> = {
  eth0: { type: 'spiderpool', default_ipv4_ippool: ['v4', 'more'], default_ipv6_ippool: ['v6'] },
  net1: { type: 'spiderpool', default_ipv4_ippool: ['san'] },
};

export async function createObjects(kube: FakeKube, replicas: number): Promise<void> {
  await kube.create(resources.namespaces, { metadata: { name: namespace } });
  for (const name of nodes) {
    const conditions = [{ type: 'Ready', status: 'True' }];
    const object = resources.nodes.schema.parse({ metadata: { name }, status: { conditions } });
    await kube.create(resources.nodes, object);
  }
  for (const [name, { subnet, ips }] of Object.entries(pools)) {
    const spec = { subnet, ips: [ips], default: false, disable: false };
    await kube.create<SpiderIPPool>(resources.spiderIPPools, { metadata: { name }, spec });
  }
  const spec = { selector: {}, template: {}, replicas };
  const set = resources.statefulSets.schema.parse({ metadata: { name: 'db', namespace }, spec });
  await kube.create(resources.statefulSets, set);
}
