// The annotations by which pods choose networks, as Multus reads them (NPWG multi-network specification 1.3, section
// 4).

import { z } from 'zod';
import { OrbError } from '#base';
import {
  addressIfAny,
  type CniDns,
  goObject,
  hardwareAddressIfAny,
  INTERFACE_NAME,
  requestedAddressText,
  unchecked,
} from './cni/index.ts';
import { shortList } from './open-object.ts';
import { check, checkJson } from './validation.ts';

/** Replaces the cluster's default network for the pod's first interface. */
export const DEFAULT_NETWORK_ANNOTATION = 'v1.multus-cni.io/default-network';
/** Networks for further interfaces. */
export const NETWORKS_ANNOTATION = 'k8s.v1.cni.cncf.io/networks';
/** Where Multus writes the networks that the pod got: a JSON list of {@link NetworkStatus}. */
export const NETWORK_STATUS_ANNOTATION = 'k8s.v1.cni.cncf.io/network-status';

/** A name of a NetworkAttachmentDefinition or namespace (RFC 1123 subdomain). */
const OBJECT_NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

/** Text of one form, or empty for none. */
const ifAny = (form: RegExp) =>
  z
    .string()
    .refine((text) => text === '' || form.test(text), { error: `must match ${form}` })
    .transform((text) => (text === '' ? undefined : text))
    .optional();

/** Multus checks the requests to the plugins and passes them on. See {@link requestsOf}. */
const selectionSchema = goObject({
  name: z.string().regex(OBJECT_NAME),
  namespace: ifAny(OBJECT_NAME),
  interface: ifAny(INTERFACE_NAME),
  /** The name of `interface` before Multus 3.2. Multus still reads it if `interface` is missing. */
  interfaceRequest: ifAny(INTERFACE_NAME),
  /** Requested addresses, with or without prefix length. */
  ips: unchecked<unknown>(),
  mac: unchecked<unknown>(),
  'infiniband-guid': unchecked<unknown>(),
  'cni-args': unchecked<unknown>(),
  /** The IPAMClaim that keeps the addresses, in the pod's namespace. */
  'ipam-claim-reference': ifAny(OBJECT_NAME),
  /** Gateways of the default route. The default route then uses this network. */
  'default-route': z
    .array(addressIfAny)
    .transform((gateways) => gateways.filter((gateway) => gateway !== undefined))
    .optional(),
});

/** One network that a pod asks for. Namespace and interface are always set. */
export type NetworkSelection = z.infer<typeof selectionSchema> & {
  readonly namespace: string;
  readonly interface: string;
};

/** Reads {@link NETWORKS_ANNOTATION}. An interface without a name becomes net1, net2 … by its position in the list. */
export function parseNetworks(annotation: string, podNamespace: string): NetworkSelection[] {
  const selections = parseSelections(annotation, NETWORKS_ANNOTATION).map((selection, index) => ({
    ...selection,
    namespace: selection.namespace ?? podNamespace,
    interface: selection.interface ?? selection.interfaceRequest ?? `net${index + 1}`,
  }));
  const names = selections.map((selection) => selection.interface);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw invalid(NETWORKS_ANNOTATION, `interface ${JSON.stringify(twice)} is named twice`);
  return selections;
}

/**
 * Reads {@link DEFAULT_NETWORK_ANNOTATION}. A name without namespace is in `defaultNamespace`, which Multus is
 * configured with.
 */
export function parseDefaultNetwork(annotation: string, defaultNamespace: string): NetworkSelection {
  const [selection, ...more] = parseSelections(annotation, DEFAULT_NETWORK_ANNOTATION);
  if (selection === undefined || more.length > 0) {
    throw invalid(DEFAULT_NETWORK_ANNOTATION, `${JSON.stringify(annotation)} must name exactly one network`);
  }
  return {
    ...selection,
    namespace: selection.namespace ?? defaultNamespace,
    interface: selection.interface ?? selection.interfaceRequest ?? 'eth0',
  };
}

/** Multus reads an annotation as JSON if it contains any of these. */
function isJson(annotation: string): boolean {
  return /[[{"]/.test(annotation);
}

const selectionsSchema = shortList(selectionSchema);

function parseSelections(annotation: string, name: string): z.infer<typeof selectionSchema>[] {
  if (isJson(annotation)) return checkJson(selectionsSchema, annotation, { subject: `annotation ${name}` });
  const items = annotation.split(',').map((item) => item.trim());
  return items.filter((item) => item !== '').map((item) => parseItem(item, name));
}

/** `[namespace/]name[@interface]`, with optional blanks around the parts. */
function parseItem(item: string, annotation: string): z.infer<typeof selectionSchema> {
  const parts = /^(?:([^/@]*)\/)?([^/@]+)(?:@([^/@]*))?$/.exec(item) ?? [];
  const [, namespace, name, link] = parts.map((part) => part?.trim() || undefined);
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
  mac: unchecked<string>(),
  /** Bytes. */
  mtu: unchecked<number>(),
  /** Whether it is the pod's default network. */
  default: z.boolean().optional(),
  gateway: unchecked<readonly string[]>(),
  dns: unchecked<CniDns>(),
});

const networkStatusesSchema = z.array(networkStatusSchema);

/** One network that a pod got. */
export type NetworkStatus = z.infer<typeof networkStatusSchema>;

/** Reads {@link NETWORK_STATUS_ANNOTATION}. */
export function parseNetworkStatus(annotation: string): NetworkStatus[] {
  return checkJson(networkStatusesSchema, annotation, {
    subject: `annotation ${NETWORK_STATUS_ANNOTATION}`,
  });
}

/** The requests of a network selection to the network's plugins. Multus checks them like this (pkg/k8sclient). */
const requestsSchema = goObject({
  /** With or without prefix length. */
  ips: z.array(requestedAddressText).optional(),
  mac: hardwareAddressIfAny,
  'infiniband-guid': hardwareAddressIfAny,
  'cni-args': z.record(z.string(), z.unknown()).optional(),
});

export type NetworkRequests = z.infer<typeof requestsSchema>;

/** @throws OrbError INPUT_INVALID if Multus would refuse the pod */
export function requestsOf(selection: NetworkSelection): NetworkRequests {
  const { ips, mac, 'infiniband-guid': guid, 'cni-args': args } = selection;
  const subject = `annotation ${NETWORKS_ANNOTATION}, network ${selection.name}`;
  const asked = { ips, mac, 'infiniband-guid': guid, 'cni-args': args };
  return check(requestsSchema, asked, { subject });
}
