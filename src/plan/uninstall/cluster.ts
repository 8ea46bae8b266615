// What an uninstallation takes from the API server, and in which order. Kinds and the objects of users stay.

import {
  type ConfigMap,
  type KubeObject,
  type Node,
  type ResourceType,
  resources,
  SPIDERPOOL_FINALIZER,
} from '#api';
import { CLUSTER_CNI_ANNOTATION } from '#plan/discovery';
import {
  AGENTS,
  CLAIMS_NAME,
  CONTROLLER,
  CONTROLLER_LEASE,
  FLOATING_IPS_NAME,
  IDENTITY_SECRET_LABEL,
  IDENTITY_SECRET_NAME,
  ROUTES_NAME,
  WEBHOOK_CONFIGURATION,
} from '#plan/installation';
import { QUARANTINE_ANNOTATION } from '#plan/ipam';
import { RESOURCE_PREFIX, resourcePatch } from '#plan/openstack';
import { withoutFinalizer } from '#plan/reclaim';

/**
 * The steps, in their order. One begins when nothing is left of those before it:
 * - `webhooks`: without a controller they would refuse every write of our kinds, and they add finalizers.
 * - `controller`: it would write again what the next steps take away.
 * - `agents`: each removes what it keeps on its node. Only then their DaemonSet is deleted.
 * - `finalizers`: nobody takes them away later, so an object could never be deleted.
 * - `nodes`: what agents wrote on the Node objects.
 * - `leftovers`: objects that the controller made for itself.
 */
export const clusterSteps = ['webhooks', 'controller', 'agents', 'finalizers', 'nodes', 'leftovers'] as const;

export type ClusterStep = (typeof clusterSteps)[number];

/** One object, by its name. */
export interface NamedObject {
  readonly type: ResourceType;
  readonly name: string;
  /** Absent for a kind without namespaces. */
  readonly namespace?: string;
}

export type ClusterRemoval = NamedObject &
  (
    | { readonly verb: 'delete' }
    /** A merge patch. It is refused if the object has changed. */
    | {
        readonly verb: 'patch';
        readonly body: object;
        readonly what: string;
        readonly subresource?: 'status';
      }
  );

/** The kinds whose objects may have our finalizer. */
export const finalizedKinds: readonly ResourceType[] = [
  resources.spiderEndpoints,
  resources.spiderIPPools,
  resources.spiderSubnets,
  resources.spiderReservedIPs,
  resources.spiderMultusConfigs,
  resources.spiderCoordinators,
];

const ownAnnotations = [CLUSTER_CNI_ANNOTATION, QUARANTINE_ANNOTATION];

/** The objects that a step deletes by name. `namespace` is that of the installation. */
export function namedObjects(step: ClusterStep, namespace: string): readonly NamedObject[] {
  switch (step) {
    case 'webhooks':
      return [
        { type: resources.mutatingWebhookConfigurations, name: WEBHOOK_CONFIGURATION },
        { type: resources.validatingWebhookConfigurations, name: WEBHOOK_CONFIGURATION },
      ];
    case 'controller':
      return [{ type: resources.deployments, namespace, name: CONTROLLER }];
    case 'agents':
      return [{ type: resources.daemonSets, namespace, name: AGENTS }];
    case 'leftovers':
      return [
        { type: resources.leases, namespace, name: CONTROLLER_LEASE },
        { type: resources.configMaps, namespace, name: CLAIMS_NAME },
        { type: resources.configMaps, namespace, name: ROUTES_NAME },
        { type: resources.configMaps, namespace, name: FLOATING_IPS_NAME },
        { type: resources.secrets, namespace, name: IDENTITY_SECRET_NAME },
      ];
    default:
      return [];
  }
}

/** The kinds of which a step needs all objects. */
export function listedKinds(step: ClusterStep): readonly ResourceType[] {
  if (step === 'finalizers') return finalizedKinds;
  return step === 'nodes' ? [resources.nodes] : [];
}

/** An object that the server has. */
export interface FoundObject {
  readonly type: ResourceType;
  readonly object: KubeObject;
}

/** What is still to be removed. Empty when the step is done, or when the objects go by themselves. */
export function removals(step: ClusterStep, found: readonly FoundObject[]): ClusterRemoval[] {
  return found.flatMap(({ type, object }) => {
    const { name = '', namespace, deletionTimestamp } = object.metadata;
    const named = { type, name, ...(namespace !== undefined && { namespace }) };
    if (step === 'finalizers') {
      const body = withoutFinalizer(object);
      const what = `the finalizer ${SPIDERPOOL_FINALIZER}`;
      return body === undefined ? [] : [{ ...named, verb: 'patch', body, what }];
    }
    if (step === 'nodes') return [...withoutAnnotations(named, object), ...withoutResources(named, object)];
    return deletionTimestamp !== undefined || staysBehind(type, object) ? [] : [{ ...named, verb: 'delete' }];
  });
}

function staysBehind(type: ResourceType, object: KubeObject): boolean {
  // Another program may have a Secret of this name.
  if (type === resources.secrets) return object.metadata.labels?.[IDENTITY_SECRET_LABEL.key] === undefined;
  // Without it, nobody knows what of OpenStack is ours.
  const { data } = object as ConfigMap;
  const isLedger = [ROUTES_NAME, FLOATING_IPS_NAME].includes(object.metadata.name ?? '');
  return isLedger && Object.keys(data ?? {}).length > 0;
}

function withoutAnnotations(named: NamedObject, { metadata }: KubeObject): ClusterRemoval[] {
  const present = ownAnnotations.filter((key) => metadata.annotations?.[key] !== undefined);
  if (present.length === 0) return [];
  const annotations = Object.fromEntries(present.map((key) => [key, null]));
  const body = { metadata: { annotations } };
  return [{ ...named, verb: 'patch', body, what: `the annotations ${present.join(', ')}` }];
}

function withoutResources(named: NamedObject, node: Node): ClusterRemoval[] {
  const body = resourcePatch(node, new Map());
  if (body === undefined) return [];
  return [
    { ...named, verb: 'patch', subresource: 'status', body, what: `the resources ${RESOURCE_PREFIX}*` },
  ];
}
