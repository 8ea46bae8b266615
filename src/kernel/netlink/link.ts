// Links in rtnetlink: `struct ifinfomsg` and IFLA_* attributes (if_link.h).

import { ByteReader } from '#base';
import type { Link, LinkSettings, LinkSpec } from '#net';
import { Attributes, MessageBody } from './attributes.ts';
import {
  IFF_UP,
  IFLA_ADDRESS,
  IFLA_IFNAME,
  IFLA_MTU,
  IFLA_NET_NS_FD,
  IFLA_TXQLEN,
  type IndexOf,
  linkHeader,
  writeProperties,
} from './link-header.ts';
import { writeBondOptions, writeLinkKind } from './link-kind.ts';
import { type Message, NLM_F_CREATE, NLM_F_EXCL, type Request } from './message.ts';

export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const RTM_SETLINK = 19;

const IFLA_LINK = 5;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_IFALIAS = 20;
const IFLA_EXT_MASK = 29;
const IFLA_LINK_NETNSID = 37;
const IFLA_PARENT_DEV_NAME = 56;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_VLAN_ID = 1;
const IFLA_BOND_MODE = 1;

const IFF_LOOPBACK = 8;
const IFF_LOWER_UP = 0x10000;

/** A dump of all links, or one link by name. It leaves out the counters, which would make it long. */
export function getLinks(name?: string): Request {
  const RTEXT_FILTER_SKIP_STATS = 8;
  const body = linkHeader(new MessageBody(), 0).u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  if (name !== undefined) body.text(IFLA_IFNAME, name);
  return { type: RTM_GETLINK, flags: 0, body: body.writer.done() };
}

export function createLink(spec: LinkSpec, indexOf: IndexOf): Request {
  const body = linkHeader(new MessageBody(), 0, spec.up).text(IFLA_IFNAME, spec.name);
  writeProperties(body, spec);
  if (spec.master !== undefined) body.u32(IFLA_MASTER, indexOf(spec.master));
  if (spec.netnsFd !== undefined) body.u32(IFLA_NET_NS_FD, spec.netnsFd);
  const parent = 'parent' in spec.type ? spec.type.parent : undefined;
  // VXLAN has its parent in its own data (IFLA_VXLAN_LINK). Other kinds have it in IFLA_LINK.
  if (parent !== undefined && spec.type.kind !== 'vxlan') body.u32(IFLA_LINK, indexOf(parent));
  body.nested(IFLA_LINKINFO, () => {
    body.text(IFLA_INFO_KIND, spec.type.kind);
    body.nested(IFLA_INFO_DATA, () => writeLinkKind(body, spec.type, indexOf));
  });
  return { type: RTM_NEWLINK, flags: NLM_F_CREATE | NLM_F_EXCL, body: body.writer.done() };
}

export function setLink(settings: LinkSettings, indexOf: IndexOf): Request {
  const body = linkHeader(new MessageBody(), indexOf(settings.name), settings.up);
  writeProperties(body, settings);
  if (settings.newName !== undefined) body.text(IFLA_IFNAME, settings.newName);
  if (settings.alias !== undefined) body.bytes(IFLA_IFALIAS, Buffer.from(settings.alias));
  if (settings.netnsFd !== undefined) body.u32(IFLA_NET_NS_FD, settings.netnsFd);
  if (settings.master !== undefined) {
    body.u32(IFLA_MASTER, settings.master === null ? 0 : indexOf(settings.master));
  }
  if (settings.bondOptions === undefined) return { type: RTM_SETLINK, flags: 0, body: body.writer.done() };
  const { bondOptions } = settings;
  body.nested(IFLA_LINKINFO, () => {
    body.text(IFLA_INFO_KIND, 'bond');
    body.nested(IFLA_INFO_DATA, () => writeBondOptions(body, bondOptions, indexOf));
  });
  // Only RTM_NEWLINK changes what belongs to the kind (rtnetlink.c, __rtnl_newlink).
  return { type: RTM_NEWLINK, flags: 0, body: body.writer.done() };
}

export function deleteLink(name: string, indexOf: IndexOf): Request {
  return { type: RTM_DELLINK, flags: 0, body: linkHeader(new MessageBody(), indexOf(name)).writer.done() };
}

/** Undefined for messages of another kind (bridge ports send RTM_NEWLINK of family AF_BRIDGE). */
export function decodeLink({ body }: Message): Link | undefined {
  const header = new ByteReader(body, 'little');
  if (header.u8() !== 0) return undefined;
  header.skip(3);
  const index = header.u32();
  const flags = header.u32();
  header.skip(4);
  const attributes = new Attributes(header.take(header.remaining));
  const info = attributes.nested(IFLA_LINKINFO);
  const kind = info?.text(IFLA_INFO_KIND);
  const vlanId = kind === 'vlan' ? info?.nested(IFLA_INFO_DATA)?.u16(IFLA_VLAN_ID) : undefined;
  const bondMode = kind === 'bond' ? info?.nested(IFLA_INFO_DATA)?.u8(IFLA_BOND_MODE) : undefined;
  const mac = attributes.mac(IFLA_ADDRESS);
  const txQueueLength = attributes.u32(IFLA_TXQLEN);
  const linkIndex = attributes.u32(IFLA_LINK);
  const linkNetnsId = attributes.u32(IFLA_LINK_NETNSID);
  const deviceName = attributes.text(IFLA_PARENT_DEV_NAME);
  const masterIndex = attributes.u32(IFLA_MASTER);
  const alias = attributes.text(IFLA_IFALIAS);
  return {
    index,
    name: attributes.text(IFLA_IFNAME) ?? '',
    mtuBytes: attributes.u32(IFLA_MTU) ?? 0,
    up: (flags & IFF_UP) !== 0,
    carrier: (flags & IFF_LOWER_UP) !== 0,
    loopback: (flags & IFF_LOOPBACK) !== 0,
    ...(kind !== undefined && { kind }),
    ...(vlanId !== undefined && { vlanId }),
    ...(bondMode !== undefined && { bondMode }),
    ...(mac !== undefined && { mac }),
    ...(txQueueLength !== undefined && { txQueueLength }),
    ...(linkIndex && { linkIndex }),
    ...(linkNetnsId !== undefined && { linkNetnsId }),
    ...(deviceName !== undefined && { deviceName }),
    ...(masterIndex !== undefined && { masterIndex }),
    ...(alias !== undefined && { alias }),
  };
}
