// The annotations by which pods choose networks, as Multus reads them (NPWG multi-network specification 1.3, section 4).

import { z } from 'zod';
import { OrbError } from '#base';
import { goObject } from './cni/go-object.ts';
import { INTERFACE_NAME } from './cni/interface-name.ts';
import { addressText, requestedAddressText } from './cni/text-fields.ts';
import { checkJson } from './validation.ts';

/** Replaces the cluster's default network for the pod's first interface. */
export const DEFAULT_NETWORK_ANNOTATION = 'v1.multus-cni.io/default-network';
/** Networks for further interfaces. */
export const NETWORKS_ANNOTATION = 'k8s.v1.cni.cncf.io/networks';
/** Where Multus writes what the pod got: a JSON list of {@link NetworkStatus}. */
export const NETWORK_STATUS_ANNOTATION = 'k8s.v1.cni.cncf.io/network-status';

/** A name of a NetworkAttachmentDefinition or namespace (RFC 1123 subdomain). */
const OBJECT_NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;
const MAC = /^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$/;
const GUID = /^([0-9a-fA-F]{2}:){7}[0-9a-fA-F]{2}$/;

const selectionSchema = goObject({
  name: z.string().regex(OBJECT_NAME),
  namespace: z.string().regex(OBJECT_NAME).optional(),
  interface: z.string().regex(INTERFACE_NAME).optional(),
  /** Requested addresses, with or without prefix length. */
  ips: z.array(requestedAddressText).optional(),
  mac: z.string().regex(MAC).optional(),
  'infiniband-guid': z.string().regex(GUID).optional(),
  /** Gateways of the default route, which this network then gets. */
  'default-route': z.array(addressText).optional(),
  'cni-args': z.record(z.string(), z.unknown()).optional(),
});

/** One network that a pod asks for; namespace and interface are filled in. */
export type NetworkSelection = z.infer<typeof selectionSchema> & {
  readonly namespace: string;
  readonly interface: string;
};

/** Reads {@link NETWORKS_ANNOTATION}; interfaces without a name become net1, net2 … by their place in the list. */
export function parseNetworks(annotation: string, podNamespace: string): NetworkSelection[] {
  const selections = parseSelections(annotation, NETWORKS_ANNOTATION).map((selection, index) => ({
    ...selection,
    namespace: selection.namespace ?? podNamespace,
    interface: selection.interface ?? `net${index + 1}`,
  }));
  const names = selections.map((selection) => selection.interface);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw invalid(NETWORKS_ANNOTATION, `interface ${JSON.stringify(twice)} is named twice`);
  return selections;
}

/** Reads {@link DEFAULT_NETWORK_ANNOTATION}; a bare name is in `defaultNamespace`, the one Multus is set to. */
export function parseDefaultNetwork(annotation: string, defaultNamespace: string): NetworkSelection {
  const [selection, ...more] = parseSelections(annotation, DEFAULT_NETWORK_ANNOTATION);
  if (selection === undefined || more.length > 0) {
    throw invalid(DEFAULT_NETWORK_ANNOTATION, `${JSON.stringify(annotation)} must name exactly one network`);
  }
  return {
    ...selection,
    namespace: selection.namespace ?? defaultNamespace,
    interface: selection.interface ?? 'eth0',
  };
}

/** Multus takes an annotation for JSON when any of these is in it. */
function isJson(annotation: string): boolean {
  return /[[{"]/.test(annotation);
}

function parseSelections(annotation: string, name: string): z.infer<typeof selectionSchema>[] {
  if (isJson(annotation))
    return checkJson(z.array(selectionSchema), annotation, { subject: `annotation ${name}` });
  const items = annotation.split(',').map((item) => item.trim());
  return items.filter((item) => item !== '').map((item) => parseItem(item, name));
}

/** `[namespace/]name[@interface]`. */
function parseItem(item: string, annotation: string): z.infer<typeof selectionSchema> {
  const [, namespace, name, link] = /^(?:([^/@]+)\/)?([^/@]+)(?:@([^/@]+))?$/.exec(item) ?? [];
  const wellFormed =
    name !== undefined &&
    OBJECT_NAME.test(name) &&
    (namespace === undefined || OBJECT_NAME.test(namespace)) &&
    (link === undefined || INTERFACE_NAME.test(link));
  if (!wellFormed) {
    throw invalid(annotation, `${JSON.stringify(item)} does not have the form [namespace/]name[@interface]`);
  }
  return { name, ...(namespace && { namespace }), ...(link && { interface: link }) };
}

function invalid(annotation: string, problem: string): OrbError {
  const subject = `annotation ${annotation}`;
  return new OrbError('INPUT_INVALID', { message: `${subject}: ${problem}`, subject });
}

const networkStatusSchema = goObject({
  /** `namespace/name` of the NetworkAttachmentDefinition, or the name of the default network. */
  name: z.string(),
  interface: z.string().optional(),
  /** Addresses without prefix length. */
  ips: z.array(z.string()).optional(),
  mac: z.string().optional(),
  /** Bytes. */
  mtu: z.int().optional(),
  /** Whether the pod's default network. */
  default: z.boolean().optional(),
  gateway: z.array(z.string()).optional(),
  dns: z.record(z.string(), z.unknown()).optional(),
});

/** One network that a pod got. */
export type NetworkStatus = z.infer<typeof networkStatusSchema>;

/** Reads {@link NETWORK_STATUS_ANNOTATION}. */
export function parseNetworkStatus(annotation: string): NetworkStatus[] {
  return checkJson(z.array(networkStatusSchema), annotation, {
    subject: `annotation ${NETWORK_STATUS_ANNOTATION}`,
  });
}
