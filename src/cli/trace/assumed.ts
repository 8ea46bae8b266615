// What a trace on one node cannot look into: other nodes, their pods, pods of the overlay, the router. Drawn from the API and
// from the node's own routes as such places usually are, and marked as assumed.

import {
  type Address,
  type Cidr,
  cidrContains,
  defaultDestination,
  type Family,
  formatAddress,
  hostCidr,
  networkOf,
  sameAddress,
} from '#ip';
import type { Mac, Neighbour } from '#net';
import {
  connected,
  interfaceAddress,
  lookUp,
  type Place,
  type Port,
  placeOf,
  routeBy,
  type Segment,
  viewOf,
  type World,
} from '#plan/trace';
import { type ClusterFacts, nodeAddresses, podAddresses, podName } from './facts.ts';
import { nodeRules } from './gather.ts';

/** Adds the places that a packet to one of these addresses may meet. `node` is the one that was looked into. */
export function withAssumed(
  world: World,
  node: string,
  facts: ClusterFacts,
  destinations: readonly Address[],
): World {
  const here = placeOf(world, node);
  if (here === undefined) return world;
  const drawing = new Drawing(world, here, facts);
  for (const pod of facts.pods) {
    if (pod.spec?.hostNetwork === true || placeOf(world, podName(pod)) !== undefined) continue;
    const wanted = podAddresses(pod).filter((address) => isAmong(destinations, address));
    if (wanted.length > 0) drawing.pod(podName(pod), pod.spec?.nodeName ?? '', wanted);
  }
  for (const address of destinations) drawing.stranger(address);
  return drawing.world();
}

function isAmong(addresses: readonly Address[], address: Address): boolean {
  return addresses.some((each) => sameAddress(each, address));
}

const FORWARDING = new Map([
  ['ipv4/conf/all/forwarding', '1'],
  ['ipv6/conf/all/forwarding', '1'],
]);
const ROUTER = 'the router of the LAN';

/** A place while it is being drawn. */
interface Draft {
  readonly name: string;
  readonly kind: Place['kind'];
  readonly node?: string;
  readonly links: { readonly name: string; readonly mac: Mac }[];
  readonly addresses: { readonly dev: string; readonly address: Cidr }[];
  readonly routes: ReturnType<typeof routeBy>[];
  readonly neighbours: Neighbour[];
}

class Drawing {
  readonly #seen: World;
  readonly #here: Place;
  readonly #facts: ClusterFacts;
  readonly #drafts = new Map<string, Draft>();
  readonly #ports = new Map<Segment, Port[]>();
  readonly #cables: Segment[] = [];
  #macs = 0;

  constructor(seen: World, here: Place, facts: ClusterFacts) {
    this.#seen = seen;
    this.#here = here;
    this.#facts = facts;
  }

  world(): World {
    const segments = this.#seen.segments.map((segment) => ({
      ports: [...segment.ports, ...(this.#ports.get(segment) ?? [])],
    }));
    const drafts = [...this.#drafts.values()].map((draft) => this.#placeOf(draft));
    return { places: [...this.#seen.places, ...drafts], segments: [...segments, ...this.#cables] };
  }

  /** On this node, on another, or on the LAN itself. */
  pod(name: string, node: string, addresses: readonly Address[]): void {
    for (const address of addresses) {
      const isOverlay = this.#facts.overlayCidrs.some((cidr) => cidrContains(cidr, address));
      if (node === this.#here.name) this.#behindOwnLink(name, address);
      else if (isOverlay) this.#behindNode(name, node, address);
      else this.#onNetwork(name, 'pod', address, node);
    }
  }

  /** An address that no pod has: another node's, one of the LAN, or one behind the router. */
  stranger(address: Address): void {
    const isKnown = (own: readonly { readonly address: Cidr }[]) =>
      own.some((each) => sameAddress(each.address.address, address));
    const places = [
      ...this.#seen.places.map(({ view }) => view.addresses),
      ...[...this.#drafts.values()].map((each) => each.addresses),
    ];
    const isService = this.#facts.services.some(({ spec }) =>
      spec?.clusterIPs?.includes(formatAddress(address)),
    );
    if (places.some(isKnown) || isService) return;
    const node = this.#facts.nodes.find((each) => isAmong(nodeAddresses(each), address));
    if (node === undefined) this.#onNetwork(formatAddress(address), 'machine', address);
    else this.#node(node.metadata.name ?? '', address);
  }

  /** A pod of the overlay, on the link that this node's route to it names. */
  #behindOwnLink(name: string, address: Address): void {
    const dev = this.#wayTo(address)?.dev;
    const segment = dev === undefined ? undefined : this.#segmentOf(this.#here.name, dev);
    const mac = this.#here.view.links.find((link) => link.name === dev)?.mac;
    if (segment === undefined || mac === undefined) return;
    const draft = this.#draft(name, 'pod', this.#here.name);
    this.#link(draft, 'eth0', segment);
    this.#host(draft, address, mac);
  }

  /** A pod of the overlay on another node, which this node reaches as its route says: by the LAN or by a tunnel. */
  #behindNode(name: string, nodeName: string, address: Address): void {
    const way = this.#wayTo(address);
    const own = this.#facts.nodes.find(({ metadata }) => metadata.name === nodeName);
    const at =
      own === undefined ? undefined : nodeAddresses(own).find(({ family }) => family === address.family);
    if (way?.dev === undefined || at === undefined) return;
    const node = this.#node(nodeName, at);
    if (way.gateway !== undefined && !sameAddress(way.gateway, at)) this.#tunnel(node, way.dev, way.gateway);
    else this.#unencapsulated(node, address.family);
    const cable: Segment = {
      ports: [
        { place: nodeName, link: `the link to ${name}` },
        { place: name, link: 'eth0' },
      ],
    };
    this.#cables.push(cable);
    const mac = this.#mac();
    node.links.push({ name: `the link to ${name}`, mac });
    node.routes.push(routeBy(hostCidr(address), `the link to ${name}`));
    const draft = this.#draft(name, 'pod', nodeName);
    draft.links.push({ name: 'eth0', mac: this.#mac() });
    this.#host(draft, address, mac);
  }

  /** Another node: on the network that this one reaches it by. */
  #node(name: string, address: Address): Draft {
    const known = this.#drafts.get(name);
    const isThere = known?.addresses.some((each) => sameAddress(each.address.address, address));
    return isThere && known !== undefined ? known : this.#onNetwork(name, 'node', address);
  }

  /** Answers come back by the tunnel too. */
  #tunnel(node: Draft, dev: string, gateway: Address): void {
    const segment = this.#segmentOf(this.#here.name, dev);
    const mac = this.#here.view.links.find((link) => link.name === dev)?.mac ?? '';
    if (segment === undefined || node.links.some(({ name }) => name === dev)) return;
    this.#link(node, dev, segment);
    node.addresses.push({ dev, address: hostCidr(gateway) });
    for (const cidr of this.#facts.overlayCidrs.filter((each) => each.address.family === gateway.family)) {
      this.#neighbourRoute(node, cidr, dev, mac);
    }
  }

  /** Answers to pods of this node come back over the LAN. */
  #unencapsulated(node: Draft, family: Family): void {
    const own = this.#facts.nodes.find(({ metadata }) => metadata.name === this.#here.name);
    const gateway = own === undefined ? undefined : nodeAddresses(own).find((each) => each.family === family);
    if (gateway === undefined) return;
    for (const cidr of this.#facts.overlayCidrs.filter((each) => each.address.family === family)) {
      node.routes.push(routeBy(cidr, 'lan', gateway));
    }
  }

  /** A host whose address is of a network that is in sight, or else one behind the router of the LAN. */
  #onNetwork(name: string, kind: Place['kind'], address: Address, node?: string): Draft {
    const draft = this.#draft(name, kind, node);
    const network = this.#networkOf(address);
    if (network === undefined) {
      this.#behindRouter(draft, address);
      return draft;
    }
    this.#link(draft, 'lan', network.segment);
    const cidr = { address, prefixLength: network.prefixLength };
    draft.addresses.push({ dev: 'lan', address: cidr });
    draft.routes.push(connected('lan', cidr));
    if (network.gateway !== undefined) {
      draft.routes.push(routeBy(defaultDestination(address.family), 'lan', network.gateway));
      this.#router();
    }
    return draft;
  }

  #behindRouter(draft: Draft, address: Address): void {
    const link = `the link to ${draft.name}`;
    const router = this.#router();
    const mac = this.#mac();
    router.links.push({ name: link, mac });
    router.routes.push(routeBy(hostCidr(address), link));
    this.#cables.push({
      ports: [
        { place: ROUTER, link },
        { place: draft.name, link: 'eth0' },
      ],
    });
    draft.links.push({ name: 'eth0', mac: this.#mac() });
    this.#host(draft, address, mac);
  }

  /** Has every gateway that somebody in sight has, each on its network. */
  #router(): Draft {
    const known = this.#drafts.get(ROUTER);
    if (known !== undefined) return known;
    const router = this.#draft(ROUTER, 'machine');
    for (const { segment, gateway, prefixLength } of this.#networks()) {
      if (
        gateway === undefined ||
        router.addresses.some((each) => sameAddress(each.address.address, gateway))
      )
        continue;
      const link = `lan${router.links.length}`;
      this.#link(router, link, segment);
      const cidr = { address: gateway, prefixLength };
      router.addresses.push({ dev: link, address: cidr });
      router.routes.push(connected(link, cidr));
    }
    return router;
  }

  #networkOf(address: Address) {
    return this.#networks().find(({ network }) => network.prefixLength > 0 && cidrContains(network, address));
  }

  /** The networks of the LANs in sight, with their gateways as hosts there name them. */
  #networks() {
    return this.#seen.segments
      .flatMap((segment) =>
        segment.ports.flatMap(({ place, link }) => {
          const view = placeOf(this.#seen, place)?.view;
          const own = view?.addresses.filter(({ dev, scope }) => dev === link && scope === 'global') ?? [];
          return own
            .filter(({ address }) => address.prefixLength < hostCidr(address.address).prefixLength)
            .map(({ address }) => {
              const gateways =
                view?.routes.filter(
                  ({ dev, destination }) => dev === link && destination.prefixLength === 0,
                ) ?? [];
              const gateway = gateways.find(
                (route) => route.gateway?.family === address.address.family,
              )?.gateway;
              return { segment, network: networkOf(address), prefixLength: address.prefixLength, gateway };
            });
        }),
      )
      .toSorted((a, b) => Number(b.gateway !== undefined) - Number(a.gateway !== undefined));
  }

  #wayTo(address: Address) {
    const way = lookUp(this.#here.view, { destination: address, mark: 0 });
    return way.outcome === 'found' ? way.hops[0] : undefined;
  }

  #segmentOf(place: string, link: string): Segment | undefined {
    return this.#seen.segments.find(({ ports }) =>
      ports.some((port) => port.place === place && port.link === link),
    );
  }

  #draft(name: string, kind: Place['kind'], node?: string): Draft {
    const known = this.#drafts.get(name);
    if (known !== undefined) return known;
    const draft = {
      name,
      kind,
      links: [],
      addresses: [],
      routes: [],
      neighbours: [],
      ...(node !== undefined && { node }),
    };
    this.#drafts.set(name, draft);
    return draft;
  }

  #link(draft: Draft, name: string, segment: Segment): void {
    if (draft.links.some((link) => link.name === name)) return;
    draft.links.push({ name, mac: this.#mac() });
    this.#ports.set(segment, [...(this.#ports.get(segment) ?? []), { place: draft.name, link: name }]);
  }

  /** One address, and everything else through the neighbour that has the MAC. */
  #host(draft: Draft, address: Address, mac: Mac): void {
    draft.addresses.push({ dev: 'eth0', address: hostCidr(address) });
    this.#neighbourRoute(draft, defaultDestination(address.family), 'eth0', mac);
  }

  #neighbourRoute(draft: Draft, destination: Cidr, dev: string, mac: Mac): void {
    // The first address of documentation networks (RFC 5737, RFC 3849), which nobody has: a name for the other end of the link.
    const gateway: Address =
      destination.address.family === 4
        ? { family: 4, value: 0xc633_6401n }
        : { family: 6, value: (0x2001_0db8n << 96n) | 1n };
    draft.routes.push(routeBy(destination, dev, gateway));
    draft.neighbours.push({ dev, address: gateway, mac, state: 'permanent' });
  }

  #mac(): Mac {
    const number = ++this.#macs;
    return `02:ff:00:00:${(number >> 8).toString(16).padStart(2, '0')}:${(number & 0xff).toString(16).padStart(2, '0')}`;
  }

  #placeOf({ name, kind, node, links, addresses, routes, neighbours }: Draft): Place {
    const isNode = kind === 'node';
    const isRouter = isNode || name === ROUTER;
    const view = viewOf({
      links,
      addresses: addresses.map(({ dev, address }) => interfaceAddress(dev, address)),
      routes,
      neighbours,
      sysctls: isRouter ? FORWARDING : new Map(),
    });
    const firewall = isNode
      ? { ...nodeRules(this.#facts), dropsInvalid: true, halfOpenTo: this.#facts.overlayCidrs }
      : {};
    return { name, kind, view, firewall, assumed: true, ...(node !== undefined && { node }) };
  }
}
