// SpiderEndpoints as objects: a new one, and changes of an existing one that keep what others wrote into it.

import { type EndpointIPDetail, type Pod, SPIDERPOOL_FINALIZER, type SpiderEndpoint } from '#api';
import { ownedBy, topController } from './pod-facts.ts';

/** The body of a JSON merge patch (RFC 7386). The server refuses it with a conflict when UID or version differ. */
type MergePatch = Readonly<Record<string, unknown>>;

/** The endpoint of a pod that has none. */
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

/** Makes the endpoint that of `pod`. Owners that are not a pod of this name stay. */
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

/** Changes what the endpoint's own pod has. */
export function withIps(existing: SpiderEndpoint, ips: readonly EndpointIPDetail[]): MergePatch {
  return { metadata: unchanged(existing), status: { current: { ips } } };
}

/** Takes the finalizer that Spiderpool sets and only we take away; undefined where there is none. */
export function withoutFinalizer(existing: SpiderEndpoint): MergePatch | undefined {
  const finalizers = existing.metadata.finalizers ?? [];
  if (!finalizers.includes(SPIDERPOOL_FINALIZER)) return undefined;
  return { metadata: { ...unchanged(existing), finalizers: foreignFinalizers(existing) } };
}

/** The finalizers of other programs: they take them away when they are done. */
export function foreignFinalizers({ metadata }: SpiderEndpoint): string[] {
  return (metadata.finalizers ?? []).filter((finalizer) => finalizer !== SPIDERPOOL_FINALIZER);
}

function unchanged({ metadata: { uid, resourceVersion } }: SpiderEndpoint): MergePatch {
  return {
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
}
