// What allocation needs to know about a pod: whether it is alive, its NICs and networks, and its controller.

import {
  apiVersionOf,
  DEFAULT_NETWORK_ANNOTATION,
  NETWORKS_ANNOTATION,
  type NetworkSelection,
  type OwnerReference,
  type Pod,
  parseDefaultNetwork,
  parseNetworks,
  resources,
} from '#api';
import { OrbError } from '#base';

/**
 * Refuses a pod that is terminating or has ended, as Spiderpool does (pkg/podmanager): nobody would own its addresses.
 */
export function refuseDeadPod(pod: Pod): void {
  const why = causeOfDeath(pod);
  if (why === undefined) return;
  const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
  throw new OrbError('POD_DEAD', {
    message: `dead Pod ${name}, we cannot allocate IP addresses to it: ${why}`,
    subject: `Pod ${name}`,
  });
}

function causeOfDeath(pod: Pod): string | undefined {
  const { phase, reason } = pod.status ?? {};
  const restartPolicy = pod.spec?.restartPolicy ?? 'Always';
  if (pod.metadata.deletionTimestamp !== undefined)
    return `deletionTimestamp ${pod.metadata.deletionTimestamp}`;
  if (phase === 'Succeeded' && restartPolicy !== 'Always') return 'phase Succeeded';
  if (phase === 'Failed' && (restartPolicy === 'Never' || reason === 'Evicted'))
    return `phase Failed ${reason ?? ''}`.trim();
  return undefined;
}

/** The NICs in Multus' order, each with its NetworkAttachmentDefinition as `namespace/name`, if it has one. */
export interface PodNetworks {
  readonly nics: readonly string[];
  readonly networks: ReadonlyMap<string, string>;
  /** The entry of each NIC in an annotation, and its place for messages: the annotation and the network. */
  readonly selections: ReadonlyMap<string, { readonly place: string; readonly selection: NetworkSelection }>;
}

/** `defaults` says what a pod gets that asks for nothing. */
export function podNetworks(
  pod: Pod,
  defaults: { readonly agentNamespace: string; readonly clusterNetwork?: string },
): PodNetworks {
  const { annotations = {}, namespace = '' } = pod.metadata;
  const first = annotations[DEFAULT_NETWORK_ANNOTATION] ?? defaults.clusterNetwork;
  const further = annotations[NETWORKS_ANNOTATION];
  const networks = new Map<string, string>();
  const selections = new Map<string, { place: string; selection: NetworkSelection }>();
  const note = (annotation: string, selection: NetworkSelection) => {
    const { name, namespace, interface: nic } = selection;
    networks.set(nic, `${namespace}/${name}`);
    selections.set(nic, { place: `annotation ${annotation}, network ${name}`, selection });
  };
  if (first !== undefined) {
    note(DEFAULT_NETWORK_ANNOTATION, parseDefaultNetwork(first, defaults.agentNamespace));
  }
  const nics = networks.size === 0 ? ['eth0'] : [...networks.keys()];
  for (const selection of further === undefined ? [] : parseNetworks(further, namespace)) {
    nics.push(selection.interface);
    note(NETWORKS_ANNOTATION, selection);
  }
  return { nics, networks, selections };
}

/**
 * The topmost controller that the pod's own metadata reveals. It derives a Deployment from the name of its ReplicaSet,
 * without asking the server.
 */
export function topController(pod: Pod): { readonly kind: string; readonly name: string } {
  const { ownerReferences = [], labels = {}, name = '' } = pod.metadata;
  const owner = ownerReferences.find((reference) => reference.controller === true);
  if (owner === undefined) return { kind: 'Pod', name };
  // The Deployment controller names a ReplicaSet `<deployment>-<pod-template-hash>`.
  const suffix = `-${labels['pod-template-hash'] ?? ''}`;
  if (owner.kind === 'ReplicaSet' && suffix !== '-' && owner.name.endsWith(suffix)) {
    return { kind: 'Deployment', name: owner.name.slice(0, -suffix.length) };
  }
  return { kind: owner.kind, name: owner.name };
}

/** The owner reference that deletes an object together with the pod. */
export function ownedBy(pod: Pod): OwnerReference {
  const { name = '', uid = '' } = pod.metadata;
  return { apiVersion: apiVersionOf(resources.pods), kind: 'Pod', name, uid };
}
