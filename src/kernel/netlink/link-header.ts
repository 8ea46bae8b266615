// The header of link messages and the attributes that a link and a veth's peer share (if_link.h).

import type { Mac } from '#net';
import type { MessageBody } from './attributes.ts';

export const IFLA_ADDRESS = 1;
export const IFLA_IFNAME = 3;
export const IFLA_MTU = 4;
export const IFLA_TXQLEN = 13;
export const IFLA_NET_NS_FD = 28;
export const IFF_UP = 1;

/** Finds the index of a link by name. Throws if there is none. */
export type IndexOf = (name: string) => number;

/** struct ifinfomsg. With `up` undefined, the flag stays as it is. */
export function linkHeader(body: MessageBody, index: number, up?: boolean): MessageBody {
  body.writer.u8(0).u8(0).u16(0).u32(index);
  body.writer.u32(up === true ? IFF_UP : 0).u32(up === undefined ? 0 : IFF_UP);
  return body;
}

/** What can be set on every link. */
export interface LinkProperties {
  readonly mac?: Mac;
  readonly mtuBytes?: number;
  readonly txQueueLength?: number;
}

export function writeProperties(body: MessageBody, { mac, mtuBytes, txQueueLength }: LinkProperties): void {
  if (mac !== undefined) body.mac(IFLA_ADDRESS, mac);
  if (mtuBytes !== undefined) body.u32(IFLA_MTU, mtuBytes);
  if (txQueueLength !== undefined) body.u32(IFLA_TXQLEN, txQueueLength);
}
