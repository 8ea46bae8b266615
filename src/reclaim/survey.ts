// Reads everything that verdicts depend on, once. A list that fails fails the whole survey: it is not an empty list.

import { type KubeObject, type ResourceType, resources, type SpiderIPPool } from '#api';
import { type KubeClient, Store } from '#kube';
import { type Listed, ListedSight, LiveSight } from './sight.ts';

export interface Survey {
  readonly pools: readonly SpiderIPPool[];
  readonly sight: ListedSight;
}

/** Kinds of others, which a cluster may not have, are read when they are needed. */
const listedKinds: readonly ResourceType[] = [
  resources.pods,
  resources.spiderEndpoints,
  resources.nodes,
  resources.statefulSets,
];

/** @throws what the first failed list throws */
export async function surveyCluster(
  client: Pick<KubeClient, 'get' | 'list'>,
  signal: AbortSignal,
): Promise<Survey> {
  // The pools come first: a pod that is made after this list has no record in it.
  const { items } = await client.list(resources.spiderIPPools, {}, { signal });
  const lists = await Promise.all(
    listedKinds.map(async (type): Promise<[ResourceType, Listed]> => {
      const store = new Store<KubeObject>();
      for (const object of (await client.list(type, {}, { signal })).items) store.put(object);
      return [type, store];
    }),
  );
  return { pools: items, sight: new ListedSight(new Map(lists), new LiveSight(client, signal)) };
}
