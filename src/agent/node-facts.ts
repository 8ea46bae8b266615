// What the agent knows of its own node without asking the kernel each time: the node's addresses, renewed by its events.

import type { Node } from '#api';
import type { Logger } from '#base';
import { type Address, formatAddress } from '#ip';
import { monitorNetns, type NetworkEvent, type NetworkMonitor, openNetns } from '#kernel';
import type { NetworkNamespace } from '#net';
import { nodeAddresses } from '#plan/network';

export interface NodeFactsParts {
  readonly namespace: NetworkNamespace;
  /** The Node object as the watch last showed it. */
  readonly node: () => Node | undefined;
  readonly log: Logger;
}

/** The veths of pods come and go with every ADD; they never carry an address of the node. */
const POD_LINK = /^(veth|cali|lxc)/;

export class NodeFacts {
  readonly #parts: NodeFactsParts;
  readonly #monitor: NetworkMonitor;
  #addresses: readonly Address[] | undefined;
  /** The version of the Node object that the addresses were chosen with. */
  #seen: string | undefined;

  constructor(parts: NodeFactsParts) {
    this.#parts = parts;
    using netns = openNetns('current');
    this.#monitor = monitorNetns(netns, ['address'], (event) => this.#noted(event));
  }

  /** The node's addresses; the first of a family is the gateway of what pods send through their node. */
  addresses(): readonly Address[] {
    const { namespace, node, log } = this.#parts;
    const object = node();
    const seen = JSON.stringify(object?.status?.addresses);
    if (this.#addresses !== undefined && this.#seen === seen) return this.#addresses;
    this.#seen = seen;
    this.#addresses = nodeAddresses(namespace.links(), namespace.addresses(), object);
    log.info({ addresses: this.#addresses.map(formatAddress) }, 'addresses of the node');
    return this.#addresses;
  }

  close(): void {
    this.#monitor.close();
  }

  #noted(event: NetworkEvent): void {
    if (event.kind === 'address' && POD_LINK.test(event.address.dev)) return;
    this.#addresses = undefined;
  }
}
