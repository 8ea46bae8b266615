// What all parts of a pod's plan share: its NICs with their links to the node, the families, and the node's addresses.

import { OrbError } from '#base';
import { type Address, type Cidr, cidrContains, type Family, networkOf, parseCidr, sameCidr } from '#ip';
import type { Route } from '#net';
import type { CoordinatorSettings } from '../settings/index.ts';
import {
  type AttachmentKey,
  LEAST_IPV6_MTU_BYTES,
  type Owned,
  type PodNumbers,
  usualNumbers,
} from '../state/index.ts';
import type { PodInput } from './nic.ts';
import { type NodeLink, type NodeLinks, nodeLinksOf } from './node-link.ts';

/** A NIC as the plan uses it. */
export interface Nic {
  readonly name: string;
  readonly addresses: readonly Cidr[];
  readonly routes: readonly Route[];
  readonly table: number | undefined;
  /** An overlay's NIC has the settings of the first NIC that is ours. */
  readonly settings: CoordinatorSettings;
  readonly nodeLink: NodeLink;
  /** False for an overlay's NIC. */
  readonly ours: boolean;
  readonly owner: AttachmentKey;
}

/** What all parts of one pod's plan need to know. */
export interface PlanContext {
  /** All NICs. The pod's first NIC comes first. */
  readonly nics: readonly Nic[];
  readonly first: Nic;
  readonly isOverlay: boolean;
  /** The distinct links to the node. The first NIC's link comes first. */
  readonly nodeLinks: readonly NodeLink[];
  readonly ownLink: NodeLink | undefined;
  /** Families of the NICs that are ours. An overlay's own families stay unchanged. */
  readonly families: readonly Family[];
  /** The node's addresses of these families. */
  readonly nodes: readonly Address[];
  /** The first address of each family in `nodes`. */
  readonly gateways: readonly Address[];
  /** The owner of objects that belong to the whole pod. */
  readonly owner: AttachmentKey;
  readonly numbers: PodNumbers;
}

const linkLocal = [parseCidr('169.254.0.0/16'), parseCidr('fe80::/10')];

/**
 * @throws OrbError COORDINATOR_NO_ADDRESS for a NIC without addresses, INPUT_INVALID for settings that do not fit them
 */
export function planContext(input: PodInput): PlanContext {
  const nodeLinks = nodeLinksOf(input);
  const ours = ourNics(input, nodeLinks);
  const nics = [...overlayNic(input, ours, nodeLinks), ...ours];
  const [first] = nics;
  const [firstOfOurs] = ours;
  if (first === undefined || firstOfOurs === undefined) {
    throw new OrbError('INTERNAL', { message: `container ${input.containerId} has no NIC to plan for` });
  }
  const families = ([4, 6] as const).filter((family) => ours.some((nic) => hasFamily(nic, family)));
  const taken = [...new Set(nics.map((nic) => nic.nodeLink))];
  const ownLink = taken.find((nodeLink) => nodeLink.own);
  if (ownLink !== undefined) requireMtu(firstOfOurs.settings.vethMtuBytes, families);
  const nodes = input.nodeAddresses.filter((address) => families.includes(address.family));
  return {
    nics,
    first,
    isOverlay: input.overlay !== undefined,
    nodeLinks: taken,
    ownLink,
    families,
    nodes,
    gateways: families
      .map((family) => nodes.find((node) => node.family === family))
      .filter((address) => address !== undefined),
    owner: firstOfOurs.owner,
    numbers: input.numbers ?? usualNumbers,
  };
}

function ourNics(input: PodInput, nodeLinks: NodeLinks): Nic[] {
  return input.nics.map((nic, i) => {
    const addresses = usable(nic.addresses);
    if (addresses.length === 0) {
      throw new OrbError('COORDINATOR_NO_ADDRESS', {
        message: `no usable IP addresses on "${nic.name}"`,
        subject: `interface ${nic.name}`,
      });
    }
    return {
      ...nic,
      addresses,
      table: nic.table,
      nodeLink: i === 0 && input.overlay === undefined ? nodeLinks.first : nodeLinks.others,
      ours: true,
      owner: { containerId: input.containerId, interfaceName: nic.name },
    };
  });
}

function overlayNic(input: PodInput, ours: readonly Nic[], nodeLinks: NodeLinks): Nic[] {
  const { overlay } = input;
  const [first] = ours;
  if (overlay === undefined || first === undefined) return [];
  return [
    {
      ...overlay,
      addresses: usable(overlay.addresses),
      table: undefined,
      settings: first.settings,
      nodeLink: nodeLinks.first,
      ours: false,
      owner: first.owner,
    },
  ];
}

function usable(addresses: readonly Cidr[]): Cidr[] {
  return addresses.filter((cidr) => !linkLocal.some((net) => cidrContains(net, cidr.address)));
}

function requireMtu(vethMtuBytes: number, families: readonly Family[]): void {
  if (!families.includes(6) || vethMtuBytes >= LEAST_IPV6_MTU_BYTES) return;
  throw new OrbError('INPUT_INVALID', {
    message: `vethMTU ${vethMtuBytes} is invalid; allowed: at least ${LEAST_IPV6_MTU_BYTES}, because the pod has an IPv6 address`,
    subject: 'coordinator option vethMTU',
  });
}

export function hasFamily(nic: Nic, family: Family): boolean {
  return nic.addresses.some((cidr) => cidr.address.family === family);
}

/** The NIC whose settings apply to what the pod has only once. */
export function firstOfOurs(context: PlanContext): Nic {
  return context.nics.find((nic) => nic.ours) ?? context.first;
}

/** Returns a function that sets the NIC as the owner of an object. */
export function owned(owner: AttachmentKey): <T extends object>(object: T) => Owned<T> {
  return (object) => ({ ...object, owner });
}

/**
 * The source address of packets that leave by a node link: the first address of the NICs that it serves (Spiderpool
 * #2489). For IPv6 the kernel finds it if there is only one choice: the link's own, or that of the pod's only NIC. From
 * several, the kernel would take the address most like the destination (RFC 6724, rule 8). Two Services could then get
 * addresses of two different NICs.
 */
export function sourceOf(context: PlanContext, nodeLink: NodeLink, family: Family): Address | undefined {
  if (family === 6 && !(nodeLink.own && context.nics.filter((nic) => hasFamily(nic, 6)).length > 1))
    return undefined;
  return context.nics
    .filter((nic) => nic.nodeLink === nodeLink)
    .flatMap((nic) => nic.addresses)
    .find((cidr) => cidr.address.family === family)?.address;
}

/** The NIC whose own LAN contains the network. Neighbours answer there. */
export function nicOnLan(context: PlanContext, network: Cidr): Nic | undefined {
  const { prefixLength } = network;
  const isOn = (cidr: Cidr) => cidr.prefixLength === prefixLength && sameCidr(networkOf(cidr), network);
  return context.nics.find((nic) => nic.addresses.some(isOn));
}
