// Routes in rtnetlink: `struct rtmsg`, RTA_* attributes, next hops (rtnetlink.h).

import { ByteReader } from '#base';
import { type Address, addressBytes, addressFromBytes, type Family, maxPrefixLength } from '#ip';
import type { NextHop, Route } from '#net';
import { type NameOf, verbFlags } from './address.ts';
import { Attributes, MessageBody } from './attributes.ts';
import { familyNumber, familyOf } from './family.ts';
import type { IndexOf } from './link-header.ts';
import type { Message, Request } from './message.ts';
import { scopeName, scopeNumber } from './scope.ts';

export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;

const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_PREFSRC = 7;
const RTA_METRICS = 8;
const RTA_MULTIPATH = 9;
const RTA_TABLE = 15;
const RTA_VIA = 18;
const RTAX_MTU = 2;
const RTNH_F_ONLINK = 4;
const RTM_F_CLONED = 0x200;
const RTM_F_LOOKUP_TABLE = 0x1000;

/** By number, starting with RTN_UNICAST = 1. */
const types = [
  'unicast',
  'local',
  'broadcast',
  'anycast',
  'multicast',
  'blackhole',
  'unreachable',
  'prohibit',
  'throw',
] as const satisfies readonly Route['type'][];

interface Header {
  readonly family: Family | undefined;
  readonly prefixLength: number;
  readonly table?: number;
  readonly protocol?: number;
  readonly scope?: number;
  readonly type?: number;
  readonly flags?: number;
}

/** struct rtmsg. A table above 255 is only in RTA_TABLE. */
function routeHeader(header: Header): MessageBody {
  const { family, prefixLength, table = 0, protocol = 0, scope = 0, type = 0, flags = 0 } = header;
  const body = new MessageBody();
  body.writer.u8(familyNumber(family)).u8(prefixLength).u8(0).u8(0);
  body.writer
    .u8(table < 256 ? table : 0)
    .u8(protocol)
    .u8(scope)
    .u8(type)
    .u32(flags);
  return table < 256 ? body : body.u32(RTA_TABLE, table);
}

/** A dump of one family, or of all families. The kernel can limit it to a table and an interface. */
export function getRoutes(family: Family | undefined, table?: number, index?: number): Request {
  const body = routeHeader({ family, prefixLength: 0 });
  if (table !== undefined) body.u32(RTA_TABLE, table);
  if (index !== undefined) body.u32(RTA_OIF, index);
  return { type: RTM_GETROUTE, flags: 0, body: body.writer.done() };
}

/** Asks which route the kernel would use. */
export function getRouteTo(destination: Address): Request {
  const prefixLength = maxPrefixLength(destination.family);
  // IPv4 returns the route's real table only with this flag. IPv6 always returns it, and refuses the flag.
  const flags = destination.family === 4 ? RTM_F_LOOKUP_TABLE : 0;
  const body = routeHeader({ family: destination.family, prefixLength, flags });
  return { type: RTM_GETROUTE, flags: 0, body: body.address(RTA_DST, destination).writer.done() };
}

export function changeRoute(verb: 'create' | 'replace' | 'delete', route: Route, indexOf: IndexOf): Request {
  const { destination, table, protocol, dev, gateway, source, metric, mtuBytes, nextHops } = route;
  const { family } = destination.address;
  const body = routeHeader({
    family,
    prefixLength: destination.prefixLength,
    table,
    protocol,
    scope: scopeNumber(route.scope),
    type: types.indexOf(route.type) + 1,
    flags: route.onlink === true ? RTNH_F_ONLINK : 0,
  });
  if (destination.prefixLength > 0) body.address(RTA_DST, destination.address);
  if (source !== undefined) body.address(RTA_PREFSRC, source);
  if (gateway !== undefined) writeGateway(body, family, gateway);
  if (dev !== undefined) body.u32(RTA_OIF, indexOf(dev));
  if (metric !== undefined) body.u32(RTA_PRIORITY, metric);
  if (mtuBytes !== undefined) body.nested(RTA_METRICS, () => body.u32(RTAX_MTU, mtuBytes));
  if (nextHops !== undefined) writeNextHops(body, family, nextHops, indexOf);
  const type = verb === 'delete' ? RTM_DELROUTE : RTM_NEWROUTE;
  return { type, flags: verbFlags(verb), body: body.writer.done() };
}

/** RTA_VIA holds a gateway of the other family (`struct rtvia`: family, address). */
function writeGateway(body: MessageBody, family: Family, gateway: Address): void {
  if (gateway.family === family) {
    body.address(RTA_GATEWAY, gateway);
  } else {
    body.bytes(RTA_VIA, Uint8Array.of(familyNumber(gateway.family), 0, ...addressBytes(gateway)));
  }
}

/** RTA_MULTIPATH: a sequence of `struct rtnexthop`, each with its own attributes. */
function writeNextHops(body: MessageBody, family: Family, hops: readonly NextHop[], indexOf: IndexOf): void {
  body.nested(RTA_MULTIPATH, () => {
    for (const hop of hops) {
      const start = body.writer.length;
      body.writer
        .u16(0)
        .u8(hop.onlink === true ? RTNH_F_ONLINK : 0)
        .u8(hop.weight - 1);
      body.writer.u32(hop.dev === undefined ? 0 : indexOf(hop.dev));
      if (hop.gateway !== undefined) writeGateway(body, family, hop.gateway);
      body.writer.u16At(start, body.writer.length - start);
    }
  });
}

/** Undefined for cached routes and for families other than IP. */
export function decodeRoute({ body }: Message, nameOf: NameOf): Route | undefined {
  const header = new ByteReader(body, 'little');
  const family = familyOf(header.u8());
  if (family === undefined) return undefined;
  const prefixLength = header.u8();
  header.skip(2);
  const [table, protocol, scope, type] = [header.u8(), header.u8(), header.u8(), header.u8()];
  const flags = header.u32();
  if ((flags & RTM_F_CLONED) !== 0) return undefined;
  const typeName = types[type - 1];
  if (typeName === undefined) return undefined;
  const attributes = new Attributes(header.take(header.remaining));
  const index = attributes.u32(RTA_OIF);
  const hops = attributes.bytes(RTA_MULTIPATH);
  const gateway = readGateway(attributes);
  const source = attributes.address(RTA_PREFSRC);
  const metric = attributes.u32(RTA_PRIORITY);
  const mtuBytes = attributes.nested(RTA_METRICS)?.u32(RTAX_MTU);
  return {
    destination: { address: attributes.address(RTA_DST) ?? { family, value: 0n }, prefixLength },
    table: attributes.u32(RTA_TABLE) ?? table,
    type: typeName,
    scope: scopeName(scope),
    protocol,
    ...(index !== undefined && { dev: nameOf(index) }),
    ...(gateway !== undefined && { gateway }),
    ...(source !== undefined && { source }),
    ...(metric !== undefined && { metric }),
    ...(mtuBytes !== undefined && { mtuBytes }),
    ...((flags & RTNH_F_ONLINK) !== 0 && { onlink: true }),
    ...(hops !== undefined && { nextHops: readNextHops(hops, nameOf) }),
  };
}

/** The answer to {@link getRouteTo}. The kernel marks it as cloned, which has no meaning for a lookup. */
export function decodeRouteTo(message: Message, nameOf: NameOf): Route | undefined {
  const body = Uint8Array.from(message.body);
  const flags = new DataView(body.buffer);
  flags.setUint32(8, flags.getUint32(8, true) & ~RTM_F_CLONED, true);
  return decodeRoute({ ...message, body }, nameOf);
}

function readGateway(attributes: Attributes): Address | undefined {
  const via = attributes.bytes(RTA_VIA);
  return via === undefined ? attributes.address(RTA_GATEWAY) : addressFromBytes(via.subarray(2));
}

function readNextHops(bytes: Uint8Array, nameOf: NameOf): NextHop[] {
  const hops: NextHop[] = [];
  const reader = new ByteReader(bytes, 'little');
  while (reader.remaining >= 8) {
    const start = reader.offset;
    const length = reader.u16();
    const flags = reader.u8();
    const weight = reader.u8() + 1;
    const index = reader.u32();
    const attributes = new Attributes(reader.take(length - 8));
    const gateway = readGateway(attributes);
    hops.push({
      weight,
      ...(index !== 0 && { dev: nameOf(index) }),
      ...(gateway !== undefined && { gateway }),
      ...((flags & RTNH_F_ONLINK) !== 0 && { onlink: true }),
    });
    reader.offset = start + ((length + 3) & ~3);
  }
  return hops;
}
