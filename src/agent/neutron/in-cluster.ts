// What the cluster knows of a pod and of itself, for Neutron.

import { isOrbError } from '#base';
import type { AllocationRequest } from '#cni';
import type { PortOrigin } from '#plan/openstack';
import type { ClusterView } from '../cluster-view.ts';

/** None of a pod that the cluster does not know, as of a static pod without its mirror. */
export async function annotationsOf(
  view: Pick<ClusterView, 'pod'>,
  { podNamespace, podName, podUid, signal }: AllocationRequest,
): Promise<Readonly<Record<string, string>>> {
  try {
    const pod = await view.pod(podNamespace, podName, podUid, signal);
    return pod.metadata.annotations ?? {};
  } catch (error) {
    if (isOrbError(error, 'POD_UNKNOWN')) return {};
    throw error;
  }
}

const TIMEOUT_MS = 10_000;

export async function originOf(view: Pick<ClusterView, 'namespace'>, node: string): Promise<PortOrigin> {
  // Its UID is that of the cluster.
  const { metadata } = await view.namespace('kube-system', AbortSignal.timeout(TIMEOUT_MS));
  return { node, cluster: metadata.uid ?? '' };
}
