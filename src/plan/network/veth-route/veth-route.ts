// The plan of a NIC of type `veth-route`: a veth pair, two routes of each family in the pod, a host route on the node,
// and the node's NIC that answers for the pod's addresses.

import { type Address, type Cidr, defaultDestination, type Family, hostCidr } from '#ip';
import { MAIN_TABLE, type Mac, ROUTE_PROTOCOL, type Route, RTPROT } from '#net';
import { forwardingSysctls } from '../node/index.ts';
import {
  type AttachmentKey,
  type DesiredNamespace,
  type DesiredNetwork,
  type DesiredSysctl,
  emptyNamespace,
  fingerprint,
  gatewayRoute,
  linkGateway,
  linkRoute,
  neighbour,
  type Owned,
  type VethPair,
  vethMac,
} from '../state/index.ts';

/** An address of the pod. */
export interface RoutedAddress {
  readonly address: Cidr;
  /** The NIC of the node that answers for it. Undefined if routers lead to the node. */
  readonly uplink: string | undefined;
}

export interface VethRouteInput extends AttachmentKey {
  readonly addresses: readonly RoutedAddress[];
  readonly mtuBytes: number;
  /** What the source of addresses demands of the NIC. Undefined: derived from the attachment. */
  readonly podMac: Mac | undefined;
  /** The first one of a family is the node's end's own. */
  readonly nodeAddresses: readonly Address[];
  /** Links of the node that learn their router from advertisements. Only an ADD cares: it may switch forwarding on. */
  readonly advertisedLinks?: readonly string[];
}

/**
 * Derived from the attachment, so that a DEL without a record finds it. The coordinator's own pair of the same container
 * has another name: container ids are hex digits, which have no `r`.
 */
export function vethRoutePair({ containerId, interfaceName }: AttachmentKey, podMac?: Mac): VethPair {
  const key = `${containerId}/${interfaceName}`;
  return {
    hostLink: `vethr${fingerprint(key)}`,
    hostMac: vethMac(key, 'node'),
    podLink: interfaceName,
    podMac: podMac ?? vethMac(key, 'pod'),
  };
}

/** The pair alone. The source of addresses sets what it demands on the pod's end, before the rest is planned. */
export function planVethRoutePair(
  input: Omit<VethRouteInput, 'addresses' | 'nodeAddresses'>,
): DesiredNetwork {
  return planVethRoute({ ...input, addresses: [], nodeAddresses: [] });
}

export function planVethRoute(input: VethRouteInput): DesiredNetwork {
  const pair = vethRoutePair(input, input.podMac);
  const { containerId, interfaceName } = input;
  const owner = { containerId, interfaceName };
  const own = <T>(object: T): Owned<T> => ({ ...object, owner });
  const families = familiesOf(input.addresses);
  return {
    pod: inPod(input, pair, families, own),
    node: onNode(input, pair, families, own),
    veth: pair,
    nics: [
      {
        name: interfaceName,
        mac: pair.podMac,
        hostLink: pair.hostLink,
        hostTable: MAIN_TABLE,
        addresses: input.addresses.map(({ address }) => address.address),
      },
    ],
    notes: [],
  };
}

type Own = <T>(object: T) => Owned<T>;

/**
 * Routes have the protocol of `ip route add`: for the coordinator of another NIC of the pod they are those of a plugin
 * before it.
 */
function inPod(
  { addresses, mtuBytes }: VethRouteInput,
  { podLink, podMac, hostLink, hostMac }: VethPair,
  families: readonly Family[],
  own: Own,
): DesiredNamespace {
  const routes = families.flatMap((family) => podRoutes(podLink, family));
  return {
    ...emptyNamespace,
    links: [own({ name: podLink, peerName: hostLink, mac: podMac, mtuBytes })],
    addresses: addresses.map(({ address }) =>
      own({ dev: podLink, address, scope: 'global', noDad: true, noPrefixRoute: true }),
    ),
    neighbours: families.map((family) => own(neighbour(linkGateway(family), podLink, hostMac))),
    routes: routes.map((route) => own({ ...route, protocol: RTPROT.boot })),
    sysctls: families.includes(6) ? [own({ key: `ipv6/conf/${podLink}/disable_ipv6`, value: '0' })] : [],
    // What the pod itself adds, or the coordinator for another NIC, is not ours.
    sparing: ['routes', 'neighbours', 'addresses'],
    insisting: true,
  };
}

/** The kernel's own route to fe80::/64 leads to the gateway of IPv6. */
function podRoutes(dev: string, family: Family): Route[] {
  const gateway = linkGateway(family);
  const byGateway = gatewayRoute(defaultDestination(family), gateway, dev, MAIN_TABLE);
  return family === 4 ? [linkRoute(gateway, dev, MAIN_TABLE), byGateway] : [byGateway];
}

function onNode(
  { addresses, mtuBytes, nodeAddresses, advertisedLinks = [] }: VethRouteInput,
  { hostLink, hostMac, podLink, podMac }: VethPair,
  families: readonly Family[],
  own: Own,
): DesiredNamespace {
  const peer = { name: podLink, mac: podMac, mtuBytes };
  return {
    ...emptyNamespace,
    links: [own({ name: hostLink, type: { kind: 'veth', peer }, peerName: podLink, mac: hostMac, mtuBytes })],
    addresses: families
      .flatMap((family) => hostEndAddresses(hostLink, family, nodeAddresses))
      .map((address) => own({ ...address, noDad: true, noPrefixRoute: true })),
    routes: addresses.map(({ address: { address } }) =>
      own({ ...linkRoute(address, hostLink, MAIN_TABLE), scope: 'global' as const }),
    ),
    proxies: addresses.flatMap(({ address: { address }, uplink: dev }) =>
      dev === undefined ? [] : [own({ dev, address, protocol: ROUTE_PROTOCOL })],
    ),
    sysctls: [
      ...forwardingSysctls(families, advertisedLinks),
      ...families.flatMap((family) => hostEndSysctls(hostLink, family)),
      ...distinct(addresses.flatMap(uplinkSysctls)),
    ].map((sysctl) => own(sysctl)),
    // The coordinator of another NIC may lead its addresses by this link too.
    sparing: ['routes', 'neighbours'],
    insisting: true,
  };
}

/**
 * The node's own address comes first: it is the source of what the node sends to the pod, also by MASQUERADE. The
 * gateway has scope link, so that the kernel never chooses it as a source for others: docs/adr/0012.
 */
function hostEndAddresses(dev: string, family: Family, nodeAddresses: readonly Address[]) {
  const own = nodeAddresses.find((address) => address.family === family);
  return [
    ...(own === undefined ? [] : [{ dev, address: hostCidr(own), scope: 'global' as const }]),
    { dev, address: hostCidr(linkGateway(family)), scope: 'link' as const },
  ];
}

/** A pod must not become the node's router by a router advertisement. */
function hostEndSysctls(dev: string, family: Family): DesiredSysctl[] {
  if (family === 4) return [{ key: `ipv4/conf/${dev}/forwarding`, value: '1' }];
  return [
    { key: `ipv6/conf/${dev}/disable_ipv6`, value: '0' },
    { key: `ipv6/conf/${dev}/accept_ra`, value: '0' },
  ];
}

/**
 * A NIC answers ARP for others only if it forwards. Without `proxy_ndp`, it answers no neighbour discovery for others. By default, the kernel waits up to 0.8 s before
 * it answers for others (ip-sysctl.rst, proxy_delay).
 */
function uplinkSysctls({ address: { address }, uplink }: RoutedAddress): DesiredSysctl[] {
  if (uplink === undefined) return [];
  const { family } = address;
  return [
    family === 6
      ? { key: `ipv6/conf/${uplink}/proxy_ndp`, value: '1' }
      : { key: `ipv4/conf/${uplink}/forwarding`, value: '1' },
    { key: `ipv${family}/neigh/${uplink}/proxy_delay`, value: '0' },
  ];
}

function familiesOf(addresses: readonly RoutedAddress[]): Family[] {
  return ([4, 6] as const).filter((family) =>
    addresses.some(({ address }) => address.address.family === family),
  );
}

function distinct(sysctls: readonly DesiredSysctl[]): DesiredSysctl[] {
  return [...new Map(sysctls.map((sysctl) => [sysctl.key, sysctl])).values()];
}
