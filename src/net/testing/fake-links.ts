// The links of a fake namespace. They are made, changed, joined to their peers and moved between namespaces by the
// kernel's rules.

import type { Link, LinkSettings, LinkSpec } from '../objects.ts';
import type { Errno } from './fake-errno.ts';
import type { FakeTables } from './fake-tables.ts';

/** The surroundings of the links. */
export interface FakeLinksOptions {
  /** The artificial descriptor of the namespace. */
  readonly fd: number;
  /** The addresses, routes, rules and neighbours on the links. */
  readonly tables: FakeTables;
  /** The links of another namespace, by its descriptor. */
  readonly abroad: (fd: number) => FakeLinks | undefined;
}

/** A change returns the kernel's error, or undefined if the kernel accepts it. */
export class FakeLinks {
  readonly #options: FakeLinksOptions;
  #links: Link[] = [];
  #nextIndex = 1;
  /** Where links were made on links of this namespace. */
  readonly #madeIn = new Set<FakeLinks>();

  constructor(options: FakeLinksOptions) {
    this.#options = options;
  }

  /** Adds a link, even if the kernel would refuse it. */
  add(link: Partial<Link> & { name: string }): Link {
    const index = this.#nextIndex++;
    const added = { index, mtuBytes: 1500, up: false, carrier: false, loopback: false, ...link };
    this.#links.push(added);
    return added;
  }

  find(name: string): Link | undefined {
    return this.#links.find((link) => link.name === name);
  }

  all(): Link[] {
    return [...this.#links];
  }

  create(spec: LinkSpec): Errno | undefined {
    const { type } = spec;
    const there = type.kind === 'veth' ? this.#namespace(type.peer.netnsFd) : undefined;
    if (type.kind === 'veth' && there === undefined) return 'EINVAL';
    const home = this.#namespace(spec.netnsFd);
    if (home === undefined) return 'EINVAL';
    // The kernel before 6.14 looks here also for the name of a link that is made elsewhere.
    if (this.find(spec.name) !== undefined || home.find(spec.name) !== undefined) return 'EEXIST';
    if (type.kind === 'veth' && there?.find(type.peer.name) !== undefined) return 'EEXIST';
    const parent = 'parent' in type && type.parent !== undefined ? this.find(type.parent) : undefined;
    if ('parent' in type && type.parent !== undefined && parent === undefined) return 'ENODEV';
    if (type.kind === 'vlan' && this.#vlansOn(parent).some(({ vlanId }) => vlanId === type.vlanId))
      return 'EEXIST';
    const up = spec.up === true;
    this.#madeIn.add(home);
    const made = home.add({
      ...(sharing.includes(type.kind) && parent?.mac !== undefined && { mac: parent.mac }),
      ...linkFields(spec),
      name: spec.name,
      kind: type.kind,
      up,
      carrier: up,
      ...(type.kind === 'vlan' && { vlanId: type.vlanId }),
      ...(type.kind === 'bond' && { bondMode: type.mode }),
      ...(parent !== undefined && { linkIndex: parent.index }),
      ...(parent !== undefined && home !== this && { linkNetnsId: this.#options.fd }),
    });
    if (type.kind === 'veth' && there !== undefined) {
      const far = there.add({ ...linkFields(type.peer), name: type.peer.name, kind: 'veth' });
      home.#join(made, far, there);
    }
    return spec.master === undefined ? undefined : this.set({ name: spec.name, master: spec.master });
  }

  set({ name, newName, up, master, alias, netnsFd, ...rest }: LinkSettings): Errno | undefined {
    const link = this.find(name);
    const masterIndex = typeof master === 'string' ? this.find(master)?.index : undefined;
    if (link === undefined || (typeof master === 'string' && masterIndex === undefined)) return 'ENODEV';
    if (newName !== undefined && this.find(newName) !== undefined) return 'EEXIST';
    if (link.kind === 'ipvlan' && rest.mac !== undefined) return 'EOPNOTSUPP';
    if (link.up && this.#links.find(({ index }) => index === masterIndex)?.kind === 'bond') return 'EPERM';
    const there = this.#namespace(netnsFd);
    if (there === undefined) return 'EINVAL';
    this.#replace(link, {
      ...linkFields(rest),
      ...(up !== undefined && { up, carrier: up }),
      ...(alias !== undefined && { alias }),
      ...(masterIndex !== undefined && { masterIndex }),
    });
    if (master === null) this.#leaveMaster(link.index);
    if (newName !== undefined) this.#rename(link, newName);
    const { tables } = this.#options;
    if (there !== this) this.#move(link.index, there);
    else if (up === true && !link.up) tables.linkUp(newName ?? name);
    else if (up === false) tables.linkDown(newName ?? name);
    return undefined;
  }

  /** A veth is deleted with its peer. Links on top of a deleted link are deleted too. Ports of a master stay. */
  delete(name: string): Errno | undefined {
    const link = this.find(name);
    if (link === undefined) return 'ENODEV';
    for (const child of this.#childrenOf(link)) this.delete(child.name);
    for (const port of this.#links.filter(({ masterIndex }) => masterIndex === link.index))
      this.#leaveMaster(port.index);
    this.#drop(link);
    if (link.kind !== 'veth') return undefined;
    const peer = this.#peerOf(link);
    if (peer !== undefined) peer.links.#drop(peer.link);
    return undefined;
  }

  /** Only in this namespace. */
  #childrenOf(parent: Link | undefined): Link[] {
    return this.#links.filter(
      ({ kind, linkIndex, linkNetnsId }) =>
        kind !== 'veth' &&
        linkNetnsId === undefined &&
        linkIndex !== undefined &&
        linkIndex === parent?.index,
    );
  }

  /** In all namespaces. */
  #vlansOn(parent: Link | undefined): Link[] {
    const abroad = [...this.#madeIn]
      .flatMap((home) => home.all())
      .filter(
        ({ linkIndex, linkNetnsId }) => linkNetnsId === this.#options.fd && linkIndex === parent?.index,
      );
    return [...this.#childrenOf(parent), ...abroad];
  }

  #namespace(fd: number | undefined): FakeLinks | undefined {
    return fd === undefined ? this : this.#options.abroad(fd);
  }

  #join(near: Link, far: Link, there: FakeLinks): void {
    const abroad = there !== this;
    this.#replace(near, {
      linkIndex: far.index,
      ...(abroad && { linkNetnsId: there.#options.fd }),
    });
    there.#replace(far, { linkIndex: near.index, ...(abroad && { linkNetnsId: this.#options.fd }) });
  }

  #peerOf(veth: Link): { links: FakeLinks; link: Link } | undefined {
    const links = this.#namespace(veth.linkNetnsId);
    const link = links?.all().find((each) => each.index === veth.linkIndex);
    return links === undefined || link === undefined ? undefined : { links, link };
  }

  #replace(link: Link, fields: Partial<Link>): void {
    this.#links = this.#links.map((each) => (each.index === link.index ? { ...each, ...fields } : each));
  }

  #leaveMaster(index: number): void {
    this.#links = this.#links.map((link) => {
      const { masterIndex, ...free } = link;
      return link.index === index && masterIndex !== undefined ? free : link;
    });
  }

  #rename(link: Link, newName: string): void {
    this.#replace(link, { name: newName });
    this.#options.tables.linkRenamed(link.name, newName);
  }

  #move(index: number, there: FakeLinks): void {
    const link = this.#links.find((each) => each.index === index);
    if (link === undefined) return;
    this.#drop(link);
    const { index: _, ...fields } = link;
    const moved = there.add({ ...fields, up: false, carrier: false });
    const peer = link.kind === 'veth' ? this.#peerOf(link) : undefined;
    if (peer !== undefined) peer.links.#join(peer.link, moved, there);
  }

  #drop({ index, name }: Link): void {
    this.#links = this.#links.filter((each) => each.index !== index);
    this.#options.tables.linkGone(name);
  }
}

/** Kinds of links that start with the MAC address of their parent. */
const sharing: readonly string[] = ['vlan', 'ipvlan'];

/** The fields that a specification and a link have in common. */
function linkFields({
  mac,
  mtuBytes,
  txQueueLength,
}: Pick<LinkSpec, 'mac' | 'mtuBytes' | 'txQueueLength'>): Partial<Link> {
  return {
    ...(mac !== undefined && { mac }),
    ...(mtuBytes !== undefined && { mtuBytes }),
    ...(txQueueLength !== undefined && { txQueueLength }),
  };
}
