// The node's addresses as the agent knows them, without asking the kernel each time.

import type { Node } from '#api';
import type { Logger } from '#base';
import { type Address, formatAddress } from '#ip';
import type { NetworkNamespace } from '#net';
import { nodeAddresses } from '#plan/network';

export interface NodeFactsParts {
  readonly namespace: NetworkNamespace;
  /** The Node object as the watch last delivered it. */
  readonly node: () => Node | undefined;
  readonly log: Logger;
}

export class NodeFacts {
  readonly #parts: NodeFactsParts;
  #addresses: readonly Address[] | undefined;
  /** The Node object's addresses from which the node's addresses were chosen, as JSON. */
  #seen: string | undefined;
  /** The addresses as the log last reported them. */
  #said: string | undefined;

  constructor(parts: NodeFactsParts) {
    this.#parts = parts;
  }

  /** The node's addresses. The first one of a family is the gateway for what pods send through their node. */
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

  /** The kernel has reported an address change. The next call of {@link addresses} reads all addresses again. */
  renew(): void {
    this.#addresses = undefined;
  }
}
