// Places under construction: links, addresses and routes are added until a trace can use them.

import { type Address, type Cidr, defaultDestination, hostCidr } from '#ip';
import type { Mac, Neighbour } from '#net';
import {
  type Firewall,
  interfaceAddress,
  type Place,
  type Port,
  routeBy,
  type Segment,
  viewOf,
  type World,
} from '#plan/trace';

const forwarding = new Map([
  ['ipv4/conf/all/forwarding', '1'],
  ['ipv6/conf/all/forwarding', '1'],
]);
/** A place under construction. */
export interface Draft {
  readonly name: string;
  readonly kind: Place['kind'];
  readonly node?: string;
  /** Forwards packets that are not addressed to it. */
  readonly forwards: boolean;
  readonly links: { readonly name: string; readonly mac: Mac }[];
  readonly addresses: { readonly dev: string; readonly address: Cidr }[];
  readonly routes: ReturnType<typeof routeBy>[];
  readonly neighbours: Neighbour[];
}

export class Sketch {
  readonly #seen: World;
  readonly #drafts = new Map<string, Draft>();
  readonly #ports = new Map<Segment, Port[]>();
  readonly #cables: Segment[] = [];
  #macs = 0;

  constructor(seen: World) {
    this.#seen = seen;
  }

  /** The visible places and the assumed ones; `firewalls` is keyed by the kind of place. */
  world(firewalls: Readonly<Record<Place['kind'], Firewall>>): World {
    const segments = this.#seen.segments.map((segment) => ({
      ports: [...segment.ports, ...(this.#ports.get(segment) ?? [])],
    }));
    const drawn = this.drafts().map((draft) => placeOf(draft, firewalls[draft.kind]));
    return { places: [...this.#seen.places, ...drawn], segments: [...segments, ...this.#cables] };
  }

  drafts(): Draft[] {
    return [...this.#drafts.values()];
  }

  find(name: string): Draft | undefined {
    return this.#drafts.get(name);
  }

  /** A separate segment between two places. */
  cable(segment: Segment): void {
    this.#cables.push(segment);
  }

  /** The place with that name; a new one if there is none. */
  draft(name: string, kind: Place['kind'], node?: string, forwards = kind === 'node'): Draft {
    const known = this.#drafts.get(name);
    if (known !== undefined) return known;
    const draft = {
      name,
      kind,
      forwards,
      links: [],
      addresses: [],
      routes: [],
      neighbours: [],
      ...(node !== undefined && { node }),
    };
    this.#drafts.set(name, draft);
    return draft;
  }

  /** On a segment that the trace has seen. */
  link(draft: Draft, name: string, segment: Segment): void {
    if (draft.links.some((link) => link.name === name)) return;
    draft.links.push({ name, mac: this.mac() });
    this.#ports.set(segment, [...(this.#ports.get(segment) ?? []), { place: draft.name, link: name }]);
  }

  /** One address, and a default route through the neighbour that has the MAC. */
  host(draft: Draft, address: Address, mac: Mac): void {
    draft.addresses.push({ dev: 'eth0', address: hostCidr(address) });
    this.neighbourRoute(draft, defaultDestination(address.family), 'eth0', mac);
  }

  neighbourRoute(draft: Draft, destination: Cidr, dev: string, mac: Mac): void {
    // The first address of the documentation networks (RFC 5737, RFC 3849), which nobody has. It stands for the other end of the link.
    const gateway: Address =
      destination.address.family === 4
        ? { family: 4, value: 0xc633_6401n }
        : { family: 6, value: (0x2001_0db8n << 96n) | 1n };
    draft.routes.push(routeBy(destination, dev, gateway));
    draft.neighbours.push({ dev, address: gateway, mac, state: 'permanent' });
  }

  mac(): Mac {
    const number = ++this.#macs;
    return `02:ff:00:00:${(number >> 8).toString(16).padStart(2, '0')}:${(number & 0xff).toString(16).padStart(2, '0')}`;
  }
}

function placeOf(
  { name, kind, node, forwards, links, addresses, routes, neighbours }: Draft,
  firewall: Firewall,
): Place {
  const view = viewOf({
    links,
    addresses: addresses.map(({ dev, address }) => interfaceAddress(dev, address)),
    routes,
    neighbours,
    sysctls: forwards ? forwarding : new Map(),
  });
  return { name, kind, view, firewall, assumed: true, ...(node !== undefined && { node }) };
}
