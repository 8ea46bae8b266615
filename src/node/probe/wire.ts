// The packet sockets of one probe: they receive ARP and neighbour discovery on a NIC, and send frames.

import type { Address } from '#ip';
import {
  type ArpPacket,
  arpAnnouncement,
  arpProbe,
  arpRequest,
  decodeArp,
  decodeNeighbourMessage,
  duplicateProbe,
  multicastMac,
  type NeighbourMessage,
  type NetnsHandle,
  neighbourSolicitation,
  PacketSocket,
  solicitedNode,
  unsolicitedAdvertisement,
} from '#kernel';
import type { Mac } from '#net';
import type { Emission, Sighting } from '#plan/probe';

/** ff02::1: the owner of an address sends its answer to a question from `::` here (RFC 4861, 7.2.4). */
const allNodes: Address = { family: 6, value: (0xff02n << 112n) | 1n };

/** A NIC with a link address, in an open namespace. */
export interface WireOptions {
  readonly netns: NetnsHandle;
  readonly dev: string;
  readonly mac: Mac;
}

/** Opens sockets for the families of the addresses. The caller closes it. */
export class Wire {
  readonly #mac: Mac;
  readonly #arp: PacketSocket | undefined;
  readonly #nd: PacketSocket | undefined;

  constructor({ netns, dev, mac }: WireOptions, addresses: readonly Address[]) {
    this.#mac = mac;
    const [v4, v6] = [4, 6].map((family) => addresses.filter((address) => address.family === family));
    if (v4?.length) this.#arp = new PacketSocket({ netns, dev, protocol: 'arp' });
    if (!v6?.length) return;
    try {
      this.#nd = new PacketSocket({ netns, dev, protocol: 'nd' });
      for (const group of [allNodes, ...v6.map(solicitedNode)]) this.#nd.joinMulticast(multicastMac(group));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Reports each sighting of an address. Errors are those of the link, such as ENETDOWN. */
  listen(saw: (sighting: Sighting) => void, failed: (error: unknown) => void): void {
    const deliver = (sighting: Sighting | undefined) => sighting !== undefined && saw(sighting);
    this.#arp?.listen({ frame: (bytes) => deliver(sightingOfArp(decodeArp(bytes))), error: failed });
    this.#nd?.listen({
      frame: (bytes) => deliver(sightingOfNeighbour(decodeNeighbourMessage(bytes))),
      error: failed,
    });
  }

  /** Reports what has arrived, at once. */
  drain(): void {
    this.#arp?.drain();
    this.#nd?.drain();
  }

  /** Throws the kernel's error if the frame does not leave. */
  send(emission: Emission): void {
    if (emission.kind === 'probe') {
      const { address } = emission;
      if (address.family === 4) this.#arp?.send(arpProbe(this.#mac, address));
      else this.#nd?.send(duplicateProbe(this.#mac, address));
      return;
    }
    const { address, source = { family: address.family, value: 0n } } = emission;
    if (address.family === 4) this.#arp?.send(arpRequest(this.#mac, source, address));
    else this.#nd?.send(neighbourSolicitation(this.#mac, source, address));
  }

  /** Neighbours that have another link address for the address correct it (RFC 5227, 2.3; RFC 4861, 7.2.6). */
  announce(address: Address): void {
    if (address.family === 4) this.#arp?.send(arpAnnouncement(this.#mac, address));
    else this.#nd?.send(unsolicitedAdvertisement(this.#mac, address));
  }

  close(): void {
    this.#arp?.close();
    this.#nd?.close();
  }
}

/** RFC 5227, 2.1.1: every sender uses its address. A request without a sender asks whether the target is free. */
function sightingOfArp(packet: ArpPacket | undefined): Sighting | undefined {
  if (packet === undefined) return undefined;
  const { senderAddress, senderMac: mac } = packet;
  if (senderAddress.value !== 0n) return { kind: 'uses', address: senderAddress, mac };
  return packet.operation === 'request' ? { kind: 'probes', address: packet.targetAddress, mac } : undefined;
}

/** RFC 4862, 5.4.3 and 5.4.4. The option holds the owner's link address; the frame may come through a proxy. */
function sightingOfNeighbour(message: NeighbourMessage | undefined): Sighting | undefined {
  if (message === undefined) return undefined;
  const { source, target, frameSource, mac = frameSource } = message;
  if (message.kind === 'advertisement') return { kind: 'uses', address: target, mac };
  if (source.value !== 0n) return { kind: 'uses', address: source, mac };
  return { kind: 'probes', address: target, mac };
}
