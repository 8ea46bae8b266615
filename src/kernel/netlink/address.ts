// Addresses of interfaces in rtnetlink: `struct ifaddrmsg` and IFA_* attributes (if_addr.h).

import { ByteReader } from '#base';
import type { Family } from '#ip';
import type { InterfaceAddress } from '#net';
import { Attributes, MessageBody } from './attributes.ts';
import { familyNumber, familyOf } from './family.ts';
import type { IndexOf } from './link-header.ts';
import { type Message, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, type Request } from './message.ts';
import { scopeName, scopeNumber } from './scope.ts';

export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
const RTM_GETADDR = 22;

const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_FLAGS = 8;
const IFA_PROTO = 11;

const IFA_F_NODAD = 0x02;
const IFA_F_DADFAILED = 0x08;
const IFA_F_TENTATIVE = 0x40;
const IFA_F_NOPREFIXROUTE = 0x200;

/** Finds the name of a link by index. */
export type NameOf = (index: number) => string;

/** A dump of one family, or of all families. The kernel can limit it to an interface. */
export function getAddresses(family: Family | undefined, index = 0): Request {
  const body = new MessageBody();
  body.writer.u8(familyNumber(family)).u8(0).u8(0).u8(0).u32(index);
  return { type: RTM_GETADDR, flags: 0, body: body.writer.done() };
}

export function changeAddress(
  verb: 'create' | 'replace' | 'delete',
  { dev, address, scope, noDad, noPrefixRoute, protocol }: InterfaceAddress,
  indexOf: IndexOf,
): Request {
  const body = new MessageBody();
  body.writer.u8(familyNumber(address.address.family)).u8(address.prefixLength).u8(0);
  body.writer.u8(scopeNumber(scope)).u32(indexOf(dev));
  body.address(IFA_LOCAL, address.address).address(IFA_ADDRESS, address.address);
  const flags = (noDad === true ? IFA_F_NODAD : 0) | (noPrefixRoute === true ? IFA_F_NOPREFIXROUTE : 0);
  if (flags !== 0) body.u32(IFA_FLAGS, flags);
  if (protocol !== undefined) body.u8(IFA_PROTO, protocol);
  const type = verb === 'delete' ? RTM_DELADDR : RTM_NEWADDR;
  return { type, flags: verbFlags(verb), body: body.writer.done() };
}

/** The flags with which the kernel distinguishes create, replace and delete. They are the same for every object. */
export function verbFlags(verb: 'create' | 'replace' | 'delete'): number {
  if (verb === 'create') return NLM_F_CREATE | NLM_F_EXCL;
  return verb === 'replace' ? NLM_F_CREATE | NLM_F_REPLACE : 0;
}

export function decodeAddress({ body }: Message, nameOf: NameOf): InterfaceAddress | undefined {
  const header = new ByteReader(body, 'little');
  if (familyOf(header.u8()) === undefined) return undefined;
  const prefixLength = header.u8();
  const oldFlags = header.u8();
  const scope = header.u8();
  const index = header.u32();
  const attributes = new Attributes(header.take(header.remaining));
  const flags = attributes.u32(IFA_FLAGS) ?? oldFlags;
  // On a point-to-point link, IFA_ADDRESS is the other end and IFA_LOCAL is ours. IPv6 sends IFA_LOCAL only there.
  const address = attributes.address(IFA_LOCAL) ?? attributes.address(IFA_ADDRESS);
  if (address === undefined) return undefined;
  const protocol = attributes.u8(IFA_PROTO);
  return {
    dev: nameOf(index),
    address: { address, prefixLength },
    scope: scopeName(scope),
    ...((flags & IFA_F_NODAD) !== 0 && { noDad: true }),
    ...((flags & IFA_F_NOPREFIXROUTE) !== 0 && { noPrefixRoute: true }),
    ...((flags & IFA_F_TENTATIVE) !== 0 && { tentative: true }),
    ...((flags & IFA_F_DADFAILED) !== 0 && { dadFailed: true }),
    ...(protocol && { protocol }),
  };
}
