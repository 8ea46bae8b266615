// Which floating IP a pod asks for, and whether it may have it.

import { NETWORK_STATUS_ANNOTATION, type Node, type Pod, parseNetworkStatus } from '#api';
import { isOrbError } from '#base';
import { type Address, formatAddress, tryParseAddress } from '#ip';
import type { Verdict } from './identity.ts';

/** On a pod: a floating IP of the project by its address, or the id of an outer network that one is made in. */
export const FLOATING_IP_ANNOTATION = 'openstack.orbweaver.io/floating-ip';

export type FloatingWish =
  | { readonly kind: 'address'; readonly address: string }
  | { readonly kind: 'network'; readonly networkId: string };

/** Undefined without the annotation. A pod whose containers have ended for ever wishes nothing. */
export function floatingWish({ metadata, status }: Pod): Verdict<FloatingWish> | undefined {
  const text = metadata.annotations?.[FLOATING_IP_ANNOTATION]?.trim();
  if (text === undefined || text === '') return undefined;
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return undefined;
  const address = tryParseAddress(text);
  if (address?.family === 4) return { value: { kind: 'address', address: formatAddress(address) } };
  if (address === undefined && /^[\w-]{1,64}$/.test(text))
    return { value: { kind: 'network', networkId: text } };
  const said = JSON.stringify(text.slice(0, 100));
  return {
    why: `annotation ${FLOATING_IP_ANNOTATION} is ${said}: allowed are an IPv4 address and the id of a network`,
  };
}

/** The IPv4 addresses of the pod, that of its first network first. Those of its node are not the pod's own. */
export function ownAddresses(pod: Pod, node: Node | undefined): string[] {
  const ofNode = new Set((node?.status?.addresses ?? []).map(({ address }) => address));
  const addresses = shownAddresses(pod)
    .filter(({ family }) => family === 4)
    .map(formatAddress);
  return [...new Set(addresses)].filter((address) => !ofNode.has(address));
}

/** All addresses of the pod that the cluster knows. */
export function shownAddresses({ metadata, status }: Pod): Address[] {
  const shown = (status?.podIPs ?? []).map(({ ip }) => ip);
  const texts = [...shown, ...networkAddresses(metadata.annotations?.[NETWORK_STATUS_ANNOTATION])];
  return texts.flatMap((text) => tryParseAddress(text) ?? []);
}

/** Another program writes the annotation: where it cannot be read, the pod's status is what is known. */
function networkAddresses(annotation: string | undefined): string[] {
  if (annotation === undefined) return [];
  try {
    return parseNetworkStatus(annotation).flatMap(({ ips }) => ips ?? []);
  } catch (error) {
    if (!isOrbError(error)) throw error;
    return [];
  }
}

/** A port and one of its addresses. */
export interface FloatingTarget {
  readonly portId: string;
  readonly address: string;
}

export interface FloatingFacts {
  readonly floating_ip_address: string;
  readonly port_id: string | null;
  readonly fixed_ip_address: string | null;
}

/** `user`: another pod that has the floating IP by our ledger. `isOurs`: it leads where we led it for this pod. */
export function associationStep(
  floating: FloatingFacts,
  target: FloatingTarget,
  { user, isOurs }: { readonly user: string | undefined; readonly isOurs: boolean },
): 'done' | 'associate' | { readonly why: string } {
  const said = `floating IP ${floating.floating_ip_address}`;
  if (user !== undefined) return { why: `${said} is that of pod ${user}` };
  const leads = floating.port_id === target.portId && floating.fixed_ip_address === target.address;
  if (leads) return 'done';
  if (floating.port_id === null || isOurs) return 'associate';
  return { why: `${said} leads to ${floating.fixed_ip_address} of port ${floating.port_id}, and not by us` };
}
