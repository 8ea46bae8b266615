// SpiderEndpoints as objects: creates new ones, and changes existing ones without losing what others wrote into them.

import type { EndpointIPDetail, Pod, SpiderEndpoint } from '#api';
import { unchanged } from '#plan/reclaim';
import { ownedBy, topController } from './pod-facts.ts';

/**
 * The body of a JSON merge patch (RFC 7386). The server refuses it with a conflict if the UID or the version differs.
 */
type MergePatch = Readonly<Record<string, unknown>>;

/** The endpoint for a pod that has none. */
export function newEndpoint(
  pod: Pod,
  nodeName: string,
  ips: readonly EndpointIPDetail[],
): SpiderEndpoint & { status: object } {
  const { name = '', namespace = '', uid = '' } = pod.metadata;
  const controller = topController(pod);
  return {
    metadata: { name, namespace, ownerReferences: [ownedBy(pod)] },
    status: {
      current: { uid, node: nodeName, ips: [...ips] },
      ownerControllerType: controller.kind,
      ownerControllerName: controller.name,
    },
  };
}

/** Gives the endpoint to `pod`. Owners other than a pod of this name stay. */
export function handOver(
  existing: SpiderEndpoint,
  pod: Pod,
  nodeName: string,
  ips: readonly EndpointIPDetail[],
): MergePatch {
  const { metadata, status } = newEndpoint(pod, nodeName, ips);
  const owners = existing.metadata.ownerReferences ?? [];
  const others = owners.filter(({ kind, name }) => kind !== 'Pod' || name !== metadata.name);
  const ownerReferences = [...others, ownedBy(pod)];
  return { metadata: { ...unchanged(existing), ownerReferences }, status };
}

/** Replaces the addresses that the endpoint shows for its own pod. */
export function withIps(existing: SpiderEndpoint, ips: readonly EndpointIPDetail[]): MergePatch {
  return { metadata: unchanged(existing), status: { current: { ips } } };
}
