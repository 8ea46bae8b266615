// The questions of the random matrix. Every address of every NIC is asked from everywhere. Every pod asks everywhere, with a socket that is
// unbound or bound to one of its addresses.

import type { Family } from '#ip';
import { bothFamilies } from '../addressing.ts';
import { type Asker, MACHINE_PORT, type ProbeProtocol } from '../trial/index.ts';
import type { Addresses, OverlayPod, RandomCast, RandomNic, RandomPod } from './cast.ts';
import { lanPlans, lans, type Network } from './networks.ts';
import { POD_PORT } from './objects.ts';
import { byAnyNic, byNic, throughNode } from './promise.ts';
import { type NicService, type NicServices, SERVICE_PORT, serviceKey } from './services.ts';

/** A question, and what users may rely on. */
export interface Path {
  readonly from: Asker;
  /** The name of the asking place in the world of a trace. */
  readonly place: string;
  readonly to: string;
  /** The name of the random pod that the question tests. */
  readonly pod: string;
  readonly family: Family;
  readonly protocol: ProbeProtocol;
  readonly address: string;
  readonly port: number;
  readonly bind?: string;
  /** Whether the connection must work. */
  readonly promised: boolean;
  /** The address that the server must then see, if the shapes alone determine it. */
  readonly promisedSource?: string;
}

/** Who asks whom in one family, before protocols are chosen. */
type Ask = Omit<Path, 'protocol' | 'pod'> & { readonly isService?: true };

export function randomPaths(cast: RandomCast, services: NicServices): Path[] {
  return cast.pods.flatMap((pod) => {
    const asks = [
      ...pod.nics.flatMap((nic) =>
        perFamily(nic.addresses, (family, own) => [
          ...toNic(cast, pod, nic, family, own),
          ...toServices(cast, pod, nic, { family, services }),
          ...fromPod(cast, pod, { family, services, nic }),
        ]),
      ),
      ...bothFamilies
        .filter((family) => pod.nics.some(({ addresses }) => addresses[family] !== undefined))
        .flatMap((family) => fromPod(cast, pod, { family, services })),
    ];
    return asks.flatMap((ask) => inProtocols(ask, pod.shape.name));
  });
}

function perFamily(addresses: Addresses, ask: (family: Family, address: string) => Ask[]): Ask[] {
  return bothFamilies.flatMap((family) => {
    const address = addresses[family];
    return address === undefined ? [] : ask(family, address);
  });
}

/** A Service has ports, and ICMP has none. */
function inProtocols({ isService, ...ask }: Ask, pod: string): Path[] {
  const protocols = isService === true ? (['tcp', 'udp'] as const) : (['icmp', 'tcp', 'udp'] as const);
  return protocols.map((protocol) => ({ ...ask, pod, protocol, port: protocol === 'icmp' ? 0 : ask.port }));
}

function machineAsks(cast: RandomCast, name: string): Pick<Ask, 'from' | 'place'> {
  return { from: cast.machine(name).asker, place: name };
}

function podAsks({ asker }: RandomPod | OverlayPod): Pick<Ask, 'from' | 'place'> {
  return { from: asker, place: `default/${asker.name}` };
}

/** Questions to the address of a NIC: from both clients, the router on every LAN, the nodes, and a neighbour on its LAN. */
function toNic(cast: RandomCast, pod: RandomPod, nic: RandomNic, family: Family, address: string): Ask[] {
  const { shape } = pod;
  const to = { to: `${shape.name} ${nic.name}`, family, address, port: POD_PORT };
  const source = (name: string) => sourceOf(cast.machine(name).addresses[family]);
  const fromNodes = cast.nodes.map(({ name }): Ask => {
    const promised = name === shape.node || byNic(pod.shape, nic, 'lan');
    return { ...machineAsks(cast, name), ...to, promised, ...source(name) };
  });
  // The router reaches only addresses of its LANs. Nodes reach those of the overlay.
  const { shape: own } = nic;
  if (own === undefined) return fromNodes;
  const clients = (['outside', 'branch'] as const).map((network): Ask => {
    const name = network === 'outside' ? 'client' : 'branch';
    return { ...machineAsks(cast, name), ...to, promised: byNic(shape, nic, network), ...source(name) };
  });
  const router: Ask = {
    ...{ ...machineAsks(cast, 'router'), ...to, promised: true },
    ...sourceOf(lanPlans[own.lan].gateway[family]),
  };
  const neighbours = cast.pods.flatMap((other) => {
    const theirs = other.nics.find((each) => each.shape?.lan === own.lan)?.addresses[family];
    if (other === pod || theirs === undefined) return [];
    const from = boundAsker(podAsks(other), theirs);
    return [{ ...from, ...to, promised: true, ...sourceOf(theirs) }];
  });
  const fromOverlay = cast.overlayPods.map((other): Ask => {
    const promised = other.node === shape.node || byNic(shape, nic, 'lan');
    return { ...podAsks(other), ...to, promised };
  });
  return [...clients, router, ...fromNodes, ...neighbours.slice(0, 2), ...fromOverlay];
}

function sourceOf(address: string | undefined): Pick<Ask, 'promisedSource'> {
  return address === undefined ? {} : { promisedSource: address };
}

function boundAsker({ from, place }: Pick<Ask, 'from' | 'place'>, bind: string) {
  return { from: { ...from, name: `${from.name} bound to ${bind}` }, place, bind };
}

interface About {
  readonly family: Family;
  readonly services: NicServices;
}

/**
 * Questions to the Services of a NIC. With policy Local, the NodePort is asked only at the pod's node, otherwise at every node. ClusterIPs
 * are asked from nodes and overlay pods.
 */
function toServices(cast: RandomCast, pod: RandomPod, nic: RandomNic, { family, services }: About): Ask[] {
  const { shape } = pod;
  return (services.get(serviceKey(shape.name, nic.name)) ?? []).flatMap((service) => {
    if (service.local) return toNodePort(cast, service, shape.node, family, throughNode(shape, family, nic));
    const nodePorts = cast.nodes.flatMap(({ name }) =>
      toNodePort(cast, service, name, family, name === shape.node || byNic(shape, nic, 'lan')),
    );
    return [...nodePorts, ...toClusterIp(cast, pod, nic, { family, service })];
  });
}

function toNodePort(
  cast: RandomCast,
  { name, nodePort, local }: NicService,
  node: string,
  family: Family,
  promised: boolean,
): Ask[] {
  const address = cast.machine(node).addresses[family];
  if (address === undefined) return [];
  return (['client', 'branch'] as const).map((client) => ({
    ...machineAsks(cast, client),
    ...{ to: `NodePort ${name} at ${node}`, family, address, port: nodePort, promised, isService: true },
    ...(local && sourceOf(cast.machine(client).addresses[family])),
  }));
}

function toClusterIp(
  cast: RandomCast,
  { shape }: RandomPod,
  nic: RandomNic,
  { family, service }: { readonly family: Family; readonly service: NicService },
): Ask[] {
  const askers = [
    ...cast.nodes.map(({ name }) => ({ ...machineAsks(cast, name), node: name })),
    ...cast.overlayPods.map((other) => ({ ...podAsks(other), node: other.node })),
  ];
  return askers.map(({ node, ...asker }) => ({
    ...asker,
    ...{ to: `ClusterIP ${service.name}`, family, port: SERVICE_PORT, isService: true },
    address: service.clusterIp[family],
    promised: node === shape.node || byNic(shape, nic, 'lan'),
  }));
}

/**
 * Questions from a pod, bound to a NIC's address or unbound. They go to the router on each LAN, both clients, nodes, overlay pods and
 * Services.
 */
function fromPod(
  cast: RandomCast,
  pod: RandomPod,
  { family, services, nic }: About & { readonly nic?: RandomNic },
): Ask[] {
  const { shape } = pod;
  const bind = nic?.addresses[family];
  const asker = bind === undefined ? podAsks(pod) : boundAsker(podAsks(pod), bind);
  const reaches = (network: Network) =>
    nic === undefined ? byAnyNic(shape, family, network) : byNic(shape, nic, network);
  // Packets that leave by the overlay's NIC are masqueraded.
  const source = nic?.shape === undefined ? {} : sourceOf(bind);
  const ask = (to: string, address: string | undefined, promised: boolean, port = MACHINE_PORT): Ask[] =>
    address === undefined ? [] : [{ ...asker, to, family, address, port, promised }];
  const outside = [
    ...lans.flatMap((lan) => ask(`router on ${lan}`, lanPlans[lan].gateway[family], reaches(lan))),
    ...ask('client', cast.machine('client').addresses[family], reaches('outside')),
    ...ask('branch', cast.machine('branch').addresses[family], reaches('branch')),
    ...cast.nodes.flatMap(({ name, address }) =>
      ask(name, address[family], name === shape.node || reaches('lan')),
    ),
  ];
  const isOverlay = nic === undefined ? false : nic.shape === undefined;
  const inside = cast.overlayPods.flatMap(({ name, node, addresses }) => [
    // An overlay pod of another node answers directly over the LAN, but the question reaches it through this pod's node.
    ...ask(name, addresses[family], node === shape.node || isOverlay || throughNode(shape, family), POD_PORT),
    ...(services.get(serviceKey(name, 'eth0')) ?? [])
      .filter(({ local }) => !local)
      .flatMap((service) =>
        ask(`ClusterIP ${service.name}`, service.clusterIp[family], true, SERVICE_PORT).map((each) => ({
          ...each,
          isService: true as const,
        })),
      ),
  ]);
  return [...outside.map((each) => ({ ...each, ...source })), ...inside];
}
