// Finds the links that are on one segment from the links of all namespaces: by veth pairs, bridges, macvlan parents and
// tunnels.

import type { Link } from '#net';
import type { Port, Segment } from './world.ts';

/** The links of one namespace. A namespace that has only bridges is the lab's own, and only its cables count. */
export interface LinksOf {
  readonly name: string;
  readonly kind: 'pod' | 'node' | 'machine' | 'cables';
  /** The node of a pod. */
  readonly node?: string;
  readonly links: readonly Link[];
}

interface End {
  readonly namespace: LinksOf;
  readonly link: Link;
}

export function segmentsOf(namespaces: readonly LinksOf[]): Segment[] {
  const joined = new Joined();
  for (const [one, other] of pairs(namespaces)) joined.join(segmentKey(one), segmentKey(other));
  for (const child of children(namespaces)) joined.join(keyOf(child.parent), keyOf(child.end));
  for (const [one, other] of tunnels(namespaces)) joined.join(keyOf(one), keyOf(other));
  const ports = new Map<string, Port[]>();
  const all = namespaces.flatMap((namespace) => namespace.links.map((link) => ({ namespace, link })));
  for (const end of all) {
    if (end.link.loopback || end.namespace.kind === 'cables' || end.link.masterIndex !== undefined) continue;
    const key = joined.nameOf(keyOf(end));
    ports.set(key, [...(ports.get(key) ?? []), portOf(end, namespaces)]);
  }
  return [...ports.values()].map((each) => ({ ports: each }));
}

const keyOf = ({ namespace, link }: End) => `${namespace.name} ${link.index}`;

/** A port of a bridge is on the bridge's segment. */
function segmentKey({ namespace, link }: End): string {
  return `${namespace.name} ${link.masterIndex ?? link.index}`;
}

function portOf(end: End, namespaces: readonly LinksOf[]): Port {
  const { namespace, link } = end;
  const parent = parentOf(end, namespaces);
  const port = { place: namespace.name, link: link.name };
  return parent === undefined
    ? port
    : { ...port, below: { place: parent.namespace.name, link: parent.link.name } };
}

/**
 * Veth pairs. Each end has the index of the other, but not its namespace. It only shows which of its links lead to the
 * same namespace. Such a bundle is paired as a whole. Bundles of pods with their node come first.
 */
function pairs(namespaces: readonly LinksOf[]): [End, End][] {
  const pods = namespaces.filter(({ kind }) => kind === 'pod');
  const rest = namespaces.filter(({ kind }) => kind !== 'pod');
  const free = new Set(rest.flatMap(bundles));
  const found: [End, End][] = [];
  for (const bundle of [...pods, ...rest].flatMap(bundles)) {
    const other = [...free].find((each) => isCounterpart(bundle, each));
    if (other === undefined) continue;
    free.delete(other);
    for (const end of bundle) {
      const peer = other.find(({ link }) => isPeer(link, end.link));
      if (peer !== undefined) found.push([end, peer]);
    }
  }
  return found;
}

/** The veths of a namespace, grouped by the namespace that they lead to. */
function bundles(namespace: LinksOf): End[][] {
  const veths = namespace.links.filter(
    ({ kind, linkNetnsId }) => kind === 'veth' && linkNetnsId !== undefined,
  );
  const byTarget = Map.groupBy(veths, ({ linkNetnsId }) => linkNetnsId);
  return [...byTarget.values()].map((links) => links.map((link) => ({ namespace, link })));
}

function isCounterpart(one: readonly End[], other: readonly End[]): boolean {
  const [mine, theirs] = [one[0]?.namespace, other[0]?.namespace];
  if (mine === undefined || theirs === undefined || mine === theirs) return false;
  if (mine.kind === 'pod' && mine.node !== theirs.name) return false;
  return (
    one.length === other.length && one.every(({ link }) => other.some((each) => isPeer(each.link, link)))
  );
}

function isPeer(one: Link, other: Link): boolean {
  return one.index === other.linkIndex && other.index === one.linkIndex;
}

/** An overlay's tunnel has the same name on all nodes: vxlan.calico, tunl0, flannel.1. */
const tunnelKinds = ['vxlan', 'geneve', 'ipip', 'wireguard'];

function tunnels(namespaces: readonly LinksOf[]): [End, End][] {
  const ends = namespaces
    .filter(({ kind }) => kind === 'node')
    .flatMap((namespace) => namespace.links.map((link) => ({ namespace, link })))
    .filter(({ link }) => tunnelKinds.includes(link.kind ?? ''));
  return ends.flatMap((end): [End, End][] => {
    const first = ends.find(({ link }) => link.name === end.link.name && link.kind === end.link.kind);
    return first === undefined || first === end ? [] : [[first, end]];
  });
}

function children(namespaces: readonly LinksOf[]): { end: End; parent: End }[] {
  return namespaces.flatMap((namespace) =>
    namespace.links.flatMap((link) => {
      const end = { namespace, link };
      const parent = parentOf(end, namespaces);
      return parent === undefined ? [] : [{ end, parent }];
    }),
  );
}

/** The node's link that is the parent of a pod's macvlan or ipvlan. */
function parentOf({ namespace, link }: End, namespaces: readonly LinksOf[]): End | undefined {
  if (link.kind !== 'macvlan' && link.kind !== 'ipvlan') return undefined;
  const node = namespaces.find(({ name }) => name === namespace.node);
  const parent = node?.links.find(({ index }) => index === link.linkIndex);
  return node === undefined || parent === undefined ? undefined : { namespace: node, link: parent };
}

/** Names that mean the same segment. Groups join when a pair connects them. */
class Joined {
  readonly #leaders = new Map<string, string>();

  nameOf(name: string): string {
    const leader = this.#leaders.get(name);
    return leader === undefined ? name : this.nameOf(leader);
  }

  join(one: string, other: string): void {
    const [a, b] = [this.nameOf(one), this.nameOf(other)];
    if (a !== b) this.#leaders.set(a, b);
  }
}
