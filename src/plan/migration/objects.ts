// The objects of Spiderpool's kinds that Orbweaver takes over: how many there are, and which of them it cannot serve.

import {
  type KubeObject,
  type NetworkAttachmentDefinition,
  type Node,
  type Pod,
  type SpiderCoordinator,
  type SpiderEndpoint,
  type SpiderIPPool,
  type SpiderMultusConfig,
  type SpiderReservedIP,
  type SpiderSubnet,
  unreadableNote,
} from '#api';
import { errorText } from '#base';
import { PoolLedger } from '#plan/ipam';
import { definitionChanges, definitionName, renderDefinition } from '#plan/multus-config';

export interface MigratedObjects {
  readonly pools: readonly SpiderIPPool[];
  readonly subnets: readonly SpiderSubnet[];
  readonly endpoints: readonly SpiderEndpoint[];
  readonly reservedIPs: readonly SpiderReservedIP[];
  readonly multusConfigs: readonly SpiderMultusConfig[];
  readonly coordinators: readonly SpiderCoordinator[];
  readonly definitions: readonly NetworkAttachmentDefinition[];
  readonly pods: readonly Pod[];
  readonly nodes: readonly Node[];
}

export interface ObjectFindings {
  readonly counts: readonly { readonly kind: string; readonly count: number }[];
  /** Running pods with addresses of these pools. */
  readonly pods: number;
  /** Their interfaces. */
  readonly nics: number;
  /** Records of all pools that can be read. */
  readonly addresses: number;
  /** What Orbweaver cannot serve. */
  readonly obstacles: readonly string[];
  /** What becomes different. */
  readonly differences: readonly string[];
}

export function findInObjects(objects: MigratedObjects): ObjectFindings {
  const { pools, subnets, endpoints, reservedIPs, multusConfigs, coordinators } = objects;
  const kinds: readonly (readonly [string, readonly KubeObject[]])[] = [
    ['SpiderIPPool', pools],
    ['SpiderSubnet', subnets],
    ['SpiderReservedIP', reservedIPs],
    ['SpiderMultusConfig', multusConfigs],
    ['SpiderCoordinator', coordinators],
    ['SpiderEndpoint', endpoints],
  ];
  const records = pools.map(recordsIn);
  const attached = livingNics(endpoints, objects.pods);
  return {
    counts: kinds.map(([kind, found]) => ({ kind, count: found.length })),
    pods: attached.length,
    nics: attached.reduce((sum, nics) => sum + nics, 0),
    addresses: records.reduce((sum, { count }) => sum + count, 0),
    obstacles: [
      ...kinds.flatMap(([kind, found]) => found.flatMap((object) => unreadable(kind, object))),
      ...records.flatMap(({ problem }) => (problem === undefined ? [] : [problem])),
    ],
    differences: [
      ...multusConfigs.flatMap((config) => definitionDifference(config, objects.definitions)),
      ...kinds.flatMap(([kind, found]) => found.flatMap((object) => leaving(kind, object))),
    ],
  };
}

function unreadable(kind: string, object: KubeObject): string[] {
  const note = unreadableNote(object);
  return note === undefined ? [] : [`${kind} ${nameOf(object)} cannot be read: ${note}`];
}

/** A pool that cannot be read has no records either, and is told already. */
function recordsIn(pool: SpiderIPPool): { readonly count: number; readonly problem?: string } {
  if (unreadableNote(pool) !== undefined) return { count: 0 };
  try {
    return { count: PoolLedger.read(pool).status.allocatedIPCount };
  } catch (error) {
    return { count: 0, problem: `SpiderIPPool ${nameOf(pool)} cannot be served: ${errorText(error)}` };
  }
}

/** The number of NICs of each pod that runs. An endpoint of a pod that is gone counts nothing. */
function livingNics(endpoints: readonly SpiderEndpoint[], pods: readonly Pod[]): number[] {
  const running = new Set(
    pods
      .filter(({ status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed')
      .map(({ metadata }) => metadata.uid),
  );
  return endpoints.flatMap(({ status }) =>
    status !== undefined && running.has(status.current.uid) ? [status.current.ips.length] : [],
  );
}

/** Orbweaver writes definitions of its own, with the same networks. Running pods do not use them again. */
function definitionDifference(
  config: SpiderMultusConfig,
  definitions: readonly NetworkAttachmentDefinition[],
): string[] {
  if (unreadableNote(config) !== undefined) return [];
  const { namespace } = config.metadata;
  const name = `SpiderMultusConfig ${nameOf(config)}`;
  const { definition, issues } = renderDefinition(config);
  if (definition === undefined) {
    const [issue] = issues;
    return [
      `${name}: its NetworkAttachmentDefinition stays as it is, because ${issue?.field ?? ''}: ${issue?.message ?? ''}`,
    ];
  }
  const existing = definitions.find(
    ({ metadata }) => metadata.namespace === namespace && metadata.name === definition.metadata.name,
  );
  const change = definitionChanges(existing, definition, config);
  if (change.verb === 'none' || change.verb === 'wait') return [];
  const of = `NetworkAttachmentDefinition ${namespace ?? ''}/${definitionName(config)}`;
  if (change.verb === 'refuse')
    return [`${of} stays as it is: it belongs to ${change.owner.kind} ${change.owner.name}`];
  return [`${of} is ${change.verb === 'create' ? 'made' : 'written anew'} by Orbweaver's controller`];
}

function leaving(kind: string, object: KubeObject): string[] {
  const { deletionTimestamp, finalizers = [] } = object.metadata;
  if (deletionTimestamp === undefined) return [];
  return [
    `${kind} ${nameOf(object)} is being deleted, and waits for ${finalizers.join(', ') || 'the API server'}`,
  ];
}

function nameOf({ metadata: { namespace, name = '' } }: KubeObject): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
