// Which of the kernel's events may mean drift: of which pod, or of the node itself.

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

/** Whom the kernel's events concern. */
export interface DriftListener {
  pod(containerId: string): void;
  /** Rules or sysctls of the node. */
  node(): void;
  nodeAddresses(): void;
  /** nftables of the node, our table maybe. */
  nodeRuleset(): void;
  /** Events were lost. */
  everything(): void;
}

/** The veths of pods come and go with every ADD; they never carry an address of the node. */
const POD_LINK = /^(veth|cali|lxc)/;

/**
 * One socket hears the node and every pod (NETLINK_LISTEN_ALL_NSID): a socket in each pod would keep the namespace of a pod that is
 * gone alive, with its address on the LAN.
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

  /** From now on, events of the sandbox, whose namespace this is, and of its links on the node are told. */
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
    // The id, and an overlay's link, may be another pod's by now.
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
        // A tunnel that comes up has sysctls of its own.
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
        // A link that comes tells of its sysctls before its name is known.
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

/** The kernel gives links and takes from them addresses of its own, long after an ADD too. */
function concernsPod(event: NetworkEvent): boolean {
  if (event.kind !== 'address') return true;
  return event.address.scope !== 'link' || event.address.address.address.family === 4;
}
