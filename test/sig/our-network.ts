// Our programs on a cluster, and an underlay with addresses for all pods of the tests.

import { join } from 'node:path';
import type { Cluster } from '../kube/cluster.ts';
import { untilDefined } from '../kube/definitions.ts';
import { Installation } from '../kube/installation.ts';

export const portmap = { type: 'portmap', capabilities: { portMappings: true } };

/** Up to the coordinator, with the pools of `underlay.yaml`. */
export const macvlanPlugins = [
  {
    type: 'macvlan',
    master: 'eth1',
    mode: 'bridge',
    ipam: { type: 'spiderpool', default_ipv4_ippool: ['lan-v4'], default_ipv6_ippool: ['lan-v6'] },
  },
] as const;

/** The rights of Multus. */
export async function allowMultus(cluster: Cluster, root: string): Promise<void> {
  await cluster.apply(join(root, 'test/kube/manifests/multus-rbac.yaml'));
}

export async function installOurs(cluster: Cluster, root: string): Promise<void> {
  const installation = new Installation(cluster, root);
  await installation.installKinds();
  await installation.controller.start();
  await allowMultus(cluster, root);
  await installation.apply('test/sig/underlay.yaml');
  await untilDefined(cluster, 'default-underlay');
  await installation.agents.prepare();
  await installation.agents.startAll();
}
