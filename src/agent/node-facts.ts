// What the agent knows of its own node without asking the kernel each time: the node's addresses.

import type { Node } from '#api';
import type { Logger } from '#base';
import { type Address, formatAddress } from '#ip';
import type { NetworkNamespace } from '#net';
import { nodeAddresses } from '#plan/network';

export interface NodeFactsParts {
  readonly namespace: NetworkNamespace;
  /** The Node object as the watch last showed it. */
  readonly node: () => Node | undefined;
  readonly log: Logger;
}

export class NodeFacts {
  readonly #parts: NodeFactsParts;
  #addresses: readonly Address[] | undefined;
  /** The version of the Node object that the addresses were chosen with. */
  #seen: string | undefined;
  /** What the log says of them. */
  #said: string | undefined;

  constructor(parts: NodeFactsParts) {
    this.#parts = parts;
  }

  /** The node's addresses; the first of a family is the gateway of what pods send through their node. */
  addresses(): readonly Address[] {
    const { namespace, node, log } = this.#parts;
    const object = node();
    const seen = JSON.stringify(object?.status?.addresses);
    if (this.#addresses !== undefined && this.#seen === seen) return this.#addresses;
    this.#seen = seen;
    this.#addresses = nodeAddresses(namespace.links(), namespace.addresses(), object);
    const said = this.#addresses.map(formatAddress).join(' ');
    if (said !== this.#said) log.info({ addresses: said.split(' ') }, 'addresses of the node');
    this.#said = said;
    return this.#addresses;
  }

  /** The kernel has told of an address: all are read again when next asked for. */
  renew(): void {
    this.#addresses = undefined;
  }
}
