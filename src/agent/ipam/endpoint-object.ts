// SpiderEndpoints as objects: creates new ones, and changes existing ones without losing what others wrote into them.

import type { EndpointIPDetail, Pod, SpiderEndpoint } from '#api';
import type { PodHolder } from '#plan/ipam';
import { unchanged } from '#plan/reclaim';
import { ownedBy, topController } from './pod-facts.ts';

/**
 * The body of a JSON merge patch (RFC 7386). The server refuses it with a conflict if the UID or the version differs.
 */
type MergePatch = Readonly<Record<string, unknown>>;

/** In whose name the pod holds its addresses: see {@link podHolder}. */
export type EndpointHolder = Pick<PodHolder, 'name' | 'fixedTo'>;

/** The endpoint for a pod that has none. That of fixed addresses outlives the pod, so the pod does not own it. */
export function newEndpoint(
  pod: Pod,
  holder: EndpointHolder,
  nodeName: string,
  ips: readonly EndpointIPDetail[],
): SpiderEndpoint & { status: object } {
  const { uid = '' } = pod.metadata;
  const controller = topController(pod);
  const ownerReferences = holder.fixedTo === undefined ? { ownerReferences: [ownedBy(pod)] } : {};
  return {
    metadata: { ...endpointRef(holder), ...ownerReferences },
    status: {
      current: { uid, node: nodeName, ips: [...ips] },
      ownerControllerType: controller.kind,
      ownerControllerName: controller.name,
    },
  };
}

/** Namespace and name of the endpoint. */
export function endpointRef({ name: key }: EndpointHolder): {
  readonly namespace: string;
  readonly name: string;
} {
  const [namespace = '', name = ''] = key.split('/');
  return { namespace, name };
}

/** Gives the endpoint to `pod`. Owners other than a pod of this name stay. */
export function handOver(
  existing: SpiderEndpoint,
  pod: Pod,
  holder: EndpointHolder,
  nodeName: string,
  ips: readonly EndpointIPDetail[],
): MergePatch {
  const { metadata, status } = newEndpoint(pod, holder, nodeName, ips);
  const owners = existing.metadata.ownerReferences ?? [];
  const others = owners.filter(({ kind, name }) => kind !== 'Pod' || name !== pod.metadata.name);
  const ownerReferences = [...others, ...(metadata.ownerReferences ?? [])];
  return { metadata: { ...unchanged(existing), ownerReferences }, status };
}

/** Replaces the addresses that the endpoint shows for its own pod. */
export function withIps(existing: SpiderEndpoint, ips: readonly EndpointIPDetail[]): MergePatch {
  return { metadata: unchanged(existing), status: { current: { ips } } };
}
