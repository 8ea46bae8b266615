// The NICs of the node as a pod of type `veth-route` needs them: which one answers for an address, and its MTU.

import type { VethRouteConf } from '#api';
import { OrbError } from '#base';
import { type Address, type Cidr, formatAddress } from '#ip';
import { MAIN_TABLE, type NetworkNamespace } from '#net';
import { defaultNic, holderOf, type NodeSight, type RoutedAddress, uplinkOf } from '#plan/network';

/** The MTU of Ethernet, for a node whose NIC is unknown. */
const USUAL_MTU_BYTES = 1500;

export class NodeNics {
  readonly #sight: NodeSight;
  readonly #conf: VethRouteConf;

  /** Throws INPUT_INVALID if the node has no interface of the configured name. */
  constructor(node: NetworkNamespace, conf: VethRouteConf) {
    this.#sight = {
      links: node.links(),
      addresses: node.addresses(),
      routes: node.routes({ table: MAIN_TABLE }),
    };
    this.#conf = conf;
    const { hostInterface: name } = conf;
    if (name === undefined || this.#sight.links.some((link) => link.name === name)) return;
    throw new OrbError('INPUT_INVALID', {
      message: `hostInterface: ${JSON.stringify(name)} is not an interface of this node`,
      subject: 'veth-route configuration',
    });
  }

  /** The address with the NIC that answers for it. Throws VETH_ROUTE_ADDRESS_ON_NODE. */
  routed(cidr: Cidr): RoutedAddress {
    const { address } = cidr;
    const holder = holderOf(address, this.#sight);
    if (holder === undefined) return { address: cidr, uplink: this.nicOf(address) };
    const text = formatAddress(address);
    throw new OrbError('VETH_ROUTE_ADDRESS_ON_NODE', {
      message: `interface ${holder} of the node has address ${text}, which was given to the pod`,
      subject: text,
    });
  }

  nicOf(address: Address): string | undefined {
    return this.#conf.hostInterface ?? uplinkOf(address, this.#sight);
  }

  isUp(nic: string): boolean {
    return this.#sight.links.some(({ name, up }) => name === nic && up);
  }

  /** The networks of the configured NIC, or of that of the default route. */
  networks(): Cidr[] {
    const nics = this.#usualNics();
    return this.#sight.addresses.filter(({ dev }) => nics.includes(dev)).map(({ address }) => address);
  }

  /** The configured MTU, or the smallest of the NICs. */
  mtuBytes(addresses: readonly RoutedAddress[]): number {
    if (this.#conf.mtu !== 0) return this.#conf.mtu;
    const uplinks = addresses.flatMap(({ uplink }) => uplink ?? []);
    const nics = uplinks.length === 0 ? this.#usualNics() : uplinks;
    const sizes = this.#sight.links.filter(({ name }) => nics.includes(name)).map(({ mtuBytes }) => mtuBytes);
    return sizes.length === 0 ? USUAL_MTU_BYTES : Math.min(...sizes);
  }

  #usualNics(): string[] {
    const { hostInterface } = this.#conf;
    if (hostInterface !== undefined) return [hostInterface];
    return ([4, 6] as const).flatMap((family) => defaultNic(this.#sight, family) ?? []);
  }
}
