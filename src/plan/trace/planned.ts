// Places as a plan wants them, before any of it is in a kernel: a pod, its node, and machines around them.

import { type Address, type Cidr, type Family, hostCidr, networkOf } from '#ip';
import {
  type InterfaceAddress,
  LOCAL_TABLE,
  MAIN_TABLE,
  type Mac,
  type Neighbour,
  ROUTE_PROTOCOL,
  type Route,
  RTPROT,
  type Rule,
} from '#net';
import {
  CONNECTION_BIT,
  type DesiredNetwork,
  markingOf,
  type PodInput,
  planPod,
  REPLY_MARK,
  sameRoute,
} from '../network/index.ts';
import type { LinkView, NamespaceView } from './view.ts';
import type { Firewall, Place } from './world.ts';

/**
 * What our nftables table of a pod does to replies. The table's rules tell it, and our policy rule of the pod names the
 * mark.
 */
export function podFirewall(
  { rules, links }: Pick<NamespaceView, 'rules' | 'links'>,
  table: readonly { readonly comment: string | undefined }[],
): Firewall {
  const own = rules.find(({ protocol, mark }) => protocol === ROUTE_PROTOCOL && mark !== undefined);
  const names = links.map(({ name }) => name);
  const marking = markingOf(table, names, own?.mark?.value ?? REPLY_MARK);
  return marking === undefined ? {} : { replyMarks: { ...marking, bit: CONNECTION_BIT } };
}

export interface PlannedPod {
  readonly place: Place;
  readonly network: DesiredNetwork;
}

/** A pod as the plan of its NICs wants it. `macs` are the MAC addresses of its NICs. */
export function plannedPod(
  name: string,
  node: string,
  input: PodInput,
  macs: Readonly<Record<string, Mac>>,
): PlannedPod {
  const network = planPod(input);
  const { pod, veth } = network;
  const overlay = input.overlay === undefined ? [] : [input.overlay];
  const nics = [...overlay, ...input.nics];
  const addresses = [
    ...nics.flatMap(({ name: dev, addresses: own }) => own.map((address) => interfaceAddress(dev, address))),
    ...pod.addresses,
  ];
  const made = nics.flatMap(({ routes }) => routes);
  const isUnwanted = (route: Route) => pod.unwantedRoutes.some((other) => sameRoute(other, route));
  const links = nics.map(({ name: link }) => ({ name: link, mac: macs[link] ?? '' }));
  const view = viewOf({
    links: [...links, ...(veth === undefined ? [] : [{ name: veth.podLink, mac: veth.podMac }])],
    addresses,
    routes: [...made.filter((route) => !isUnwanted(route)), ...pod.routes],
    rules: pod.rules,
    neighbours: pod.neighbours,
    sysctls: new Map(pod.sysctls.map(({ key, value }) => [key, value])),
  });
  const firewall = podFirewall(view, pod.table?.rules ?? []);
  return { place: { name, kind: 'pod', node, view, firewall }, network };
}

/** The parts of a namespace that the kernel does not make itself. */
export interface MadeParts {
  readonly links: readonly { readonly name: string; readonly mac: Mac; readonly kind?: string }[];
  readonly addresses: readonly InterfaceAddress[];
  /** Without the routes of table local. */
  readonly routes: readonly Route[];
  readonly rules?: readonly Rule[];
  readonly neighbours?: readonly Neighbour[];
  readonly sysctls?: ReadonlyMap<string, string>;
}

/** Adds loopback, table local and the rules of every new namespace. */
export function viewOf(parts: MadeParts): NamespaceView {
  const { links, addresses, routes, rules = [], neighbours = [], sysctls = new Map() } = parts;
  const loopback: LinkView = { name: 'lo', up: true, loopback: true };
  return {
    links: [loopback, ...links.map((link) => ({ ...link, up: true, loopback: false }))],
    addresses,
    routes: [...addresses.map(localRoute), ...routes],
    rules: [...([4, 6] as const).flatMap(kernelRules), ...rules],
    neighbours,
    sysctls,
  };
}

function kernelRules(family: Family): Rule[] {
  return [
    { family, priority: 0, table: LOCAL_TABLE, protocol: RTPROT.kernel },
    { family, priority: 32_766, table: MAIN_TABLE, protocol: RTPROT.kernel },
  ];
}

function localRoute({ address: { address }, dev }: InterfaceAddress): Route {
  return {
    destination: hostCidr(address),
    table: LOCAL_TABLE,
    type: 'local',
    scope: 'host',
    protocol: RTPROT.kernel,
    dev,
    ...(address.family === 4 && { source: address }),
  };
}

export function interfaceAddress(dev: string, address: Cidr): InterfaceAddress {
  return { dev, address, scope: 'global' };
}

/** The route to the address' own network, as the kernel makes it. */
export function connected(dev: string, address: Cidr): Route {
  const isFour = address.address.family === 4;
  return {
    destination: networkOf(address),
    table: MAIN_TABLE,
    type: 'unicast',
    scope: isFour ? 'link' : 'global',
    protocol: RTPROT.kernel,
    dev,
    ...(isFour ? { source: address.address } : { metric: 256 }),
  };
}

/** A route of table main as an administrator or a plugin makes it. */
export function routeBy(destination: Cidr, dev: string, gateway?: Address): Route {
  return {
    destination,
    table: MAIN_TABLE,
    type: 'unicast',
    scope: gateway === undefined && destination.address.family === 4 ? 'link' : 'global',
    protocol: RTPROT.boot,
    dev,
    ...(gateway !== undefined && { gateway }),
  };
}
