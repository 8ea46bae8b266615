// Ethernet frames: two addresses, a protocol, a payload.

import { ByteReader } from '#base';
import type { Mac } from '#net';
import { macBytes, macFromBytes } from './mac.ts';

export const ETH_P_ARP = 0x0806;
export const ETH_P_IPV6 = 0x86dd;
export const broadcastMac: Mac = 'ff:ff:ff:ff:ff:ff';

export interface EthernetFrame {
  readonly destination: Mac;
  readonly source: Mac;
  readonly protocol: number;
  readonly payload: Uint8Array;
}

export function encodeFrame({ destination, source, protocol, payload }: EthernetFrame): Uint8Array {
  return Uint8Array.of(
    ...macBytes(destination),
    ...macBytes(source),
    protocol >> 8,
    protocol & 0xff,
    ...payload,
  );
}

/** Undefined if the bytes are too short. */
export function decodeFrame(bytes: Uint8Array): EthernetFrame | undefined {
  if (bytes.length < 14) return undefined;
  const reader = new ByteReader(bytes, 'big');
  const destination = macFromBytes(reader.take(6));
  const source = macFromBytes(reader.take(6));
  return { destination, source, protocol: reader.u16(), payload: reader.take(reader.remaining) };
}
