// What a trace on one node cannot see: other nodes and their pods, pods of the overlay, the router. They are derived from the API and from
// the node's own routes, in their usual form, and are marked as assumed.

import {
  type Address,
  type Cidr,
  cidrContains,
  defaultDestination,
  type Family,
  formatAddress,
  hostCidr,
  sameAddress,
} from '#ip';
import { connected, lookUp, type Place, placeOf, routeBy, type Segment, type World } from '#plan/trace';
import { type ClusterFacts, nodeAddresses, podAddresses, podName } from './facts.ts';
import { nodeRules } from './gather.ts';
import { networkOf, networksOf } from './lan-network.ts';
import { type Draft, Sketch } from './sketch.ts';

/** Adds the places that a packet to one of these addresses may pass. `node` is the node that the trace can see. */
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

const ROUTER = 'the router of the LAN';

class Drawing {
  readonly #seen: World;
  readonly #here: Place;
  readonly #facts: ClusterFacts;
  readonly #sketch: Sketch;

  constructor(seen: World, here: Place, facts: ClusterFacts) {
    this.#seen = seen;
    this.#here = here;
    this.#facts = facts;
    this.#sketch = new Sketch(seen);
  }

  world(): World {
    const node = { ...nodeRules(this.#facts), dropsInvalid: true, halfOpenTo: this.#facts.overlayCidrs };
    return this.#sketch.world({ node, pod: {}, machine: {} });
  }

  /** The pod is on this node, on another node, or on the LAN itself. */
  pod(name: string, node: string, addresses: readonly Address[]): void {
    for (const address of addresses) {
      const isOverlay = this.#facts.overlayCidrs.some((cidr) => cidrContains(cidr, address));
      if (node === this.#here.name) this.#behindOwnLink(name, address);
      else if (isOverlay) this.#behindNode(name, node, address);
      else this.#onNetwork(name, 'pod', address, node);
    }
  }

  /** An address that no pod has: it belongs to another node, to a host of the LAN, or to a host behind the router. */
  stranger(address: Address): void {
    const isKnown = (own: readonly { readonly address: Cidr }[]) =>
      own.some((each) => sameAddress(each.address.address, address));
    const places = [
      ...this.#seen.places.map(({ view }) => view.addresses),
      ...this.#sketch.drafts().map((each) => each.addresses),
    ];
    const isService = this.#facts.services.some(({ spec }) =>
      spec?.clusterIPs?.includes(formatAddress(address)),
    );
    if (places.some(isKnown) || isService) return;
    const node = this.#facts.nodes.find((each) => isAmong(nodeAddresses(each), address));
    if (node === undefined) this.#onNetwork(formatAddress(address), 'machine', address);
    else this.#node(node.metadata.name ?? '', address);
  }

  /** A pod of the overlay, on the link that this node's route to the pod names. */
  #behindOwnLink(name: string, address: Address): void {
    const dev = this.#wayTo(address)?.dev;
    const segment = dev === undefined ? undefined : this.#segmentOf(this.#here.name, dev);
    const mac = this.#here.view.links.find((link) => link.name === dev)?.mac;
    if (segment === undefined || mac === undefined) return;
    const draft = this.#sketch.draft(name, 'pod', this.#here.name);
    this.#sketch.link(draft, 'eth0', segment);
    this.#sketch.host(draft, address, mac);
  }

  /** A pod of the overlay on another node. This node reaches it as its own route says: over the LAN or through a tunnel. */
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
    this.#sketch.cable(cable);
    const mac = this.#sketch.mac();
    node.links.push({ name: `the link to ${name}`, mac });
    node.routes.push(routeBy(hostCidr(address), `the link to ${name}`));
    const draft = this.#sketch.draft(name, 'pod', nodeName);
    draft.links.push({ name: 'eth0', mac: this.#sketch.mac() });
    this.#sketch.host(draft, address, mac);
  }

  /** Another node, on the network by which this node reaches it. */
  #node(name: string, address: Address): Draft {
    const known = this.#sketch.find(name);
    const isThere = known?.addresses.some((each) => sameAddress(each.address.address, address));
    return isThere && known !== undefined ? known : this.#onNetwork(name, 'node', address);
  }

  /** Answers come back through the tunnel too. */
  #tunnel(node: Draft, dev: string, gateway: Address): void {
    const segment = this.#segmentOf(this.#here.name, dev);
    const mac = this.#here.view.links.find((link) => link.name === dev)?.mac ?? '';
    if (segment === undefined || node.links.some(({ name }) => name === dev)) return;
    this.#sketch.link(node, dev, segment);
    node.addresses.push({ dev, address: hostCidr(gateway) });
    for (const cidr of this.#facts.overlayCidrs.filter((each) => each.address.family === gateway.family)) {
      this.#sketch.neighbourRoute(node, cidr, dev, mac);
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

  /** A host. Its address is on a network that the trace can see; otherwise the host is behind the router of the LAN. */
  #onNetwork(name: string, kind: Place['kind'], address: Address, node?: string): Draft {
    const draft = this.#sketch.draft(name, kind, node);
    const network = networkOf(this.#seen, address);
    if (network === undefined) {
      this.#behindRouter(draft, address);
      return draft;
    }
    this.#sketch.link(draft, 'lan', network.segment);
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
    const mac = this.#sketch.mac();
    router.links.push({ name: link, mac });
    router.routes.push(routeBy(hostCidr(address), link));
    this.#sketch.cable({
      ports: [
        { place: ROUTER, link },
        { place: draft.name, link: 'eth0' },
      ],
    });
    draft.links.push({ name: 'eth0', mac: this.#sketch.mac() });
    this.#sketch.host(draft, address, mac);
  }

  /** The router has every gateway address that a visible place uses, each on its own network. */
  #router(): Draft {
    const known = this.#sketch.find(ROUTER);
    if (known !== undefined) return known;
    const router = this.#sketch.draft(ROUTER, 'machine', undefined, true);
    for (const { segment, gateway, prefixLength } of networksOf(this.#seen)) {
      if (
        gateway === undefined ||
        router.addresses.some((each) => sameAddress(each.address.address, gateway))
      )
        continue;
      const link = `lan${router.links.length}`;
      this.#sketch.link(router, link, segment);
      const cidr = { address: gateway, prefixLength };
      router.addresses.push({ dev: link, address: cidr });
      router.routes.push(connected(link, cidr));
    }
    return router;
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
}
