// Whether a socket listens on the port of a packet that arrives.

import { type Address, sameAddress } from '#ip';
import type { Listener } from '#net';
import type { Packet, Place } from './world.ts';

/** Why no socket takes the packet that arrived. Undefined if one listens, or if that is not known. */
export function nobodyListens({ name, listeners }: Place, packet: Packet): string | undefined {
  const { protocol, destinationPort } = packet;
  if (protocol === 'icmp' || listeners === undefined) return undefined;
  if (listeners.some((listener) => takes(listener, packet))) return undefined;
  return `arrives, but no program listens: ${name} has no ${protocol.toUpperCase()} socket on port ${destinationPort}`;
}

function takes({ protocol, address, port }: Listener, packet: Packet): boolean {
  const { destination, destinationPort } = packet;
  return protocol === packet.protocol && port === destinationPort && coversAddress(address, destination);
}

/** A socket on :: takes IPv4 too, unless it is IPV6_V6ONLY (ipv6(7)). That option is not visible from outside. */
function coversAddress(own: Address, asked: Address): boolean {
  if (own.value === 0n) return own.family === asked.family || own.family === 6;
  return sameAddress(own, asked);
}
