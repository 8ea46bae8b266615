// The lease of a node. It tells the cluster that the kubelet is alive (kubernetes "Leases", node heartbeats).

import { apiVersionOf, type Lease, resources } from '#api';
import { isOrbError } from '#base';
import type { KubeClient } from '#kube';

const NAMESPACE = 'kube-node-lease';

/** kubelet's default (nodeLeaseDurationSeconds). */
const LEASE_DURATION_SECONDS = 40;

/** Renews the lease, or creates it. The lease is removed together with its Node. */
export async function renewLease(client: KubeClient, node: string, nowMs: number): Promise<void> {
  // metav1.MicroTime.
  const renewTime = new Date(nowMs).toISOString().replace('Z', '000Z');
  const spec = { holderIdentity: node, leaseDurationSeconds: LEASE_DURATION_SECONDS, renewTime };
  try {
    await client.patch(
      resources.leases,
      { namespace: NAMESPACE, name: node },
      { type: 'merge', body: { spec } },
    );
  } catch (error) {
    if (!isOrbError(error, 'KUBE_NOT_FOUND')) throw error;
    await client.create(resources.leases, await leaseOf(client, node, spec));
  }
}

async function leaseOf(client: KubeClient, name: string, spec: Lease['spec']): Promise<Lease> {
  const { metadata } = await client.get(resources.nodes, { name });
  const owner = { apiVersion: apiVersionOf(resources.nodes), kind: 'Node', name, uid: metadata.uid ?? '' };
  return { metadata: { namespace: NAMESPACE, name, ownerReferences: [owner] }, spec };
}
