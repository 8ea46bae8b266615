// Reads from the cluster, and from copies of host-local's folders, what an import is planned with.

import { foreignResources, type KubeObject, type ResourceType, resources } from '#api';
import { ifFound, type KubeClient } from '#kube';
import type { ImportFacts } from '#plan/import';
import { orbweaverIn } from '#plan/migration';

/** What was read of the nodes' files. */
export type NodeFiles = Pick<ImportFacts, 'files' | 'nodesRead'>;

/** Throws what the API server answers. */
export async function readFacts(
  client: Pick<KubeClient, 'list'>,
  { files, nodesRead }: NodeFiles,
): Promise<ImportFacts> {
  // The cluster may have neither Multus nor Whereabouts.
  const all = async <T extends KubeObject>(type: ResourceType<T>) =>
    (await ifFound(client.list(type)))?.items ?? [];
  const [definitions, pools, endpoints, whereaboutsPools, reservations, daemonSets] = await Promise.all([
    all(resources.networkAttachmentDefinitions),
    all(resources.spiderIPPools),
    all(resources.spiderEndpoints),
    all(foreignResources.whereaboutsPools),
    all(foreignResources.whereaboutsReservations),
    all(resources.daemonSets),
  ]);
  // A pod that shows an address is read after the lists that could name it.
  const pods = await all(resources.pods);
  const { programs } = orbweaverIn({ daemonSets, deployments: [], webhooks: [] });
  return {
    ...{ definitions, pools, endpoints, pods, whereaboutsPools, reservations, files, nodesRead },
    isInstalled: programs.some(({ role }) => role === 'agent'),
  };
}
