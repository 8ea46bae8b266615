// Kinds of which a cluster has ten thousands, reduced to what the controllers read. They must not be written back.

import {
  type CronJob,
  type DaemonSet,
  type Deployment,
  foreignResources,
  type IPAMClaim,
  type Job,
  type KubeObject,
  NETWORK_STATUS_ANNOTATION,
  type Pod,
  type PodTemplate,
  type ReplicaSet,
  type ResourceType,
  resources,
  type SpiderEndpoint,
} from '#api';
import { FLOATING_IP_ANNOTATION } from '#plan/openstack';

/** Metadata without annotations and managed fields. */
function slimMetadata({ metadata }: KubeObject): KubeObject['metadata'] {
  const { annotations: _, ...rest } = metadata;
  const known = [
    'name',
    'namespace',
    'uid',
    'resourceVersion',
    'creationTimestamp',
    'deletionTimestamp',
  ] as const;
  const more = ['deletionGracePeriodSeconds', 'labels', 'finalizers', 'ownerReferences'] as const;
  return picked(rest, [...known, ...more]);
}

function picked<T extends object, K extends keyof T>(object: T, fields: readonly K[]): Pick<T, K> {
  const kept = fields.flatMap((field) => (object[field] === undefined ? [] : [[field, object[field]]]));
  return Object.fromEntries(kept) as Pick<T, K>;
}

/** Of a pod with a floating IP: which one, and its addresses in all networks. */
function slimAnnotations({ metadata: { annotations } }: Pod): KubeObject['metadata'] {
  if (annotations?.[FLOATING_IP_ANNOTATION] === undefined) return {};
  return { annotations: picked(annotations, [FLOATING_IP_ANNOTATION, NETWORK_STATUS_ANNOTATION]) };
}

/** Without containers and their states, but with the times of their ends. */
function slimPod(pod: Pod): Pod {
  const { spec, status } = pod;
  const ends = status?.containerStatuses?.filter(({ state }) => state?.terminated !== undefined);
  return {
    metadata: { ...slimMetadata(pod), ...slimAnnotations(pod) },
    spec: {
      ...picked(spec ?? { containers: [] }, ['nodeName', 'terminationGracePeriodSeconds']),
      containers: [],
    },
    status: {
      ...picked(status ?? {}, ['phase', 'reason', 'podIP', 'podIPs', 'startTime']),
      ...(isFinal(status?.phase) && { ...picked(status ?? {}, ['conditions']), containerStatuses: ends }),
    },
  };
}

function isFinal(phase: string | undefined): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

/** Without routes and gateways. */
function slimEndpoint(endpoint: SpiderEndpoint): SpiderEndpoint {
  const { status } = endpoint;
  const ips = status?.current.ips.map((ip) => picked(ip, ['interface', 'ipv4', 'ipv6', 'vlan']));
  return {
    metadata: slimMetadata(endpoint),
    ...(status && {
      status: {
        ...picked(status, ['ownerControllerType', 'ownerControllerName']),
        current: { ...picked(status.current, ['uid', 'node']), ips: ips ?? [] },
      },
    }),
  };
}

/** The annotations of a pod template, and whether its pods use the node's network. */
function slimTemplate(template: PodTemplate | undefined): PodTemplate {
  return {
    metadata: picked(template?.metadata ?? {}, ['annotations']),
    spec: { ...picked(template?.spec ?? { containers: [] }, ['hostNetwork']), containers: [] },
  };
}

/** How many pods it wants, and their template. */
function slimReplicated<T extends Deployment | ReplicaSet>(workload: T): T {
  const { spec } = workload;
  const kept = { ...(spec && picked(spec, ['replicas'])), template: slimTemplate(spec?.template) };
  return { metadata: slimMetadata(workload), spec: kept } as T;
}

function slimDaemonSet(workload: DaemonSet): DaemonSet {
  return {
    metadata: slimMetadata(workload),
    spec: { selector: {}, template: slimTemplate(workload.spec?.template) },
    status: picked(workload.status ?? {}, ['desiredNumberScheduled']),
  };
}

function slimJobSpec(spec: Job['spec']): NonNullable<Job['spec']> {
  return {
    ...(spec && picked(spec, ['completions', 'parallelism'])),
    template: slimTemplate(spec?.template),
  };
}

function slimJob(job: Job): Job {
  return { metadata: slimMetadata(job), spec: slimJobSpec(job.spec) };
}

function slimCronJob(job: CronJob): CronJob {
  const { schedule = '', jobTemplate } = job.spec ?? {};
  return {
    metadata: slimMetadata(job),
    spec: { schedule, jobTemplate: { spec: slimJobSpec(jobTemplate?.spec) } },
  };
}

function slim<T extends KubeObject>(type: ResourceType<T>, reduce: (object: T) => T): ResourceType<T> {
  return { ...type, schema: type.schema.transform(reduce) as unknown as ResourceType<T>['schema'] };
}

export const slimPods = slim(resources.pods, slimPod);
export const slimEndpoints = slim(resources.spiderEndpoints, slimEndpoint);
export const slimDeployments = slim(resources.deployments, slimReplicated<Deployment>);
export const slimReplicaSets = slim(resources.replicaSets, slimReplicated<ReplicaSet>);
export const slimDaemonSets = slim(resources.daemonSets, slimDaemonSet);
export const slimJobs = slim(resources.jobs, slimJob);
export const slimClaims = slim(
  foreignResources.ipamClaims,
  (claim): IPAMClaim => ({
    metadata: slimMetadata(claim),
  }),
);
export const slimCronJobs = slim(resources.cronJobs, slimCronJob);
