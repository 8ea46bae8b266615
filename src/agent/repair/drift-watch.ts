// Decides which kernel events may mean drift, and whether they concern a pod or the node itself.

import {
  driftFilter,
  monitorNetns,
  NamespaceIds,
  type NetnsHandle,
  type NetworkEvent,
  type NetworkMonitor,
} from '#kernel';
import { ROUTE_PROTOCOL } from '#net';
import { isTunnel } from '#plan/network';

/** What an event of the kernel concerns. */
export interface DriftListener {
  pod(containerId: string): void;
  /** Rules or sysctls of the node changed. */
  node(): void;
  nodeAddresses(): void;
  /** nftables of the node changed, possibly our table. */
  nodeRuleset(): void;
  /** Events were lost. */
  everything(): void;
}

/** The veths of pods appear and disappear with every ADD and DEL. They never carry an address of the node. */
const POD_LINK = /^(veth|cali|lxc)/;

/**
 * One socket receives the events of the node and of every pod (NETLINK_LISTEN_ALL_NSID). A socket in each pod would
 * keep the namespace of a deleted pod alive, with its address on the LAN.
 */
export class DriftWatch {
  readonly #listener: DriftListener;
  readonly #ids: NamespaceIds;
  readonly #monitor: NetworkMonitor;
  readonly #containerById = new Map<number, string>();
  readonly #followed = new Map<string, { readonly id: number; readonly hostLinks: readonly string[] }>();
  readonly #containerByLink = new Map<string, string>();

  constructor(node: NetnsHandle, listener: DriftListener) {
    this.#listener = listener;
    this.#ids = new NamespaceIds(node);
    this.#monitor = monitorNetns(
      node,
      ['link', 'address', 'route', 'rule', 'neighbour', 'configuration', 'ruleset'],
      (event, namespaceId) => this.#tell(event, namespaceId),
      { everywhere: true, filter: driftFilter },
    );
  }

  /** From now on, reports events of the sandbox with this namespace, and of its links on the node. */
  follow(containerId: string, netns: Pick<NetnsHandle, 'fd'>, hostLinks: readonly string[]): void {
    const id = this.#ids.of(netns.fd);
    this.forget(containerId);
    this.#followed.set(containerId, { id, hostLinks });
    this.#containerById.set(id, containerId);
    for (const link of hostLinks) this.#containerByLink.set(link, containerId);
  }

  forget(containerId: string): void {
    const followed = this.#followed.get(containerId);
    if (followed === undefined) return;
    this.#followed.delete(containerId);
    // The namespace id, or the link of the overlay, may belong to another pod by now.
    if (this.#containerById.get(followed.id) === containerId) this.#containerById.delete(followed.id);
    for (const link of followed.hostLinks) {
      if (this.#containerByLink.get(link) === containerId) this.#containerByLink.delete(link);
    }
  }

  close(): void {
    this.#monitor.close();
    this.#ids.close();
  }

  #tell(event: NetworkEvent, namespaceId: number | undefined): void {
    if (event.kind === 'resync') this.#listener.everything();
    else if (namespaceId === undefined) this.#tellOfNode(event);
    else if (concernsPod(event)) this.#tellOfPod(this.#containerById.get(namespaceId));
  }

  #tellOfNode(event: Exclude<NetworkEvent, { kind: 'resync' }>): void {
    const listener = this.#listener;
    switch (event.kind) {
      case 'link':
        // A tunnel that comes up has its own sysctls.
        if (isTunnel(event.link)) listener.node();
        this.#tellOfPod(this.#containerByLink.get(event.link.name));
        break;
      case 'address':
        if (!POD_LINK.test(event.address.dev)) listener.nodeAddresses();
        else if (concernsPod(event)) this.#tellOfPod(this.#containerByLink.get(event.address.dev));
        break;
      case 'route':
        if (isOurs(event.route)) this.#tellOfPod(this.#containerByLink.get(event.route.dev ?? ''));
        break;
      case 'neighbour':
        this.#tellOfPod(this.#containerByLink.get(event.neighbour.dev));
        break;
      case 'ruleset':
        listener.nodeRuleset();
        break;
      case 'rule':
        if (isOurs(event.rule)) listener.node();
        break;
      case 'configuration':
        // The sysctls of a new link are reported before its name is known.
        if (!POD_LINK.test(event.dev) && !/^if\d+$/.test(event.dev)) listener.node();
    }
  }

  #tellOfPod(containerId: string | undefined): void {
    if (containerId !== undefined) this.#listener.pod(containerId);
  }
}

function isOurs({ protocol }: { readonly protocol: number }): boolean {
  return protocol === ROUTE_PROTOCOL;
}

/** Changes of link-local IPv6 addresses do not count: the kernel makes them itself, even long after an ADD. */
function concernsPod(event: NetworkEvent): boolean {
  if (event.kind !== 'address') return true;
  return event.address.scope !== 'link' || event.address.address.address.family === 4;
}
