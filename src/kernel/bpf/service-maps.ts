// The maps of Services, as bpf/maps.h lays them out: their shapes, and their entries as bytes.

import { type Address, addressBytes, addressFromBytes } from '#ip';
import {
  type FollowedSocket,
  type Frontend,
  frontendKey,
  type Place,
  type Protocol,
  type ServiceCounts,
  type ServingMember,
  type SetMember,
  type WrittenEntry,
} from '#plan/service';
import type { MapShape, PackedEntries } from './map.ts';

const PLACE_BYTES = 20;
const SERVICE_BYTES = 16;
const MEMBER_BYTES = 16;
const SERVING_BYTES = 32;
const COUNTS_BYTES = 16;
const COOKIE_BYTES = 8;
const CHOICE_BYTES = 2 * PLACE_BYTES;

/** Each of these maps has the name by which the programs know it. */
export const serviceMaps = {
  services: hash('services', PLACE_BYTES, SERVICE_BYTES, 65_536),
  members: hash('members', MEMBER_BYTES, PLACE_BYTES, 524_288),
  serving: hash('serving', SERVING_BYTES, 4, 262_144),
  affinities: { name: 'affinities', kind: 'lru', keyBytes: 32, valueBytes: 32, maxEntries: 65_536 },
  connected: { name: 'connected', kind: 'socket', keyBytes: 4, valueBytes: CHOICE_BYTES, maxEntries: 0 },
  counted: hash('counted', PLACE_BYTES, COUNTS_BYTES, 65_536 + 3),
  exempt: hash('exempt', COOKIE_BYTES, 4, 65_536),
  followed: hash('followed', COOKIE_BYTES, CHOICE_BYTES, 65_536),
  sent: { name: 'sent', kind: 'socket', keyBytes: 4, valueBytes: 4 + 8 * 44, maxEntries: 0 },
} as const satisfies Readonly<Record<string, MapShape>>;

function hash(name: string, keyBytes: number, valueBytes: number, maxEntries: number): MapShape {
  return { name, kind: 'hash', keyBytes, valueBytes, maxEntries };
}

/** Numbers of IP protocols (in.h). */
const protocols: Readonly<Record<Protocol, number>> = { TCP: 6, UDP: 17, SCTP: 132 };

function writePlace(bytes: Buffer, offset: number, { address, port }: Place, protocol: number): void {
  if (address.family === 4) bytes.writeUInt16BE(0xffff, offset + 10);
  const raw = addressBytes(address);
  bytes.set(raw, offset + PLACE_BYTES - 4 - raw.length);
  bytes.writeUInt16BE(port, offset + 16);
  bytes.writeUInt16LE(protocol, offset + 18);
}

function readPlace(bytes: Buffer, offset: number): Place {
  const address = unmapped(addressFromBytes(bytes.subarray(offset, offset + 16)));
  return { address, port: bytes.readUInt16BE(offset + 16) };
}

function readFrontend(bytes: Buffer, offset: number): Frontend {
  const number = bytes.readUInt16LE(offset + 18);
  const protocol = (Object.keys(protocols) as Protocol[]).find((each) => protocols[each] === number) ?? 'TCP';
  return { ...readPlace(bytes, offset), protocol };
}

/** The IPv4 address of a mapped one. */
export function unmapped(address: Address): Address {
  return address.value >> 32n === 0xffffn ? { family: 4, value: address.value & 0xffff_ffffn } : address;
}

function writeSet(bytes: Buffer, offset: number, set: number): void {
  bytes.writeBigUInt64LE(BigInt(set), offset);
}

function readSet(bytes: Buffer, offset: number): number {
  return Number(bytes.readBigUInt64LE(offset));
}

export function packFrontends(frontends: readonly Frontend[]): Buffer {
  const keys = Buffer.alloc(frontends.length * PLACE_BYTES);
  for (const [index, frontend] of frontends.entries())
    writePlace(keys, index * PLACE_BYTES, frontend, protocols[frontend.protocol]);
  return keys;
}

export function packServices(entries: readonly WrittenEntry[]): PackedEntries {
  const values = Buffer.alloc(entries.length * SERVICE_BYTES);
  for (const [index, { set, backends }] of entries.entries()) {
    const offset = index * SERVICE_BYTES;
    writeSet(values, offset, set);
    values.writeUInt32LE(backends.ready.length, offset + 8);
    values.writeUInt32LE(backends.affinitySeconds, offset + 12);
  }
  return { keys: packFrontends(entries.map(({ frontend }) => frontend)), values };
}

export function packMembers(members: readonly SetMember[]): PackedEntries {
  const keys = Buffer.alloc(members.length * MEMBER_BYTES);
  const values = Buffer.alloc(members.length * PLACE_BYTES);
  for (const [at, { set, index, backend }] of members.entries()) {
    writeSet(keys, at * MEMBER_BYTES, set);
    keys.writeUInt32LE(index, at * MEMBER_BYTES + 8);
    writePlace(values, at * PLACE_BYTES, backend, 0);
  }
  return { keys, values };
}

export function packServing(members: readonly ServingMember[]): PackedEntries {
  const keys = Buffer.alloc(members.length * SERVING_BYTES);
  const values = Buffer.alloc(members.length * 4);
  for (const [at, { set, backend, takesNew }] of members.entries()) {
    writeSet(keys, at * SERVING_BYTES, set);
    writePlace(keys, at * SERVING_BYTES + 8, backend, 0);
    values.writeUInt32LE(takesNew ? 1 : 0, at * 4);
  }
  return { keys, values };
}

/** What stands in map `services`. */
export interface StoredService {
  readonly frontend: Frontend;
  readonly set: number;
  readonly affinitySeconds: number;
}

export function readServices({ keys, values }: PackedEntries): StoredService[] {
  const [key, value] = [Buffer.from(keys), Buffer.from(values)];
  return Array.from({ length: values.length / SERVICE_BYTES }, (_, index) => {
    return {
      frontend: readFrontend(key, index * PLACE_BYTES),
      set: readSet(value, index * SERVICE_BYTES),
      affinitySeconds: value.readUInt32LE(index * SERVICE_BYTES + 12),
    };
  });
}

export function readMembers({ keys, values }: PackedEntries): SetMember[] {
  const [key, value] = [Buffer.from(keys), Buffer.from(values)];
  return Array.from({ length: values.length / PLACE_BYTES }, (_, at) => {
    const backend = readPlace(value, at * PLACE_BYTES);
    const offset = at * MEMBER_BYTES;
    return { set: readSet(key, offset), index: key.readUInt32LE(offset + 8), backend };
  });
}

export function readServing({ keys, values }: PackedEntries): ServingMember[] {
  const [key, value] = [Buffer.from(keys), Buffer.from(values)];
  return Array.from({ length: values.length / 4 }, (_, at) => {
    const offset = at * SERVING_BYTES;
    return {
      set: readSet(key, offset),
      backend: readPlace(key, offset + 8),
      takesNew: value.readUInt32LE(at * 4) !== 0,
    };
  });
}

export function readFollowed({ keys, values }: PackedEntries): FollowedSocket[] {
  const [key, value] = [Buffer.from(keys), Buffer.from(values)];
  return Array.from({ length: key.length / COOKIE_BYTES }, (_, at) => ({
    cookie: key.readBigUInt64LE(at * COOKIE_BYTES),
    service: readFrontend(value, at * CHOICE_BYTES),
    backend: readPlace(value, at * CHOICE_BYTES + PLACE_BYTES),
  }));
}

/** By `frontendKey`. The key of address `::` and port 0 counts all Services of its protocol. */
export function readCounts({ keys, values }: PackedEntries): Map<string, ServiceCounts> {
  const [key, value] = [Buffer.from(keys), Buffer.from(values)];
  return new Map(
    Array.from({ length: values.length / COUNTS_BYTES }, (_, at) => {
      const chosen = Number(value.readBigUInt64LE(at * COUNTS_BYTES));
      const refused = Number(value.readBigUInt64LE(at * COUNTS_BYTES + 8));
      return [frontendKey(readFrontend(key, at * PLACE_BYTES)), { chosen, refused }];
    }),
  );
}

/** `cookies` are those of namespaces. */
export function packExempt(cookies: readonly bigint[]): PackedEntries {
  return {
    keys: Buffer.from(BigUint64Array.from(cookies).buffer),
    values: Buffer.alloc(cookies.length * 4, 1),
  };
}

export function readExempt({ keys }: PackedEntries): bigint[] {
  const key = Buffer.from(keys);
  return Array.from({ length: key.length / COOKIE_BYTES }, (_, at) => key.readBigUInt64LE(at * COOKIE_BYTES));
}
