// The cells of the connectivity table: who asks whom, the expected result, and the address that the server must see.
//
// Row numbers are those of Spiderpool's connectivity matrix; the reference of the project repeats it.

import type { Family } from '#ip';
import { bothFamilies, type DualStack } from '../addressing.ts';
import type { ProbeProtocol } from './prober.ts';

/** The place that asks. */
export interface Asker {
  /** The name that the table prints: `web-1`, `node1`, `client`. */
  readonly name: string;
  /** The command that runs lab-probe there. */
  readonly probe: readonly [string, ...string[]];
}

/** A place that both asks and is asked. */
export interface Place extends Asker {
  readonly kind: 'underlay pod' | 'overlay pod' | 'node' | 'router' | 'client';
  /** The node where it is, or the node itself. */
  readonly node?: string;
  readonly address: DualStack;
  /** The port of its server. */
  readonly port: number;
}

/** A Service of the table. */
export interface ServicePlace {
  readonly name: string;
  readonly clusterIp: DualStack;
  readonly port: number;
  readonly nodePort?: number;
  /** externalTrafficPolicy Local. */
  readonly externalLocal: boolean;
  readonly backends: 'underlay pod' | 'overlay pod';
}

export interface Cast {
  readonly places: readonly Place[];
  readonly services: readonly ServicePlace[];
  /**
   * Whether packets that conntrack calls INVALID are lost: nodes drop them, and no rule of ours prevents that. This is so without an agent.
   */
  readonly invalidLost: boolean;
  /** Whether sockets of pods and nodes get an endpoint at once, so that it sees the sender itself. */
  readonly servesSockets?: boolean;
}

/** One cell before it is tried. */
export interface PlannedCell {
  readonly from: Asker;
  readonly to: string;
  readonly family: Family;
  readonly protocol: ProbeProtocol;
  readonly address: string;
  readonly port: number;
  /** The address that the asking socket is bound to. */
  readonly bind?: string;
  /** The address that the server must see. */
  readonly source: string;
  /** The other allowed address. A pod that reaches itself through a Service is masqueraded; otherwise it would answer itself. */
  readonly hairpinSource?: string;
  /** Why the connection cannot work; such a cell passes if it does not work. */
  readonly impossible?: string;
  /** Nothing can be sent for this cell. */
  readonly senseless?: boolean;
}

const INVALID_DROP =
  "the answer bypasses the pod's node, so kube-proxy's rule drops the next packet as INVALID if nf_conntrack_tcp_be_liberal is 0 (kubernetes #117924)";
const NO_PORTS = 'a Service has ports, and ICMP has none';

const protocols: readonly ProbeProtocol[] = ['icmp', 'tcp', 'udp'];

/** The address of a place that others see. A packet of an overlay pod leaves the overlay with the node's address. */
function seenAs(place: Place, places: readonly Place[]): DualStack {
  if (place.kind !== 'overlay pod') return place.address;
  return places.find((node) => node.kind === 'node' && node.node === place.node)?.address ?? place.address;
}

/** The cells for the direct path from one place to another; none if golden G1 does not support it. */
function direct(from: Place, to: Place, { places, invalidLost }: Cast): PlannedCell[] {
  const seen = to.kind === 'overlay pod' ? from.address : seenAs(from, places);
  // Row 8. UDP and ICMP pass: conntrack does not call them INVALID when it sees only one direction.
  const lost =
    from.kind === 'underlay pod' && to.kind === 'overlay pod' && from.node !== to.node && invalidLost;
  return bothFamilies.flatMap((family) =>
    protocols.map((protocol) => ({
      from,
      to: to.name,
      family,
      protocol,
      address: to.address[family],
      port: protocol === 'icmp' ? 0 : to.port,
      source: seen[family],
      ...(lost && protocol === 'tcp' && { impossible: INVALID_DROP }),
    })),
  );
}

/** The sender's address where nothing on the way is a Service. */
function seenByEndpoint(from: Place, { backends }: ServicePlace, places: readonly Place[]): DualStack {
  return backends === 'overlay pod' ? from.address : seenAs(from, places);
}

/** Rows 20–23: kube-proxy masquerades traffic from outside the overlay; the overlay's NAT masquerades the rest. */
function toClusterIp(from: Place, service: ServicePlace, { places, servesSockets }: Cast): PlannedCell[] {
  const node = places.find((place) => place.kind === 'node' && place.node === from.node);
  if (node === undefined) return [];
  return bothFamilies.flatMap((family) =>
    protocols.map((protocol) => ({
      from,
      to: `ClusterIP ${service.name}`,
      family,
      protocol,
      address: service.clusterIp[family],
      port: protocol === 'icmp' ? 0 : service.port,
      source: (servesSockets === true ? seenByEndpoint(from, service, places) : node.address)[family],
      ...(protocol === 'icmp' && { impossible: NO_PORTS }),
    })),
  );
}

/** Rows 26–28: policy Local keeps the client's address, policy Cluster replaces it by the node's. */
function toNodePort(
  from: Place,
  service: ServicePlace,
  node: Place,
  { places, servesSockets }: Cast,
): PlannedCell[] {
  const { nodePort } = service;
  if (nodePort === undefined) return [];
  const isSocketServed = servesSockets === true && from.node === node.node;
  const seen = isSocketServed
    ? seenByEndpoint(from, service, places)
    : service.externalLocal
      ? seenAs(from, places)
      : node.address;
  return bothFamilies.flatMap((family) =>
    protocols.map((protocol) => ({
      from,
      to: `NodePort ${service.name} at ${node.name}`,
      family,
      protocol,
      address: node.address[family],
      port: nodePort,
      source: seen[family],
      ...(from.kind === service.backends &&
        from.node === node.node && { hairpinSource: node.address[family] }),
      ...(protocol === 'icmp' && { impossible: NO_PORTS, senseless: true }),
    })),
  );
}

/** The first underlay pod that shares its node with another one; otherwise the first underlay pod. */
function protagonist(pods: readonly Place[]): Place | undefined {
  return pods.find((pod) => pods.some((other) => other !== pod && other.node === pod.node)) ?? pods[0];
}

/** At most two of a list: one "on the same node" and one "elsewhere". */
function nearAndFar(places: readonly Place[], node: string | undefined): Place[] {
  const near = places.find((place) => place.node === node);
  const far = places.find((place) => place.node !== node);
  return [near, far].filter((place) => place !== undefined);
}

/** All cells: every path from and to one underlay pod, and to Services that underlay pods serve. */
export function plannedCells(cast: Cast): PlannedCell[] {
  const ofKind = (kind: Place['kind']) => cast.places.filter((place) => place.kind === kind);
  const pods = ofKind('underlay pod');
  const pod = protagonist(pods);
  if (pod === undefined) return [];
  const others = pods.filter((other) => other !== pod);
  const nodes = nearAndFar(ofKind('node'), pod.node);
  const outsiders = [...ofKind('router'), ...ofKind('client')];
  const overlays = nearAndFar(ofKind('overlay pod'), pod.node);
  const peers = [...nearAndFar(others, pod.node), ...overlays, ...nodes, ...outsiders];
  const served = cast.services.filter(({ backends }) => backends === 'underlay pod');
  const users = [...overlays, ...nodes, ...outsiders];
  return [
    ...peers.flatMap((peer) => direct(pod, peer, cast)),
    ...cast.services.flatMap((service) => [
      ...toClusterIp(pod, service, cast),
      ...nodes.flatMap((node) => toNodePort(pod, service, node, cast)),
    ]),
    ...peers.flatMap((peer) => direct(peer, pod, cast)),
    ...served.flatMap((service) =>
      users.flatMap((user) => [
        ...toClusterIp(user, service, cast),
        ...nodes.flatMap((node) => toNodePort(user, service, node, cast)),
      ]),
    ),
  ];
}
