// A packet socket on one interface of a namespace: complete Ethernet frames of one protocol, through the event loop
// (packet(7)).

import type { Mac } from '#net';
import { ETH_P_ARP, ETH_P_IPV6, macBytes } from './ethernet.ts';
import {
  attachFilter,
  bindSocket,
  closeFd,
  closeFdElsewhere,
  interfaceIndex,
  openSocket,
  receiveDatagram,
  sendDatagram,
  setSocketOption,
  type Watch,
  watchReadable,
} from './ffi/index.ts';
import { inNetns, type NetnsHandle } from './netns.ts';
import { assemble, DROP, jumpIfEqual, KEEP, loadByte } from './socket-filter.ts';

const AF_PACKET = 17;
const SOCK_RAW = 3;

/** Of IPv6, keeps only ICMPv6 neighbour solicitations and advertisements. */
const neighbourDiscoveryOnly = assemble([
  loadByte(14 + 6), // next header
  jumpIfEqual(58, { no: DROP }), // ICMPv6
  loadByte(14 + 40), // ICMPv6 type
  jumpIfEqual(135, { yes: KEEP }), // solicitation
  jumpIfEqual(136, { yes: KEEP, no: DROP }), // advertisement
]);

export interface PacketSocketOptions {
  readonly netns: NetnsHandle;
  readonly dev: string;
  readonly protocol: 'arp' | 'nd';
}

/** Receives frames and errors. ENETDOWN comes when the interface goes down. Frames come again when it is up. */
export interface PacketListener {
  frame(bytes: Uint8Array): void;
  error(error: unknown): void;
}

export class PacketSocket {
  readonly #fd: number;
  readonly #index: number;
  readonly #subject: string;
  #watch: Watch | undefined;
  #listener: PacketListener | undefined;
  #open = true;

  constructor({ netns, dev, protocol }: PacketSocketOptions) {
    this.#subject = `packet socket on ${dev}`;
    [this.#fd, this.#index] = inNetns(netns, () => {
      const index = interfaceIndex(dev);
      return [openBound(index, protocol, this.#subject), index];
    });
  }

  /** Receives frames for a multicast group whose address no interface of the namespace has yet. */
  joinMulticast(mac: Mac): void {
    const SOL_PACKET = 263;
    const PACKET_ADD_MEMBERSHIP = 1;
    const request = new DataView(new ArrayBuffer(16)); // struct packet_mreq: index, type 0 = multicast, length, address
    request.setInt32(0, this.#index, true);
    request.setUint16(6, 6, true);
    const bytes = new Uint8Array(request.buffer);
    bytes.set(macBytes(mac), 8);
    setSocketOption(this.#fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, bytes);
  }

  /** Sends a complete frame. */
  send(frame: Uint8Array): void {
    sendDatagram(this.#fd, frame, this.#subject);
  }

  /**
   * Starts to deliver frames, including those received since the socket was opened. It keeps the process alive until
   * closed.
   */
  listen(listener: PacketListener): void {
    this.#watch?.close();
    this.#listener = listener;
    this.#watch = watchReadable(this.#fd, () => this.drain());
  }

  /**
   * Delivers what has arrived, at once. A turn of the event loop runs timers before it reads, so that a late timer comes
   * before frames that have waited for it.
   */
  drain(): void {
    const listener = this.#listener;
    const buffer = new Uint8Array(2048);
    while (this.#open && listener !== undefined) {
      let length: number | undefined;
      try {
        length = receiveDatagram(this.#fd, buffer, this.#subject);
      } catch (error) {
        listener.error(error);
        return;
      }
      if (length === undefined) return;
      listener.frame(buffer.slice(0, Math.min(length, buffer.length)));
    }
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#watch?.close();
    // packet_release waits for an RCU grace period (synchronize_net). That would block the event loop for 10 ms.
    closeFdElsewhere(this.#fd);
  }
}

/** Opens for no protocol, and binds to one only after the filter is set, so that no other frame is received. */
function openBound(index: number, protocol: 'arp' | 'nd', subject: string): number {
  const fd = openSocket(AF_PACKET, SOCK_RAW, 0, subject);
  try {
    if (protocol === 'nd') attachFilter(fd, neighbourDiscoveryOnly);
    const address = new DataView(new ArrayBuffer(20)); // struct sockaddr_ll
    address.setUint16(0, AF_PACKET, true);
    address.setUint16(2, protocol === 'arp' ? ETH_P_ARP : ETH_P_IPV6);
    address.setInt32(4, index, true);
    bindSocket(fd, new Uint8Array(address.buffer), subject);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  return fd;
}
