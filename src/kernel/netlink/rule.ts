// Policy rules in rtnetlink: `struct fib_rule_hdr` and FRA_* attributes (fib_rules.h).

import { ByteReader } from '#base';
import { type Cidr, defaultDestination, type Family } from '#ip';
import type { Rule } from '#net';
import { verbFlags } from './address.ts';
import { Attributes, MessageBody } from './attributes.ts';
import { familyNumber, familyOf } from './family.ts';
import type { Message, Request } from './message.ts';

export const RTM_NEWRULE = 32;
export const RTM_DELRULE = 33;
const RTM_GETRULE = 34;

const FRA_DST = 1;
const FRA_SRC = 2;
const FRA_IIFNAME = 3;
const FRA_PRIORITY = 6;
const FRA_FWMARK = 10;
const FRA_SUPPRESS_PREFIXLEN = 14;
const FRA_TABLE = 15;
const FRA_FWMASK = 16;
const FRA_PROTOCOL = 21;
const FRA_IP_PROTO = 22;
const FRA_SPORT_RANGE = 23;
const FR_ACT_TO_TBL = 1;
const FIB_RULE_INVERT = 2;
/** -1: no limit, or all bits of a mask. */
const NOTHING = 0xffff_ffff;

/** Selectors in rules of other programs that we cannot evaluate, with the words of ip-rule(8). */
const unreadSelectors: Readonly<Record<string, number>> = {
  tun_id: 12,
  suppress_ifgroup: 13,
  oif: 17,
  l3mdev: 19,
  uidrange: 20,
  dport: 24,
};

export function getRules(family: Family | undefined): Request {
  const body = new MessageBody();
  body.writer.u8(familyNumber(family)).align(4).u32(0).u32(0);
  return { type: RTM_GETRULE, flags: 0, body: body.writer.done() };
}

export function changeRule(verb: 'create' | 'delete', rule: Rule): Request {
  const { family, priority, table, from, to, mark, inputDev, ipProtocol, sourcePorts, protocol } = rule;
  const body = new MessageBody();
  body.writer
    .u8(familyNumber(family))
    .u8(to?.prefixLength ?? 0)
    .u8(from?.prefixLength ?? 0)
    .u8(0);
  body.writer
    .u8(table < 256 ? table : 0)
    .u8(0)
    .u8(0)
    .u8(FR_ACT_TO_TBL)
    .u32(0);
  body.u32(FRA_PRIORITY, priority).u32(FRA_TABLE, table).u8(FRA_PROTOCOL, protocol);
  if (to !== undefined) body.address(FRA_DST, to.address);
  if (from !== undefined) body.address(FRA_SRC, from.address);
  if (mark !== undefined) body.u32(FRA_FWMARK, mark.value).u32(FRA_FWMASK, mark.mask);
  if (inputDev !== undefined) body.text(FRA_IIFNAME, inputDev);
  if (ipProtocol !== undefined) body.u8(FRA_IP_PROTO, ipProtocol);
  // struct fib_rule_port_range: two u16 in the machine's byte order.
  if (sourcePorts !== undefined) body.u32(FRA_SPORT_RANGE, sourcePorts.first + sourcePorts.last * 0x1_0000);
  return {
    type: verb === 'create' ? RTM_NEWRULE : RTM_DELRULE,
    flags: verbFlags(verb),
    body: body.writer.done(),
  };
}

/** Undefined for rules that do not look up a table (goto, blackhole …). We neither make nor evaluate them. */
export function decodeRule({ body }: Message): Rule | undefined {
  const header = new ByteReader(body, 'little');
  const family = familyOf(header.u8());
  const [toLength, fromLength] = [header.u8(), header.u8()];
  header.skip(1);
  const table = header.u8();
  header.skip(2);
  if (family === undefined || header.u8() !== FR_ACT_TO_TBL) return undefined;
  const flags = header.u32();
  const attributes = new Attributes(header.take(header.remaining));
  const suppressed = attributes.u32(FRA_SUPPRESS_PREFIXLEN);
  const unread = Object.keys(unreadSelectors).filter(
    (word) => attributes.bytes(unreadSelectors[word] ?? 0) !== undefined,
  );
  const from = selector(attributes, FRA_SRC, fromLength, family);
  const to = selector(attributes, FRA_DST, toLength, family);
  const mark = markOf(attributes);
  const inputDev = attributes.text(FRA_IIFNAME);
  const ipProtocol = attributes.u8(FRA_IP_PROTO);
  const sourcePorts = portsOf(attributes.u32(FRA_SPORT_RANGE));
  return {
    family,
    priority: attributes.u32(FRA_PRIORITY) ?? 0,
    table: attributes.u32(FRA_TABLE) ?? table,
    protocol: attributes.u8(FRA_PROTOCOL) ?? 0,
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(mark !== undefined && { mark }),
    ...(inputDev !== undefined && { inputDev }),
    ...(ipProtocol !== undefined && { ipProtocol }),
    ...(sourcePorts !== undefined && { sourcePorts }),
    ...((flags & FIB_RULE_INVERT) !== 0 && { inverted: true }),
    ...(suppressed !== undefined && suppressed < NOTHING && { suppressPrefixLength: suppressed }),
    ...(unread.length > 0 && { unread }),
  };
}

/** The kernel does not send a mark of 0, only its mask: `fwmark 0/0x2`. */
function markOf(attributes: Attributes): Rule['mark'] {
  const value = attributes.u32(FRA_FWMARK);
  const mask = attributes.u32(FRA_FWMASK);
  return value === undefined && mask === undefined ? undefined : { value: value ?? 0, mask: mask ?? NOTHING };
}

function portsOf(range: number | undefined): Rule['sourcePorts'] {
  return range === undefined ? undefined : { first: range & 0xffff, last: range >>> 16 };
}

function selector(
  attributes: Attributes,
  type: number,
  prefixLength: number,
  family: Family,
): Cidr | undefined {
  if (prefixLength === 0) return undefined;
  return { address: attributes.address(type) ?? defaultDestination(family).address, prefixLength };
}
