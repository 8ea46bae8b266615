// The path of every packet where an overlay and an underlay meet, with the correct source addresses at its end.

import {
  type Actor,
  type Cast,
  type NodeActor,
  nodePorts,
  type PodActor,
  type Sort,
  sorts,
} from './actors.ts';
import type { NodeName } from './cluster.ts';
import { serverPort } from './places.ts';
import { type Cell, familyOf } from './reach.ts';

/** One row: cells between the same sorts of places. */
export interface Way {
  readonly title: string;
  readonly cells: readonly Cell[];
}

export interface Circumstances {
  readonly families: readonly (4 | 6)[];
  /** Packets that leave the overlay get the address of the pod's node. */
  readonly natOutgoing: boolean;
  /** Packets that enter the overlay from elsewhere get the address of the node where they enter, if they go on to another node. */
  readonly natIncoming: boolean;
}

/** The addresses at which a pod is reached: X has two. */
const targets = [
  { title: 'C', sort: 'C', at: 'overlay' },
  { title: 'M', sort: 'M', at: 'underlay' },
  { title: "X's overlay address", sort: 'X', at: 'overlay' },
  { title: "X's underlay address", sort: 'X', at: 'underlay' },
] as const;

type Target = (typeof targets)[number];

const protocolsOfPods = ['icmp', 'tcp', 'udp'] as const;
const protocolsOfServices = ['tcp', 'udp'] as const;

export function everyWay(cast: Cast, circumstances: Circumstances): Way[] {
  return [
    ...sorts.flatMap((sort) => podWays(cast, circumstances, sort)),
    ...boundWays(cast, circumstances),
    ...nodeWays(cast, circumstances),
    ...clientWays(cast, circumstances),
    ...sorts.flatMap((sort) => serviceWays(cast, circumstances, sort)),
    ...nodePortWays(cast, circumstances),
    ...nodePortWaysOfPods(cast, circumstances),
  ];
}

/** The same paths when a policy forbids them. */
export function forbidden(ways: readonly Way[], reason: string): Way[] {
  return ways.map(({ title, cells: open }) => ({
    title: `${title}: impossible, because ${reason}`,
    cells: open.map((cell) => ({ ...cell, impossible: reason })),
  }));
}

function podWays(cast: Cast, circumstances: Circumstances, sort: Sort): Way[] {
  return targets.flatMap((target) =>
    (['the same', 'another'] as const).map((where) => ({
      title: `${sort} to ${target.title} of ${where} node`,
      cells: firstPods(cast, sort).flatMap((from) => {
        const to = podOf(
          cast,
          target.sort,
          (pod) => pod !== from && (pod.node === from.node) === (where === 'the same'),
        );
        return cells(circumstances, {
          from,
          to,
          addresses: to[target.at],
          sources: sourcesOfPod(cast, circumstances, from, target, where),
        });
      }),
    })),
  );
}

/**
 * The pod's own address. Within the overlay it is the overlay address, else the underlay address where the pod has one.
 * The overlay may translate it.
 */
function sourcesOfPod(
  cast: Cast,
  { natOutgoing, natIncoming }: Circumstances,
  from: PodActor,
  { at }: Target,
  where: 'the same' | 'another',
): readonly string[] {
  const nodes = nodeOf(cast, from.node).addresses;
  if (from.sort === 'M')
    return natIncoming && at === 'overlay' && where === 'another' ? nodes : from.underlay;
  if (at === 'overlay') return from.overlay;
  if (from.sort === 'X') return from.underlay;
  return natOutgoing ? nodes : from.overlay;
}

/** A socket of X that is bound to its underlay address sends into the overlay through eth0. The answer returns through net1. */
function boundWays(cast: Cast, circumstances: Circumstances): Way[] {
  return (['the same', 'another'] as const).map((where) => ({
    title: `X by its underlay address to C of ${where} node`,
    cells: firstPods(cast, 'X').flatMap((from) => {
      const to = podOf(cast, 'C', (pod) => (pod.node === from.node) === (where === 'the same'));
      const isTranslated = circumstances.natIncoming && where === 'another';
      const sources = isTranslated ? nodeOf(cast, from.node).addresses : from.underlay;
      return cells(circumstances, { from, to, addresses: to.overlay, sources, bind: from.underlay });
    }),
  }));
}

/** Connections from a kubelet, and from other nodes. */
function nodeWays(cast: Cast, circumstances: Circumstances): Way[] {
  return targets.flatMap((target) =>
    (['its own', 'another'] as const).map((where) => ({
      title: `node to ${target.title} of ${where} node`,
      cells: cast.nodes.flatMap((from) => {
        const to = podOf(cast, target.sort, (pod) => (pod.node === from.node) === (where === 'its own'));
        return cells(circumstances, { from, to, addresses: to[target.at], sources: from.addresses });
      }),
    })),
  );
}

/** A host behind a router uses the addresses of the underlay. */
function clientWays({ client, pods, nodes }: Cast, circumstances: Circumstances): Way[] {
  return targets
    .filter(({ at }) => at === 'underlay')
    .map(({ title, sort }) => ({
      title: `client to ${title}`,
      cells: nodes.flatMap(({ node }) => {
        const to = podOf({ pods }, sort, (pod) => pod.node === node);
        const { addresses } = client;
        return cells(circumstances, {
          from: client,
          to,
          addresses: to.underlay,
          sources: addresses,
          bind: addresses,
        });
      }),
    }));
}

function serviceWays(cast: Cast, circumstances: Circumstances, of: Sort): Way[] {
  return sorts.map((sort) => ({
    title: `${sort} to the Service of ${of}`,
    cells: firstPods(cast, sort).flatMap((from) => {
      const own = sort === 'M' ? from.underlay : from.overlay;
      const sources = [...own, ...nodeOf(cast, from.node).addresses];
      const to = { name: `Service ${of}` };
      const asked = { from, to, addresses: cast.services[of], sources, port: 80 };
      return severalTimes(() => cells(circumstances, asked));
    }),
  }));
}

/** At the client's node and at another node. kube-proxy replaces the client's address with that of the node that it connects to. */
function nodePortWaysOfPods(cast: Cast, circumstances: Circumstances): Way[] {
  return sorts.flatMap((of) =>
    sorts.map((sort) => ({
      title: `${sort} to the NodePort of ${of}`,
      cells: firstPods(cast, sort).flatMap((from) =>
        cast.nodes.flatMap((node) => {
          const to = { name: `NodePort of ${node.name}` };
          const port = nodePorts[of][0];
          const asked = { from, to, addresses: node.internal, sources: node.addresses, port };
          return cells(circumstances, asked);
        }),
      ),
    })),
  );
}

function nodePortWays(cast: Cast, circumstances: Circumstances): Way[] {
  const { client, nodes } = cast;
  return sorts.flatMap((sort) =>
    (['Cluster', 'Local'] as const).map((policy, i) => ({
      title: `client to the NodePort of ${sort}, policy ${policy}`,
      cells: nodes.flatMap((node) => {
        const sources = policy === 'Local' ? client.addresses : node.addresses;
        const to = { name: `NodePort of ${node.name}` };
        const port = nodePorts[sort][i] ?? 0;
        const asked = { from: client, to, addresses: node.internal, sources, port };
        return severalTimes(() => cells(circumstances, asked));
      }),
    })),
  );
}

interface Asked {
  readonly from: Actor;
  readonly to: { readonly name: string };
  readonly addresses: readonly string[];
  readonly sources: readonly string[];
  /** The port of a Service. Pods are reached at their own port, and by ICMP too. */
  readonly port?: number;
  /** The addresses to which the client's sockets are bound. */
  readonly bind?: readonly string[];
}

function cells({ families }: Circumstances, { from, to, addresses, sources, port, bind }: Asked): Cell[] {
  return addresses
    .filter((address) => families.includes(familyOf(address)))
    .flatMap((address) => {
      const ofFamily = (list: readonly string[]) => list.filter((one) => familyOf(one) === familyOf(address));
      const [bound] = ofFamily(bind ?? []);
      const protocols = port === undefined ? protocolsOfPods : protocolsOfServices;
      return protocols.map((protocol) => ({
        from,
        to,
        protocol,
        address,
        port: protocol === 'icmp' ? 0 : (port ?? serverPort),
        sources: ofFamily(sources),
        ...(bound !== undefined && { bind: bound }),
      }));
    });
}

/** kube-proxy picks an endpoint each time, so repeat to reach several. */
function severalTimes(make: () => Cell[]): Cell[] {
  return [1, 2, 3].flatMap(make);
}

function firstPods({ pods, nodes }: Cast, sort: Sort): PodActor[] {
  return nodes.map(({ node }) => podOf({ pods }, sort, (pod) => pod.node === node));
}

function podOf({ pods }: Pick<Cast, 'pods'>, sort: Sort, fits: (pod: PodActor) => boolean): PodActor {
  const pod = pods.find((one) => one.sort === sort && fits(one));
  if (pod === undefined) throw new Error(`no pod of sort ${sort} runs where the way needs one`);
  return pod;
}

function nodeOf({ nodes }: Cast, name: NodeName): NodeActor {
  const node = nodes.find((one) => one.node === name);
  if (node === undefined) throw new Error(`there is no ${name}`);
  return node;
}
