// The networks that a pod asks for, read from its annotations as Multus does (NPWG multi-network specification 1.3).

import {
  DEFAULT_NETWORK_ANNOTATION,
  NETWORKS_ANNOTATION,
  type NetConfList,
  type NetworkRequests,
  type NetworkSelection,
  type Pod,
  parseDefaultNetwork,
  parseNetConfList,
  parseNetworks,
  requestsOf,
  resources,
} from '#api';
import { OrbError } from '#base';
import type { KubeClient } from '#kube';

/** A network for one interface of a pod. */
export interface PodNetwork {
  /** The name in network-status: `namespace/name` of the definition, or the name of the cluster's network. */
  readonly name: string;
  readonly interface: string;
  /** Whether this is the pod's default network. */
  readonly isDefault: boolean;
  readonly list: NetConfList;
  readonly capabilityArgs: Readonly<Record<string, unknown>>;
}

export interface NetworkSources {
  readonly client: KubeClient;
  /** The namespace in which a bare name of the default-network annotation is looked up. */
  readonly multusNamespace: string;
  readonly clusterNetwork: () => Promise<NetConfList>;
}

/** The first interface of every pod. */
export const FIRST_INTERFACE = 'eth0';

/** The default network first, then the others in the order of the annotation. */
export async function networksOf(pod: Pod, sources: NetworkSources): Promise<PodNetwork[]> {
  const { annotations = {}, namespace = 'default' } = pod.metadata;
  const chosen = annotations[DEFAULT_NETWORK_ANNOTATION];
  const first =
    chosen === undefined
      ? clusterDefault(await sources.clusterNetwork())
      : await defined(parseDefaultNetwork(chosen, sources.multusNamespace), sources.client, true);
  const more = parseNetworks(annotations[NETWORKS_ANNOTATION] ?? '', namespace);
  if (more.some((selection) => selection.interface === FIRST_INTERFACE)) {
    const message = `annotation ${NETWORKS_ANNOTATION}: interface ${FIRST_INTERFACE} is that of the default network`;
    throw new OrbError('INPUT_INVALID', { message, subject: `annotation ${NETWORKS_ANNOTATION}` });
  }
  const others = await Promise.all(more.map((selection) => defined(selection, sources.client, false)));
  return [first, ...others];
}

function clusterDefault(list: NetConfList): PodNetwork {
  return { name: list.name, interface: FIRST_INTERFACE, isDefault: true, list, capabilityArgs: {} };
}

/** Reads the NetworkAttachmentDefinition. The runtime names a pod's first interface, even if the annotation has another name. */
async function defined(
  selection: NetworkSelection,
  client: KubeClient,
  isDefault: boolean,
): Promise<PodNetwork> {
  const { name, namespace } = selection;
  const requests = requestsOf(selection);
  const subject = `NetworkAttachmentDefinition ${namespace}/${name}`;
  const definition = await client.get(resources.networkAttachmentDefinitions, { name, namespace });
  const config = definition.spec?.config ?? '';
  if (config.trim() === '') {
    throw new OrbError('INPUT_INVALID', { message: `${subject}: spec.config is empty`, subject });
  }
  const list = parseNetConfList(config, { subject, defaultName: name });
  return {
    name: `${namespace}/${name}`,
    interface: isDefault ? FIRST_INTERFACE : selection.interface,
    isDefault,
    list: withCniArgs(list, requests['cni-args']),
    capabilityArgs: capabilityArgsOf(requests),
  };
}

/** `cni-args` of the annotation are `args.cni` of every plugin (CNI conventions). */
function withCniArgs(list: NetConfList, cniArgs: NetworkRequests['cni-args']): NetConfList {
  if (cniArgs === undefined) return list;
  return {
    ...list,
    plugins: list.plugins.map((plugin) => {
      const { args = {} } = plugin as { readonly args?: { readonly cni?: object } };
      return { ...plugin, args: { ...args, cni: { ...args.cni, ...cniArgs } } };
    }),
  };
}

function capabilityArgsOf(requests: NetworkRequests): Record<string, unknown> {
  const args = { ips: requests.ips, mac: requests.mac, infinibandGUID: requests['infiniband-guid'] };
  return Object.fromEntries(Object.entries(args).filter(([, value]) => value !== undefined));
}
