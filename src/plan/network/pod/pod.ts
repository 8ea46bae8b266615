// The plan of a pod: all its NICs, their tables and rules, and the way to its node.

import { defaultDestination, formatAddress, formatCidr, hostCidr } from '#ip';
import { type InterfaceAddress, MAIN_TABLE, type Mac, type Route } from '#net';
import {
  cidrKey,
  type DesiredLink,
  type DesiredNamespace,
  type DesiredNetwork,
  emptyNamespace,
  neighbour,
  type Owned,
  type PlannedNic,
  POD_LINK,
  prefixedMac,
  routesByKey,
} from '../state/index.ts';
import { defaultRoutes, type Moved, mainDefaults, movedNics, unmetWishes } from './default-route.ts';
import { type Frame, firstOfOurs, frameOf, type Nic, owned } from './frame.ts';
import { hijackNotes, hijackRoutes, nodeRoutes } from './hijack.ts';
import { familiesWithoutDefault, lastResortRoute, lastResortRules } from './last-resort.ts';
import type { PodInput, PodNic } from './nic.ts';
import { nicTableRoutes, policyRoutesInMain, sourceRules } from './nic-tables.ts';
import { planNodeShare } from './node-share.ts';
import { markTable, replyRoutes, replyRules } from './replies.ts';
import { podSysctls } from './sysctls.ts';

/**
 * Plans the pod. The plan follows golden tables G1 to G5 of Spiderpool, with the differences of docs/adr/0011 and 0020.
 */
export function planPod(input: PodInput): DesiredNetwork {
  const frame = frameOf(input);
  const ours = frame.nics.filter((nic) => nic.ours);
  return {
    pod: podNamespace(frame, input.leaving),
    node: planNodeShare(frame),
    veth: frame.ownWay,
    nics: ours.map(planned),
    notes: [...frame.notes, ...notesOf(frame)],
  };
}

/**
 * The plan of the pod's namespace after its last NIC of ours leaves. It has no object of ours, and an overlay's default
 * route is back in its place.
 */
export function planWithoutNics(input: {
  readonly containerId: string;
  readonly overlay?: PodNic;
  readonly leaving: PodNic;
}): DesiredNamespace {
  const owner = { containerId: input.containerId, interfaceName: input.leaving.name };
  const back = input.overlay === undefined ? [] : defaultRoutes(input.overlay);
  return {
    ...emptyNamespace,
    routes: back.map((route) => ({ ...route, owner })),
    // If no default route comes back, we must not remove one.
    unwantedRoutes: back.length === 0 ? [] : defaultRoutes(input.leaving),
    whole: true,
  };
}

function planned(nic: Nic): PlannedNic {
  return {
    name: nic.name,
    mac: chosenMac(nic),
    hostLink: nic.way.hostLink,
    hostTable: nic.settings.hostRuleTable,
    addresses: nic.addresses.map((cidr) => cidr.address),
  };
}

function podNamespace(frame: Frame, leaving: PodNic | undefined): DesiredNamespace {
  const own = owned(frame.owner);
  const moved = movedNics(frame);
  const defaults = mainDefaults(frame, moved, leaving);
  const lastResort = familiesWithoutDefault(frame, defaults.wanted);
  return {
    links: [...vethLink(frame), ...frame.nics.map(nicLink)],
    addresses: linkAddress(frame).map((address) => own(address)),
    neighbours: frame.ways.flatMap((way) =>
      frame.nodes.map((node) => own(neighbour(node, way.podLink, way.hostMac))),
    ),
    routes: [
      ...podRoutes(frame, moved, defaults.wanted),
      ...lastResort.map((family) => lastResortRoute(frame, family)),
    ].map((route) => own(route)),
    rules: [
      ...replyRules(frame),
      ...sourceRules(frame, moved),
      ...lastResort.flatMap((family) => lastResortRules(frame, family)),
    ].map((rule) => own(rule)),
    sysctls: podSysctls(frame, moved).map((sysctl) => own(sysctl)),
    table: own(markTable(frame)),
    expectedAddresses: frame.nics
      .filter((nic) => nic.ours)
      .flatMap((nic) =>
        nic.addresses.map((address) => ({ dev: nic.name, address, scope: 'global' as const })),
      ),
    unwantedRoutes: defaults.unwanted,
    leftRoutes: defaults.left,
    whole: true,
  };
}

/**
 * If several routes have the same key in the kernel, the first is used. Routes to the node come before the user's
 * routes through a NIC.
 */
function podRoutes(frame: Frame, moved: readonly Moved[], defaults: readonly Route[]): Route[] {
  const { way, settings } = frame.first;
  const routes = [
    ...nodeRoutes(frame, way, MAIN_TABLE),
    ...defaults,
    ...nicTableRoutes(frame, moved),
    ...hijackRoutes(frame, settings.hijackedNetworks, way, MAIN_TABLE),
    ...replyRoutes(frame),
    ...policyRoutesInMain(frame),
  ];
  return [...routesByKey(routes).values()].flatMap(([first]) => first ?? []);
}

function vethLink(frame: Frame): Owned<DesiredLink>[] {
  const { ownWay, owner } = frame;
  if (ownWay === undefined) return [];
  const mtuBytes = firstOfOurs(frame).settings.vethMtuBytes;
  const { podLink: name, hostLink: peerName, podMac: mac } = ownWay;
  return [{ name, peerName, mac, mtuBytes, txQueueLength: 0, owner }];
}

function nicLink(nic: Nic): Owned<DesiredLink> {
  const mac = chosenMac(nic);
  const { txQueueLength } = nic.settings;
  if (!nic.ours) return { name: nic.name, owner: nic.owner };
  return {
    name: nic.name,
    ...(mac !== undefined && { mac }),
    ...(txQueueLength !== undefined && { txQueueLength }),
    owner: nic.owner,
  };
}

function chosenMac(nic: Nic): Mac | undefined {
  const prefix = nic.settings.podMacPrefix;
  const first = nic.addresses.find((cidr) => cidr.address.family === 4) ?? nic.addresses[0];
  return prefix === undefined || first === undefined ? undefined : prefixedMac(prefix, first.address);
}

function linkAddress(frame: Frame): InterfaceAddress[] {
  const { vethLinkAddress } = firstOfOurs(frame).settings;
  if (vethLinkAddress === undefined || frame.ownWay === undefined) return [];
  if (!frame.families.includes(4)) {
    frame.notes.push(
      `vethLinkAddress ${formatAddress(vethLinkAddress)} is left out: the pod has no IPv4 address`,
    );
    return [];
  }
  // With scope link, the kernel does not choose it as a source address.
  return [{ dev: POD_LINK, address: hostCidr(vethLinkAddress), scope: 'link' }];
}

function notesOf(frame: Frame): string[] {
  const ours = frame.nics.filter((nic) => nic.ours);
  const hijacked = hijackNotes(
    frame,
    ours.flatMap((nic) => nic.settings.hijackedNetworks),
  );
  const policies = hijackNotes(
    { ...frame, gateways: frame.families.map((family) => defaultDestination(family).address) },
    ours.flatMap((nic) => nic.settings.policyRoutes.map(({ destination }) => destination)),
    'policy route',
  );
  const both = ours.flatMap(({ settings, way }) => {
    const routes = hijackRoutes(frame, settings.hijackedNetworks, way, MAIN_TABLE);
    const served = new Set(routes.map(({ destination }) => cidrKey(destination)));
    return settings.policyRoutes
      .filter(({ destination }) => served.has(cidrKey(destination)))
      .map(({ destination }) => `policy route ${formatCidr(destination)} is left out: it is hijacked`);
  });
  return [...new Set([...hijacked, ...policies, ...both, ...unmetWishes(frame)])];
}
