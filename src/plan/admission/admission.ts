// Admission of our kinds: what is stored of an object, why it is refused, and what its author is told. The API server of
// the lab asks here in its own process. On a cluster, webhooks ask.

import {
  coordinatorIssues,
  type KubeObject,
  type Node,
  type ResourceType,
  resources,
  type SpiderCoordinator,
  type SpiderIPPool,
  type SpiderMultusConfig,
  type SpiderReservedIP,
  type SpiderSubnet,
} from '#api';
import type { Family } from '#ip';
import {
  type AdmissionIssue,
  defaultPool,
  defaultReservedIP,
  nodeRouteIssues,
  poolWarnings,
  validatePool,
  validatePoolDeletion,
  validateReservedIP,
} from '#plan/ipam';
import {
  type ConfigNeighbours,
  defaultMultusConfig,
  multusConfigIssues,
  multusConfigWarnings,
  unknownFields,
  unknownFieldsText,
} from '#plan/multus-config';
import {
  defaultSubnet,
  poolInSubnet,
  validatePoolInSubnet,
  validateSubnet,
  validateSubnetDeletion,
} from '#plan/subnet';
import { defaultCoordinator } from './default-coordinator.ts';

const { spiderCoordinators, spiderIPPools, spiderMultusConfigs, spiderReservedIPs, spiderSubnets } =
  resources;

/** The facts of an AdmissionReview (admission.k8s.io/v1) that the decisions need. */
export interface AdmissionQuestion {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly group: string;
  readonly plural: string;
  /** `status`, or empty. */
  readonly subresource: string;
  /** The object that would be stored; for DELETE the object that would be deleted. */
  readonly object: unknown;
  /** The stored object on an update. */
  readonly oldObject: unknown;
}

/** The part of the cluster that an object is checked against. */
export interface AdmissionCluster extends ConfigNeighbours {
  readonly pools: () => Iterable<SpiderIPPool>;
  readonly subnets: () => Iterable<SpiderSubnet>;
  readonly nodes: () => Iterable<Node>;
  /** The families that are enabled. */
  readonly families: readonly Family[];
}

export interface AdmissionVerdict {
  /** Why the object is refused. Empty if it is admitted. */
  readonly issues: readonly AdmissionIssue[];
  /** What the author of an admitted object is told. */
  readonly warnings: readonly string[];
}

/**
 * The object with our defaults, for the mutating step. Objects of other kinds, status writes, and objects that do not
 * have the form of their kind are returned as they are. The schema refuses the last ones.
 */
export function admittedObject(
  { object, ...request }: AdmissionQuestion,
  { subnets }: Pick<AdmissionCluster, 'subnets'>,
): unknown {
  if (isOf(request, spiderIPPools, object)) {
    return poolInSubnet(defaultPool(object, request.oldObject as SpiderIPPool | undefined), subnets());
  }
  if (isOf(request, spiderSubnets, object)) {
    return defaultSubnet(object, request.oldObject as SpiderSubnet | undefined);
  }
  if (isOf(request, spiderCoordinators, object)) return defaultCoordinator(object);
  if (isOf(request, spiderMultusConfigs, object)) {
    return defaultMultusConfig(object, request.oldObject as SpiderMultusConfig | undefined);
  }
  return isOf(request, spiderReservedIPs, object) ? defaultReservedIP(object) : object;
}

/**
 * The object to store: {@link admittedObject} without our finalizer, if it does not have it yet. The controller adds it
 * at once, and removes it when nobody holds an address. So a cluster without a controller has no object that cannot be
 * deleted. There, the check of a deletion protects the addresses.
 */
export function storedObject(
  question: AdmissionQuestion,
  cluster: Pick<AdmissionCluster, 'subnets'>,
): unknown {
  const admitted = admittedObject(question, cluster);
  if (admitted === question.object) return admitted;
  const { metadata } = admitted as KubeObject;
  const { finalizers } = (question.object as KubeObject).metadata;
  const { finalizers: _, ...others } = metadata;
  return {
    ...(admitted as KubeObject),
    metadata: { ...others, ...(finalizers !== undefined && { finalizers }) },
  };
}

/** Judges the object as it is given, for the validating step, which comes after all defaults. */
export function admissionVerdict(request: AdmissionQuestion, cluster: AdmissionCluster): AdmissionVerdict {
  const issues = issuesOf(request, cluster);
  return { issues, warnings: issues.length > 0 ? [] : warningsOf(request) };
}

function issuesOf(request: AdmissionQuestion, cluster: AdmissionCluster): AdmissionIssue[] {
  const { object, operation } = request;
  const { pools, subnets, nodes, families } = cluster;
  if (isOf(request, spiderIPPools, object)) {
    if (operation === 'DELETE') return validatePoolDeletion(object);
    const old = request.oldObject as SpiderIPPool | undefined;
    return [
      ...validatePool(object, pools(), { old, families }),
      ...validatePoolInSubnet(object, old, subnets()),
      ...nodeRouteIssues(object, nodes(), old),
    ];
  }
  if (isOf(request, spiderSubnets, object)) {
    if (operation === 'DELETE') return validateSubnetDeletion(object, pools());
    const old = request.oldObject as SpiderSubnet | undefined;
    return validateSubnet(object, { others: subnets(), pools: pools() }, { old, families });
  }
  if (operation === 'DELETE') return [];
  if (isOf(request, spiderReservedIPs, object)) {
    return validateReservedIP(object, { old: request.oldObject as SpiderReservedIP | undefined, families });
  }
  if (isOf(request, spiderMultusConfigs, object)) {
    return multusConfigIssues(object, cluster, request.oldObject as SpiderMultusConfig | undefined);
  }
  if (!isOf(request, spiderCoordinators, object)) return [];
  return coordinatorIssues(object.spec, (request.oldObject as SpiderCoordinator | undefined)?.spec);
}

function warningsOf(request: AdmissionQuestion): string[] {
  const { object, operation } = request;
  if (operation === 'DELETE') return [];
  if (isOf(request, spiderIPPools, object)) return poolWarnings(object);
  if (isOf(request, spiderCoordinators, object)) {
    const unknown = unknownFieldsText(unknownFields(spiderCoordinators, object.spec));
    return unknown === undefined ? [] : [unknown];
  }
  if (isOf(request, spiderMultusConfigs, object)) return multusConfigWarnings(object);
  return [];
}

/** Whether the request writes objects of the kind. Status writes by the agents do not count. */
function isOf<T extends KubeObject>(
  { group, plural, subresource }: Omit<AdmissionQuestion, 'object'>,
  type: ResourceType<T>,
  object: unknown,
): object is T {
  if (group !== type.group || plural !== type.plural || subresource !== '') return false;
  return type.schema.safeParse(object).success;
}
