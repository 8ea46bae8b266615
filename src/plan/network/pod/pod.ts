// The plan of a pod: all its NICs, their tables and rules, and the link to its node.

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
import {
  defaultRoutes,
  mainDefaults,
  type NicWithTable,
  nicsWithTables,
  unmetRequests,
} from './default-route.ts';
import { hijackNotes, hijackRoutes, nodeRoutes } from './hijack.ts';
import { familiesWithoutDefault, lastResortRoute, lastResortRules } from './last-resort.ts';
import type { PodInput, PodNic } from './nic.ts';
import { nicTableRoutes, policyRoutesInMain, sourceRules } from './nic-tables.ts';
import { planNodeShare } from './node-share.ts';
import { firstOfOurs, type Nic, owned, type PlanContext, planContext } from './plan-context.ts';
import { markTable, replyRoutes, replyRules } from './replies.ts';
import { podSysctls } from './sysctls.ts';

/**
 * Plans the pod. The plan follows golden tables G1 to G5 of Spiderpool, with the differences of docs/adr/0011 and 0020.
 */
export function planPod(input: PodInput): DesiredNetwork {
  const context = planContext(input);
  const ours = context.nics.filter((nic) => nic.ours);
  return {
    pod: podNamespace(context, input.leaving),
    node: planNodeShare(context),
    veth: context.ownLink,
    nics: ours.map(planned),
    notes: notesOf(context),
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
    complete: true,
  };
}

function planned(nic: Nic): PlannedNic {
  return {
    name: nic.name,
    mac: chosenMac(nic),
    hostLink: nic.nodeLink.hostLink,
    hostTable: nic.settings.hostRuleTable,
    addresses: nic.addresses.map((cidr) => cidr.address),
  };
}

function podNamespace(context: PlanContext, leaving: PodNic | undefined): DesiredNamespace {
  const own = owned(context.owner);
  const moved = nicsWithTables(context);
  const defaults = mainDefaults(context, moved, leaving);
  const lastResort = familiesWithoutDefault(context, defaults.wanted);
  return {
    links: [...vethLink(context), ...context.nics.map(nicLink)],
    addresses: linkAddress(context).map((address) => own(address)),
    neighbours: context.nodeLinks.flatMap((nodeLink) =>
      context.nodes.map((node) => own(neighbour(node, nodeLink.podLink, nodeLink.hostMac))),
    ),
    routes: [
      ...podRoutes(context, moved, defaults.wanted),
      ...lastResort.map((family) => lastResortRoute(context, family)),
    ].map((route) => own(route)),
    rules: [
      ...replyRules(context),
      ...sourceRules(context, moved),
      ...lastResort.flatMap((family) => lastResortRules(context, family)),
    ].map((rule) => own(rule)),
    sysctls: podSysctls(context, moved).map((sysctl) => own(sysctl)),
    table: own(markTable(context)),
    expectedAddresses: context.nics
      .filter((nic) => nic.ours)
      .flatMap((nic) =>
        nic.addresses.map((address) => ({ dev: nic.name, address, scope: 'global' as const })),
      ),
    unwantedRoutes: defaults.unwanted,
    leftRoutes: defaults.left,
    complete: true,
  };
}

/**
 * If several routes have the same key in the kernel, the first is used. Routes to the node come before the user's
 * routes through a NIC.
 */
function podRoutes(
  context: PlanContext,
  moved: readonly NicWithTable[],
  defaults: readonly Route[],
): Route[] {
  const { nodeLink, settings } = context.first;
  const routes = [
    ...nodeRoutes(context, nodeLink, MAIN_TABLE),
    ...defaults,
    ...nicTableRoutes(context, moved),
    ...hijackRoutes(context, settings.hijackedNetworks, nodeLink, MAIN_TABLE),
    ...replyRoutes(context),
    ...policyRoutesInMain(context),
  ];
  return [...routesByKey(routes).values()].flatMap(([first]) => first ?? []);
}

function vethLink(context: PlanContext): Owned<DesiredLink>[] {
  const { ownLink, owner } = context;
  if (ownLink === undefined) return [];
  const mtuBytes = firstOfOurs(context).settings.vethMtuBytes;
  const { podLink: name, hostLink: peerName, podMac: mac } = ownLink;
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

function linkAddress(context: PlanContext): InterfaceAddress[] {
  const { vethLinkAddress } = firstOfOurs(context).settings;
  if (vethLinkAddress === undefined || context.ownLink === undefined) return [];
  if (!context.families.includes(4)) return [];
  // With scope link, the kernel does not choose it as a source address.
  return [{ dev: POD_LINK, address: hostCidr(vethLinkAddress), scope: 'link' }];
}

function linkAddressNotes(context: PlanContext): string[] {
  const { vethLinkAddress } = firstOfOurs(context).settings;
  if (vethLinkAddress === undefined || context.ownLink === undefined || context.families.includes(4))
    return [];
  return [`vethLinkAddress ${formatAddress(vethLinkAddress)} is left out: the pod has no IPv4 address`];
}

function notesOf(context: PlanContext): string[] {
  const ours = context.nics.filter((nic) => nic.ours);
  const hijacked = hijackNotes(
    context,
    ours.flatMap((nic) => nic.settings.hijackedNetworks),
  );
  const policies = hijackNotes(
    { ...context, gateways: context.families.map((family) => defaultDestination(family).address) },
    ours.flatMap((nic) => nic.settings.policyRoutes.map(({ destination }) => destination)),
    'policy route',
  );
  const both = ours.flatMap(({ settings, nodeLink }) => {
    const routes = hijackRoutes(context, settings.hijackedNetworks, nodeLink, MAIN_TABLE);
    const covered = new Set(routes.map(({ destination }) => cidrKey(destination)));
    return settings.policyRoutes
      .filter(({ destination }) => covered.has(cidrKey(destination)))
      .map(({ destination }) => `policy route ${formatCidr(destination)} is left out: it is hijacked`);
  });
  return [
    ...new Set([...linkAddressNotes(context), ...hijacked, ...policies, ...both, ...unmetRequests(context)]),
  ];
}
