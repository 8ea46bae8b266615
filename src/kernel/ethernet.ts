// Ethernet: MAC addresses as bytes, and frames of two addresses, a protocol and a payload.

import { ByteReader, OrbError } from '#base';
import type { Mac } from '#net';

export const ETH_P_ARP = 0x0806;
export const ETH_P_IPV6 = 0x86dd;
export const BROADCAST_MAC: Mac = 'ff:ff:ff:ff:ff:ff';

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

/** The six bytes of `0a:1b:0a:06:d4:f1`. */
export function macBytes(mac: Mac): Uint8Array {
  if (!/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/.test(mac)) {
    throw new OrbError('INPUT_INVALID', {
      message: `invalid MAC address '${mac}'; allowed: six pairs of hexadecimal digits joined by ':'`,
    });
  }
  return Uint8Array.from(mac.split(':'), (pair) => Number.parseInt(pair, 16));
}

export function macFromBytes(bytes: Uint8Array): Mac {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}
