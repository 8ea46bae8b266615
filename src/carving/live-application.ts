// An application as the server has it now.

import { type KubeObject, type Pod, type ResourceType, resources } from '#api';
import { type CallOptions, ifFound, type KubeClient } from '#kube';
import { type Application, isThirdParty, type Workload, type WorkloadKinds, workloadOf } from '#plan/subnet';

/** Without annotations for an application of a third party: nobody knows where it has its template. */
export interface LiveApplication {
  readonly uid: string;
  readonly workload: Workload | undefined;
  /** How many pods it wants, or has if nobody knows. */
  readonly pods: number;
}

const types: { readonly [Kind in keyof WorkloadKinds]: ResourceType<WorkloadKinds[Kind]> } = {
  Deployment: resources.deployments,
  ReplicaSet: resources.replicaSets,
  StatefulSet: resources.statefulSets,
  DaemonSet: resources.daemonSets,
  Job: resources.jobs,
  CronJob: resources.cronJobs,
};

/**
 * Reads the application. Undefined if it is gone, if another one has its name, or if it is one of a third party that has
 * no pods.
 */
export async function readApplication(
  application: Application,
  client: KubeClient,
  options: CallOptions,
): Promise<LiveApplication | undefined> {
  const { namespace, name, uid, kind } = application;
  if (isThirdParty(application)) {
    const { items } = await client.list(resources.pods, { namespace }, options);
    const pods = items.filter((pod) => isControlledBy(pod, uid)).length;
    return pods === 0 ? undefined : { uid, workload: undefined, pods };
  }
  const type = types[kind as keyof WorkloadKinds] as ResourceType<KubeObject>;
  const object = await ifFound(client.get(type, { namespace, name }, options));
  if (object === undefined || (object.metadata.uid !== uid && uid !== '')) return undefined;
  const workload = workloadOf(
    kind as keyof WorkloadKinds,
    object as WorkloadKinds[keyof WorkloadKinds] & KubeObject as never,
  );
  return { uid: object.metadata.uid ?? '', workload, pods: workload?.replicas ?? 0 };
}

function isControlledBy({ metadata, status }: Pod, uid: string): boolean {
  const isOver = status?.phase === 'Succeeded' || status?.phase === 'Failed';
  return (
    !isOver &&
    (metadata.ownerReferences ?? []).some((owner) => owner.controller === true && owner.uid === uid)
  );
}
