// IPv6 neighbour discovery over Ethernet: solicitations and advertisements (RFC 4861, 4.3 and 4.4; RFC 2464).

import { ByteReader, ByteWriter } from '#base';
import { type Address, addressBytes, addressFromBytes } from '#ip';
import type { Mac } from '#net';
import { decodeFrame, ETH_P_IPV6, encodeFrame, macBytes, macFromBytes } from './ethernet.ts';

const ICMPV6 = 58;
const SOLICITATION = 135;
const ADVERTISEMENT = 136;
const SOURCE_LINK_LAYER = 1;
const TARGET_LINK_LAYER = 2;

const unspecified: Address = { family: 6, value: 0n };
const allNodes: Address = { family: 6, value: (0xff02n << 112n) | 1n };

export interface NeighbourMessage {
  readonly kind: 'solicitation' | 'advertisement';
  /** `::` in the solicitation of duplicate address detection. */
  readonly source: Address;
  readonly destination: Address;
  /** The address asked for or advertised. */
  readonly target: Address;
  /** The link-layer address of the option. If it is absent, the frame's source is the only hint. */
  readonly mac?: Mac;
  readonly frameSource: Mac;
  /** Only in an advertisement: it is an answer, not sent spontaneously. */
  readonly solicited: boolean;
  /** Only in an advertisement: it replaces the content of caches. */
  readonly override: boolean;
  readonly router: boolean;
}

/**
 * ff02::1:ff00:0/104 with the last 24 bits of the address. Solicitations for the address go there (RFC 4291, 2.7.1).
 */
export function solicitedNode(address: Address): Address {
  return { family: 6, value: (0xff02n << 112n) | (0x1_ff000000n | (address.value & 0xff_ffffn)) };
}

/** 33:33 and the last 32 bits (RFC 2464, 7). */
export function multicastMac(group: Address): Mac {
  return `33:33:${macFromBytes(addressBytes(group).subarray(12))}`;
}

/**
 * "Does anybody use this address?" (RFC 4862, 5.4.2). It is sent from `::`, and therefore without our link-layer
 * address.
 */
export function duplicateProbe(mac: Mac, target: Address): Uint8Array {
  return solicit(mac, unspecified, target);
}

/** "Who has `target`?" */
export function neighbourSolicitation(mac: Mac, source: Address, target: Address): Uint8Array {
  return solicit(mac, source, target);
}

function solicit(mac: Mac, source: Address, target: Address): Uint8Array {
  const body = new ByteWriter('big').u8(SOLICITATION).u8(0).u16(0).u32(0).put(addressBytes(target));
  if (source.value !== 0n) body.u8(SOURCE_LINK_LAYER).u8(1).put(macBytes(mac));
  return encodeIcmp(mac, source, solicitedNode(target), body);
}

/** "I use this address", to all nodes: neighbours correct their caches (RFC 4861, 7.2.6). */
export function unsolicitedAdvertisement(mac: Mac, address: Address): Uint8Array {
  const override = 0x20000000;
  const body = new ByteWriter('big').u8(ADVERTISEMENT).u8(0).u16(0).u32(override).put(addressBytes(address));
  body.u8(TARGET_LINK_LAYER).u8(1).put(macBytes(mac));
  return encodeIcmp(mac, address, allNodes, body);
}

function encodeIcmp(mac: Mac, source: Address, destination: Address, body: ByteWriter): Uint8Array {
  const icmp = body.u16At(2, icmpChecksum(source, destination, body.done())).done();
  const packet = new ByteWriter('big')
    .u32(6 << 28)
    .u16(icmp.length)
    .u8(ICMPV6)
    .u8(255);
  packet.put(addressBytes(source)).put(addressBytes(destination)).put(icmp);
  const frame = { destination: multicastMac(destination), source: mac, protocol: ETH_P_IPV6 };
  return encodeFrame({ ...frame, payload: packet.done() });
}

/**
 * The Internet checksum over pseudo-header and message (RFC 8200, 8.1). It is 0 over a message that contains a correct
 * checksum.
 */
function icmpChecksum(source: Address, destination: Address, icmp: Uint8Array): number {
  const writer = new ByteWriter('big').put(addressBytes(source)).put(addressBytes(destination));
  const reader = new ByteReader(writer.u32(icmp.length).u32(ICMPV6).put(icmp).align(2).done(), 'big');
  let sum = 0;
  while (reader.remaining > 0) sum += reader.u16();
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** Undefined for every other frame, and for messages that must be dropped according to RFC 4861, 7.1. */
export function decodeNeighbourMessage(bytes: Uint8Array): NeighbourMessage | undefined {
  const frame = decodeFrame(bytes);
  if (frame === undefined || frame.protocol !== ETH_P_IPV6 || frame.payload.length < 40 + 24)
    return undefined;
  const header = new ByteReader(frame.payload, 'big');
  if (header.u32() >>> 28 !== 6) return undefined;
  const length = header.u16();
  if (header.u8() !== ICMPV6 || header.u8() !== 255 || length < 24) return undefined;
  const source = addressFromBytes(header.take(16));
  const destination = addressFromBytes(header.take(16));
  if (length > header.remaining) return undefined;
  const icmp = header.take(length);
  if (icmpChecksum(source, destination, icmp) !== 0) return undefined;
  return decodeIcmp(icmp, { source, destination, frameSource: frame.source });
}

type Envelope = Pick<NeighbourMessage, 'source' | 'destination' | 'frameSource'>;

function decodeIcmp(icmp: Uint8Array, envelope: Envelope): NeighbourMessage | undefined {
  const reader = new ByteReader(icmp, 'big');
  const type = reader.u8();
  if ((type !== SOLICITATION && type !== ADVERTISEMENT) || reader.u8() !== 0) return undefined;
  reader.skip(2);
  const flagBits = reader.u8();
  const flags = type === ADVERTISEMENT ? flagBits : 0; // reserved in a solicitation
  reader.skip(3);
  const target = addressFromBytes(reader.take(16));
  const mac = linkLayerOption(reader, type === SOLICITATION ? SOURCE_LINK_LAYER : TARGET_LINK_LAYER);
  if (mac === null) return undefined;
  return {
    kind: type === SOLICITATION ? 'solicitation' : 'advertisement',
    ...envelope,
    target,
    router: (flags & 0x80) !== 0,
    solicited: (flags & 0x40) !== 0,
    override: (flags & 0x20) !== 0,
    ...(mac !== undefined && { mac }),
  };
}

/** The address in the option. Undefined if it is absent, null if the options are broken. */
function linkLayerOption(reader: ByteReader, wanted: number): Mac | undefined | null {
  let mac: Mac | undefined;
  while (reader.remaining > 0) {
    if (reader.remaining < 8) return null;
    const type = reader.u8();
    const length = reader.u8() * 8 - 2;
    if (length < 0 || length > reader.remaining) return null;
    const value = reader.take(length);
    if (type === wanted) mac = macFromBytes(value.subarray(0, 6));
  }
  return mac;
}
