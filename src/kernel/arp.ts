// ARP for IPv4 over Ethernet (RFC 826) and its probes and announcements (RFC 5227).

import { ByteReader, ByteWriter } from '#base';
import { type Address, addressBytes, addressFromBytes } from '#ip';
import type { Mac } from '#net';
import { BROADCAST_MAC, decodeFrame, ETH_P_ARP, encodeFrame, macBytes, macFromBytes } from './ethernet.ts';

export interface ArpPacket {
  readonly operation: 'request' | 'reply';
  readonly senderMac: Mac;
  /** 0.0.0.0 in a probe. */
  readonly senderAddress: Address;
  readonly targetMac: Mac;
  readonly targetAddress: Address;
}

const unspecified: Address = { family: 4, value: 0n };
const NO_MAC: Mac = '00:00:00:00:00:00';

/** "Does anybody use this address?", without touching a neighbour's cache (RFC 5227, 2.1.1). */
export function arpProbe(mac: Mac, address: Address): Uint8Array {
  return arpRequest(mac, unspecified, address);
}

/** "Who has `target`?" */
export function arpRequest(mac: Mac, source: Address, target: Address): Uint8Array {
  const packet = { senderMac: mac, senderAddress: source, targetMac: NO_MAC, targetAddress: target };
  return encodeArp({ operation: 'request', ...packet }, BROADCAST_MAC);
}

/** "I use this address": neighbours correct their caches (RFC 5227, 2.3). */
export function arpAnnouncement(mac: Mac, address: Address): Uint8Array {
  return arpRequest(mac, address, address);
}

/** A complete Ethernet frame. */
export function encodeArp(packet: ArpPacket, destination: Mac): Uint8Array {
  const writer = new ByteWriter('big');
  writer
    .u16(1)
    .u16(0x0800)
    .u8(6)
    .u8(4)
    .u16(packet.operation === 'request' ? 1 : 2);
  writer.put(macBytes(packet.senderMac)).put(addressBytes(packet.senderAddress));
  writer.put(macBytes(packet.targetMac)).put(addressBytes(packet.targetAddress));
  const payload = writer.done();
  return encodeFrame({ destination, source: packet.senderMac, protocol: ETH_P_ARP, payload });
}

/** Undefined for every other frame, and for ARP of other kinds of networks. */
export function decodeArp(bytes: Uint8Array): ArpPacket | undefined {
  const frame = decodeFrame(bytes);
  if (frame === undefined || frame.protocol !== ETH_P_ARP || frame.payload.length < 28) return undefined;
  const reader = new ByteReader(frame.payload, 'big');
  if (reader.u16() !== 1 || reader.u16() !== 0x0800 || reader.u8() !== 6 || reader.u8() !== 4)
    return undefined;
  const operation = reader.u16();
  if (operation !== 1 && operation !== 2) return undefined;
  return {
    operation: operation === 1 ? 'request' : 'reply',
    senderMac: macFromBytes(reader.take(6)),
    senderAddress: addressFromBytes(reader.take(4)),
    targetMac: macFromBytes(reader.take(6)),
    targetAddress: addressFromBytes(reader.take(4)),
  };
}
