// Gathers what a verdict about one recorded address depends on.

import { type Node, type Pod, resources, type SpiderEndpoint } from '#api';
import type { ObjectRef } from '#kube';
import { claimOfRecord } from '#plan/ipam';
import {
  type HolderSight,
  hasFinished,
  type NodeSight,
  type Owner,
  type ReclaimFacts,
  type RecordedAddress,
  type SandboxSight,
  type Sight,
} from '#plan/reclaim';
import { claimOwner, ownerOf } from './owner.ts';
import type { ClusterSight } from './sight.ts';

/** What is remembered of a pod that is gone. */
export interface Absence {
  /** Milliseconds since 1970. */
  readonly sinceMs: number;
  /** The node that it ran on, if it was seen. */
  readonly node?: string | undefined;
}

/** Asks the agent of the node whether a sandbox of the pod runs; every agent if the node is not known. */
export type AskNode = (node: Node | undefined, podUid: string) => Promise<SandboxSight>;

export interface FactSources {
  readonly sight: ClusterSight;
  readonly absence: (podUid: string) => Absence;
  readonly askNode: AskNode;
  readonly nowMs: number;
}

export async function reclaimFacts(record: RecordedAddress, sources: FactSources): Promise<ReclaimFacts> {
  const { sight, nowMs } = sources;
  const ref = refOfPod(record.pod);
  const claim = claimOfRecord(record.pod);
  // No pod and no endpoint has the name of such a record.
  const absent = { state: 'absent' } as const;
  const named: Sight<Pod> = claim === undefined ? await sight.look(resources.pods, ref) : absent;
  const holder = await holderOf(record.podUid, named, sources);
  const namesake =
    named.state === 'present' && !hasUid(named.object, record.podUid) ? named.object : undefined;
  const endpoint: Sight<SpiderEndpoint> =
    claim === undefined ? await sight.look(resources.spiderEndpoints, ref) : absent;
  const shown = endpoint.state === 'present' ? endpoint.object : undefined;
  const pod = holder.state === 'present' ? holder.object : namesake;
  const owner: Owner =
    named.state === 'unreadable'
      ? { kind: 'unreadable', said: named.said }
      : claim === undefined
        ? await ownerOf(ref, pod, shown, sight)
        : await claimOwner(claim, sight);
  const others = claim === undefined ? sight.podsOfMachine(record.pod) : sight.machinePodsNaming(claim);
  const isKept = owner.kind === 'IPAMClaim' && owner.lives;
  const companion: Sight<Pod> = isKept ? absent : await companionOf(record, await others, sources);
  const current = shown?.status?.current;
  const nodeName =
    holder.state === 'present'
      ? holder.object.spec?.nodeName
      : ((current?.uid === record.podUid ? current.node : undefined) ?? sources.absence(record.podUid).node);
  const place = await placeOf(nodeName, record.podUid, sources);
  return { record, holder, namesake, endpoint, owner, companion, ...place, nowMs };
}

/** A pod that has finished counts until its node says that its sandbox is gone. */
async function companionOf(
  { podUid }: RecordedAddress,
  seen: Sight<readonly Pod[]>,
  sources: FactSources,
): Promise<Sight<Pod>> {
  if (seen.state !== 'present') return seen;
  for (const pod of seen.object) {
    if (hasUid(pod, podUid)) continue;
    if (!hasFinished(pod)) return { state: 'present', object: pod };
    const { nodeName } = pod.spec ?? {};
    if (nodeName === undefined) continue;
    const { node, sandbox } = await placeOf(nodeName, pod.metadata.uid ?? '', sources);
    if (node?.state !== 'absent' && sandbox !== 'gone') return { state: 'present', object: pod };
  }
  return { state: 'absent' };
}

/** From `namespace/name`. */
export function refOfPod(pod: string): ObjectRef {
  const at = pod.indexOf('/');
  return { namespace: pod.slice(0, Math.max(at, 0)), name: pod.slice(at + 1) };
}

function hasUid(pod: Pod, uid: string): boolean {
  return pod.metadata.uid === uid;
}

/** The pod with the UID: the one that the record names, or else another one. */
async function holderOf(uid: string, named: Sight<Pod>, sources: FactSources): Promise<HolderSight> {
  if (named.state === 'unreadable') return named;
  if (named.state === 'present' && hasUid(named.object, uid)) return named;
  const other = sources.sight.podWithUid(uid);
  const seen = other === undefined ? undefined : await sources.sight.look(resources.pods, other);
  if (seen?.state === 'unreadable') return seen;
  if (seen?.state === 'present' && hasUid(seen.object, uid)) return seen;
  return { state: 'absent', sinceMs: sources.absence(uid).sinceMs };
}

async function placeOf(
  name: string | undefined,
  podUid: string,
  { sight, askNode }: FactSources,
): Promise<{ node: NodeSight | undefined; sandbox: SandboxSight }> {
  // A pod that was deleted before anybody watched, with its endpoint: any node may have its sandbox.
  if (name === undefined) return { node: undefined, sandbox: await askNode(undefined, podUid) };
  const seen = await sight.look(resources.nodes, { name });
  if (seen.state === 'unreadable') {
    return { node: { name, state: 'unreadable', said: seen.said }, sandbox: 'unknown' };
  }
  if (seen.state === 'absent') return { node: { name, state: 'absent' }, sandbox: 'unknown' };
  const ready = seen.object.status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
  return {
    node: { name, state: ready ? 'ready' : 'notReady' },
    sandbox: await askNode(seen.object, podUid),
  };
}
