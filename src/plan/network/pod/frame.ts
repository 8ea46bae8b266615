// What all parts of a pod's plan share: its NICs with their ways to the node, the families, and the node's addresses.

import { OrbError } from '#base';
import { type Address, type Cidr, cidrContains, type Family, networkOf, parseCidr } from '#ip';
import type { Route } from '#net';
import type { CoordinatorSettings } from '../settings/index.ts';
import {
  type AttachmentKey,
  LEAST_IPV6_MTU_BYTES,
  type Owned,
  type PodNumbers,
  sameCidr,
  usualNumbers,
} from '../state/index.ts';
import type { PodInput } from './nic.ts';
import { type Way, type Ways, waysOf } from './way.ts';

/** A NIC as the plan uses it. */
export interface Nic {
  readonly name: string;
  readonly addresses: readonly Cidr[];
  readonly routes: readonly Route[];
  readonly table: number | undefined;
  /** An overlay's NIC has the settings of the first NIC that is ours. */
  readonly settings: CoordinatorSettings;
  readonly way: Way;
  /** False for an overlay's NIC. */
  readonly ours: boolean;
  readonly owner: AttachmentKey;
}

export interface Frame {
  /** All NICs. The pod's first NIC comes first. */
  readonly nics: readonly Nic[];
  readonly first: Nic;
  readonly isOverlay: boolean;
  /** The distinct ways. The first NIC's way comes first. */
  readonly ways: readonly Way[];
  readonly ownWay: Way | undefined;
  /** Families of the NICs that are ours. An overlay's own families stay unchanged. */
  readonly families: readonly Family[];
  /** The node's addresses of these families. */
  readonly nodes: readonly Address[];
  /** The first address of each family in `nodes`. */
  readonly gateways: readonly Address[];
  /** The owner of objects that belong to the whole pod. */
  readonly owner: AttachmentKey;
  readonly numbers: PodNumbers;
  readonly notes: string[];
}

const LINK_LOCAL = [parseCidr('169.254.0.0/16'), parseCidr('fe80::/10')];

/**
 * @throws OrbError COORDINATOR_NO_ADDRESS for a NIC without addresses, INPUT_INVALID for settings that do not fit them
 */
export function frameOf(input: PodInput): Frame {
  const ways = waysOf(input);
  const ours = ourNics(input, ways);
  const nics = [...overlayNic(input, ours, ways), ...ours];
  const [first] = nics;
  const [firstOfOurs] = ours;
  if (first === undefined || firstOfOurs === undefined) {
    throw new OrbError('INTERNAL', { message: `container ${input.containerId} has no NIC to plan for` });
  }
  const families = ([4, 6] as const).filter((family) => ours.some((nic) => hasFamily(nic, family)));
  const taken = [...new Set(nics.map((nic) => nic.way))];
  const ownWay = taken.find((way) => way.own);
  if (ownWay !== undefined) requireMtu(firstOfOurs.settings.vethMtuBytes, families);
  const nodes = input.nodeAddresses.filter((address) => families.includes(address.family));
  return {
    nics,
    first,
    isOverlay: input.overlay !== undefined,
    ways: taken,
    ownWay,
    families,
    nodes,
    gateways: families
      .map((family) => nodes.find((node) => node.family === family))
      .filter((address) => address !== undefined),
    owner: firstOfOurs.owner,
    numbers: input.numbers ?? usualNumbers,
    notes: [],
  };
}

function ourNics(input: PodInput, ways: Ways): Nic[] {
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
      way: i === 0 && input.overlay === undefined ? ways.first : ways.others,
      ours: true,
      owner: { containerId: input.containerId, interfaceName: nic.name },
    };
  });
}

function overlayNic(input: PodInput, ours: readonly Nic[], ways: Ways): Nic[] {
  const { overlay } = input;
  const [first] = ours;
  if (overlay === undefined || first === undefined) return [];
  return [
    {
      ...overlay,
      addresses: usable(overlay.addresses),
      table: undefined,
      settings: first.settings,
      way: ways.first,
      ours: false,
      owner: first.owner,
    },
  ];
}

function usable(addresses: readonly Cidr[]): Cidr[] {
  return addresses.filter((cidr) => !LINK_LOCAL.some((net) => cidrContains(net, cidr.address)));
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
export function firstOfOurs(frame: Frame): Nic {
  return frame.nics.find((nic) => nic.ours) ?? frame.first;
}

/** Returns a function that sets the NIC as the owner of an object. */
export function owned(owner: AttachmentKey): <T extends object>(object: T) => Owned<T> {
  return (object) => ({ ...object, owner });
}

/**
 * The source address of packets that leave by a way: the first address of the NICs that the way serves (Spiderpool
 * #2489). For IPv6 the kernel finds it if there is only one choice: the link's own, or that of the pod's only NIC. From
 * several, the kernel would take the address most like the destination (RFC 6724, rule 8). Two Services could then get
 * addresses of two different NICs.
 */
export function sourceOf(frame: Frame, way: Way, family: Family): Address | undefined {
  if (family === 6 && !(way.own && frame.nics.filter((nic) => hasFamily(nic, 6)).length > 1))
    return undefined;
  return frame.nics
    .filter((nic) => nic.way === way)
    .flatMap((nic) => nic.addresses)
    .find((cidr) => cidr.address.family === family)?.address;
}

/** The NIC whose own LAN contains the network. Neighbours answer there. */
export function nicOnLan(frame: Frame, network: Cidr): Nic | undefined {
  const { prefixLength } = network;
  const isOn = (cidr: Cidr) => cidr.prefixLength === prefixLength && sameCidr(networkOf(cidr), network);
  return frame.nics.find((nic) => nic.addresses.some(isOn));
}
