// The plan of a pod's first NIC in underlay mode: a veth pair to the node, through which the pod reaches its node,
// Services and overlay pods, and through which replies to connections from there go back.

import { OrbError } from '#base';
import {
  type Address,
  type Cidr,
  cidrContains,
  defaultDestination,
  type Family,
  formatAddress,
  formatCidr,
  hostCidr,
  networkOf,
  parseCidr,
} from '#ip';
import {
  type InterfaceAddress,
  MAIN_TABLE,
  type Neighbour,
  ROUTE_PROTOCOL,
  type Route,
  type Rule,
} from '#net';
import type { AttachmentKey, DesiredNamespace, DesiredNetwork, DesiredSysctl, Owned } from './desired.ts';
import { prefixedMac, vethMac } from './mac.ts';
import { hostRule } from './node.ts';
import {
  FIRST_NIC_TABLE,
  hostLinkName,
  LEAST_IPV6_MTU_BYTES,
  POD_LINK,
  REPLY_RULE_PRIORITY,
  REPLY_TABLE,
} from './numbers.ts';
import { REPLY_MARK, replyTable } from './reply-marks.ts';
import type { CoordinatorSettings } from './settings.ts';

/** What the plan is made of. */
export interface UnderlayInput {
  readonly attachment: AttachmentKey;
  /** The NIC's addresses as the plugin before us reported them; link-local ones do not count. */
  readonly addresses: readonly Cidr[];
  /** See `nodeAddresses`: the first of a family is the gateway. */
  readonly nodeAddresses: readonly Address[];
  readonly settings: CoordinatorSettings;
}

const LINK_LOCAL = [parseCidr('169.254.0.0/16'), parseCidr('fe80::/10')];
const ALL_BITS = 0xffff_ffff;

/** What several parts of the plan share. */
interface Frame {
  readonly input: UnderlayInput;
  readonly addresses: readonly Cidr[];
  readonly families: readonly Family[];
  /** The node's addresses of the pod's families. */
  readonly nodes: readonly Address[];
  readonly hostLink: string;
  readonly podMac: string;
  readonly hostMac: string;
  readonly notes: string[];
}

/** Plans the first NIC; golden table G1 of Spiderpool, with the differences of docs/adr/0011. */
export function planUnderlay(input: UnderlayInput): DesiredNetwork {
  const frame = frameOf(input);
  const { attachment, settings } = input;
  const nicMac = chosenMac(frame);
  return {
    attachment,
    pod: podNamespace(frame, nicMac),
    node: nodeNamespace(frame),
    summary: {
      hostLink: frame.hostLink,
      hostMac: frame.hostMac,
      podLink: POD_LINK,
      podMac: frame.podMac,
      nicMac,
      podTable: FIRST_NIC_TABLE,
      hostTable: settings.hostRuleTable,
      addresses: frame.addresses.map((cidr) => cidr.address),
    },
    notes: frame.notes,
  };
}

function frameOf(input: UnderlayInput): Frame {
  const { attachment, settings } = input;
  const addresses = input.addresses.filter(
    (cidr) => !LINK_LOCAL.some((net) => cidrContains(net, cidr.address)),
  );
  if (addresses.length === 0) {
    throw new OrbError('COORDINATOR_NO_ADDRESS', {
      message: `no usable IP addresses on "${attachment.interfaceName}"`,
      subject: `interface ${attachment.interfaceName}`,
    });
  }
  const families = ([4, 6] as const).filter((family) =>
    addresses.some((cidr) => cidr.address.family === family),
  );
  if (families.includes(6) && settings.vethMtuBytes < LEAST_IPV6_MTU_BYTES) {
    throw new OrbError('INPUT_INVALID', {
      message: `vethMTU ${settings.vethMtuBytes} is invalid; allowed: at least ${LEAST_IPV6_MTU_BYTES}, because the pod has an IPv6 address`,
      subject: 'coordinator option vethMTU',
    });
  }
  return {
    input,
    addresses,
    families,
    nodes: input.nodeAddresses.filter((address) => families.includes(address.family)),
    hostLink: hostLinkName(attachment.containerId),
    podMac: vethMac(attachment, 'pod'),
    hostMac: vethMac(attachment, 'node'),
    notes: [],
  };
}

function podNamespace(frame: Frame, nicMac: string | undefined): DesiredNamespace {
  const { attachment: owner, settings } = frame.input;
  const nic = owner.interfaceName;
  const own = <T extends object>(object: T): Owned<T> => ({ ...object, owner });
  return {
    links: [
      own({
        name: POD_LINK,
        peerName: frame.hostLink,
        mac: frame.podMac,
        mtuBytes: settings.vethMtuBytes,
        txQueueLength: 0,
      }),
      own({
        name: nic,
        ...(nicMac !== undefined && { mac: nicMac }),
        ...(settings.txQueueLength !== undefined && { txQueueLength: settings.txQueueLength }),
      }),
    ],
    addresses: linkAddress(frame).map(own),
    neighbours: frame.nodes.map((node) => own(neighbour(node, POD_LINK, frame.hostMac))),
    routes: podRoutes(frame).map(own),
    rules: gateways(frame).map(({ family }) => own(replyRule(family))),
    sysctls: podSysctls(frame, nicMac !== undefined).map(own),
    table: own(replyTable(POD_LINK)),
    expectedAddresses: frame.addresses.map((address) => ({ dev: nic, address, scope: 'global' })),
    ownsRules: true,
  };
}

function nodeNamespace(frame: Frame): DesiredNamespace {
  const { attachment: owner, settings } = frame.input;
  const own = <T extends object>(object: T): Owned<T> => ({ ...object, owner });
  const { hostLink } = frame;
  const pods = frame.addresses.map((cidr) => cidr.address);
  const peer = { name: POD_LINK, mac: frame.podMac, mtuBytes: settings.vethMtuBytes, txQueueLength: 0 };
  return {
    links: [
      own({
        name: hostLink,
        type: { kind: 'veth', peer },
        peerName: POD_LINK,
        mac: frame.hostMac,
        mtuBytes: settings.vethMtuBytes,
        txQueueLength: 0,
      }),
    ],
    // One of the node's addresses on its end, or MASQUERADE takes whatever link comes first, docker0 for one: docs/adr/0012.
    addresses: gateways(frame).map((gateway) =>
      own({
        dev: hostLink,
        address: hostCidr(gateway),
        scope: 'global',
        noDad: true,
        noPrefixRoute: true,
      } as const),
    ),
    neighbours: pods.map((pod) => own(neighbour(pod, hostLink, frame.podMac))),
    routes: pods.map((pod) => own(linkRoute(pod, hostLink, settings.hostRuleTable))),
    rules: frame.families.map((family) => ({
      ...hostRule(family, settings.hostRuleTable),
      owner: 'node' as const,
    })),
    // A pod must not become the node's router by an advertisement.
    sysctls: frame.families.includes(6) ? [own({ key: `ipv6/conf/${hostLink}/accept_ra`, value: '0' })] : [],
    expectedAddresses: [],
    ownsRules: false,
  };
}

/** The first address of the node of each of the pod's families. */
function gateways(frame: Frame): Address[] {
  return frame.families
    .map((family) => frame.nodes.find((node) => node.family === family))
    .filter((address) => address !== undefined);
}

function podRoutes(frame: Frame): Route[] {
  const { settings } = frame.input;
  const link = (table: number) =>
    frame.nodes.map((node) => linkRoute(node, POD_LINK, table, source(frame, node.family)));
  const replies = gateways(frame).map((gateway) =>
    gatewayRoute(
      defaultDestination(gateway.family),
      gateway,
      POD_LINK,
      REPLY_TABLE,
      source(frame, gateway.family),
    ),
  );
  return [
    ...link(MAIN_TABLE),
    ...link(FIRST_NIC_TABLE),
    ...hijackRoutes(frame),
    ...replies,
    ...settings.policyRoutes
      .filter(({ destination }) => isServed(frame, destination, 'policy route'))
      .map(({ destination, gateway }) =>
        gatewayRoute(destination, gateway, frame.input.attachment.interfaceName, MAIN_TABLE),
      ),
  ];
}

function hijackRoutes(frame: Frame): Route[] {
  const gatewayOf = new Map(gateways(frame).map((gateway) => [gateway.family, gateway]));
  return frame.input.settings.hijackedNetworks.flatMap((network) => {
    if (!isServed(frame, network, 'hijacked network')) return [];
    const gateway = gatewayOf.get(network.address.family);
    if (gateway === undefined) {
      frame.notes.push(
        `hijacked network ${formatCidr(network)} is left out: the node has no such address family`,
      );
      return [];
    }
    return [gatewayRoute(network, gateway, POD_LINK, MAIN_TABLE, source(frame, network.address.family))];
  });
}

/** Whether the pod has the family, and the network is not the NIC's own, whose neighbours answer on the LAN. */
function isServed(frame: Frame, network: Cidr, what: string): boolean {
  const text = formatCidr(network);
  if (!frame.families.includes(network.address.family)) {
    frame.notes.push(`${what} ${text} is left out: the pod has no address of its family`);
    return false;
  }
  const nic = frame.input.attachment.interfaceName;
  if (network.prefixLength === 0 || frame.addresses.some((cidr) => formatCidr(networkOf(cidr)) === text)) {
    frame.notes.push(`${what} ${text} is left out: ${nic} has a route of that destination`);
    return false;
  }
  return true;
}

/**
 * The source of what leaves through veth0: the NIC's first IPv4 address (Spiderpool #2489). IPv6 takes it from the
 * NIC by itself, veth0 having none but its link-local one; routes with a source were unreliable there (kernel bug 107071).
 */
function source(frame: Frame, family: Family): Address | undefined {
  if (family === 6) return undefined;
  return frame.addresses.find((cidr) => cidr.address.family === 4)?.address;
}

function linkRoute(address: Address, dev: string, table: number, from?: Address): Route {
  return {
    destination: hostCidr(address),
    table,
    type: 'unicast',
    // IPv6 routes have no scope; the kernel reports 0, which is global.
    scope: address.family === 4 ? 'link' : 'global',
    protocol: ROUTE_PROTOCOL,
    dev,
    ...(from !== undefined && { source: from }),
  };
}

function gatewayRoute(
  destination: Cidr,
  gateway: Address,
  dev: string,
  table: number,
  from?: Address,
): Route {
  return {
    destination,
    table,
    type: 'unicast',
    scope: 'global',
    protocol: ROUTE_PROTOCOL,
    dev,
    gateway,
    ...(from !== undefined && { source: from }),
  };
}

/** Without it IPv6 stays silent: a host answers neighbour discovery for addresses of the asked link only (RFC 4861 §7.2.3). */
function neighbour(address: Address, dev: string, mac: string): Neighbour {
  return { dev, address, mac, state: 'permanent', protocol: ROUTE_PROTOCOL };
}

function replyRule(family: Family): Rule {
  return {
    family,
    priority: REPLY_RULE_PRIORITY,
    table: REPLY_TABLE,
    mark: { value: REPLY_MARK, mask: ALL_BITS },
    protocol: ROUTE_PROTOCOL,
  };
}

function linkAddress(frame: Frame): InterfaceAddress[] {
  const { vethLinkAddress } = frame.input.settings;
  if (vethLinkAddress === undefined) return [];
  if (!frame.families.includes(4)) {
    frame.notes.push(
      `vethLinkAddress ${formatAddress(vethLinkAddress)} is left out: the pod has no IPv4 address`,
    );
    return [];
  }
  // Scope link keeps it out of the kernel's choice of source addresses.
  return [{ dev: POD_LINK, address: hostCidr(vethLinkAddress), scope: 'link' }];
}

function chosenMac(frame: Frame): string | undefined {
  const prefix = frame.input.settings.podMacPrefix;
  const first = frame.addresses.find((cidr) => cidr.address.family === 4) ?? frame.addresses[0];
  return prefix === undefined || first === undefined ? undefined : prefixedMac(prefix, first.address);
}

function podSysctls(frame: Frame, newMac: boolean): DesiredSysctl[] {
  const nic = frame.input.attachment.interfaceName;
  const { podRpFilter } = frame.input.settings;
  const sysctls: DesiredSysctl[] = [];
  if (frame.families.includes(6)) {
    // Each link by itself: `all` would switch IPv6 on where somebody switched it off.
    for (const dev of [nic, POD_LINK]) sysctls.push({ key: `ipv6/conf/${dev}/disable_ipv6`, value: '0' });
  }
  if (frame.families.includes(4) && podRpFilter !== undefined) {
    // The kernel takes the larger of `all` and the link's own (ip-sysctl.rst), so 0 on `all` alone relaxes nothing.
    for (const dev of ['all', nic, POD_LINK]) {
      sysctls.push({ key: `ipv4/conf/${dev}/rp_filter`, value: String(podRpFilter) });
    }
  }
  if (newMac) {
    // The kernel then tells the LAN of the new MAC address by itself (ip-sysctl.rst, arp_notify and ndisc_notify).
    sysctls.push({ key: `ipv4/conf/${nic}/arp_notify`, value: '1' });
    if (frame.families.includes(6)) sysctls.push({ key: `ipv6/conf/${nic}/ndisc_notify`, value: '1' });
  }
  return sysctls;
}
