// A filter program for route netlink that keeps only events that can undo what we made. Neighbours that come and go
// with every pod's traffic, and routes of a routing daemon, never wake the agent.

import { MAIN_TABLE, ROUTE_PROTOCOL, RTPROT } from '#net';
import { RTM_DELNEIGH, RTM_DELROUTE, RTM_NEWNEIGH, RTM_NEWROUTE } from './netlink/index.ts';
import {
  assemble,
  at,
  copyToX,
  DROP,
  jumpIfEqual,
  jumpIfMessage,
  KEEP,
  loadByte,
  loadByteAtX,
  loadMessageType,
  loadNumber,
  loadNumberToX,
  loadWord,
} from './socket-filter.ts';

/**
 * SKF_AD_OFF + SKF_AD_NLATTR (filter.h): sets A to the offset of the attribute of type X, searching from offset A. Sets
 * A to 0 if there is none.
 */
const NETLINK_ATTRIBUTE = 0xffff_f000 + 12;

const NDA_PROTOCOL = 12;
const ATTRIBUTES_OF_NEIGHBOUR = 16 + 12;
/** Offsets of fields of struct rtmsg. */
const RTM_DST_LEN = 16 + 1;
const RTM_TABLE = 16 + 4;
const RTM_PROTOCOL = 16 + 5;

/**
 * Keeps events of links, addresses, rules and sysctls. Of routes and neighbours, keeps those that are ours or a
 * plugin's.
 */
export const driftFilter = assemble([
  loadMessageType(),
  jumpIfMessage(RTM_NEWNEIGH, { yes: 'neighbour' }),
  jumpIfMessage(RTM_DELNEIGH, { yes: 'neighbour' }),
  jumpIfMessage(RTM_NEWROUTE, { yes: 'route' }),
  jumpIfMessage(RTM_DELROUTE, { yes: 'route', no: KEEP }),
  at('neighbour', loadNumber(ATTRIBUTES_OF_NEIGHBOUR)),
  loadNumberToX(NDA_PROTOCOL),
  loadWord(NETLINK_ATTRIBUTE),
  jumpIfEqual(0, { yes: DROP }),
  copyToX(),
  loadByteAtX(4),
  jumpIfEqual(ROUTE_PROTOCOL, { yes: KEEP, no: DROP }),
  // Keeps our routes, default routes, and what plugins and people add to table main.
  at('route', loadByte(RTM_PROTOCOL)),
  jumpIfEqual(ROUTE_PROTOCOL, { yes: KEEP }),
  loadByte(RTM_DST_LEN),
  jumpIfEqual(0, { yes: KEEP }),
  loadByte(RTM_TABLE),
  jumpIfEqual(MAIN_TABLE, { no: DROP }),
  loadByte(RTM_PROTOCOL),
  jumpIfEqual(RTPROT.boot, { yes: KEEP }),
  jumpIfEqual(RTPROT.static, { yes: KEEP, no: DROP }),
]);
