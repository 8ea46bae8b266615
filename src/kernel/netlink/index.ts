export { changeAddress, decodeAddress, getAddresses, RTM_DELADDR, RTM_NEWADDR } from './address.ts';
export { decodeConfiguration, RTM_NEWNETCONF } from './configuration.ts';
export { decodeUdpFlow, deleteFlow, type FollowedFlow, getUdpFlows } from './conntrack.ts';
export { createLink, decodeLink, deleteLink, getLinks, RTM_DELLINK, RTM_NEWLINK, setLink } from './link.ts';
export type { IndexOf } from './link-header.ts';
export { type Acknowledgement, decodeMessages, type Message, type Request } from './message.ts';
export { assignNamespaceId, decodeNamespaceId, getNamespaceId } from './namespace-id.ts';
export {
  changeNeighbour,
  changeProxy,
  decodeNeighbour,
  decodeProxy,
  getNeighbours,
  getProxies,
  RTM_DELNEIGH,
  RTM_NEWNEIGH,
} from './neighbour.ts';
export {
  decodeNftRule,
  getNftRules,
  NETLINK_NETFILTER,
  NFNLGRP_NFTABLES,
  NFT_NEW_GENERATION,
} from './nftables.ts';
export {
  changeRoute,
  decodeRoute,
  decodeRouteTo,
  getRoutes,
  getRouteTo,
  RTM_DELROUTE,
  RTM_NEWROUTE,
} from './route.ts';
export { changeRule, decodeRule, getRules, RTM_DELRULE, RTM_NEWRULE } from './rule.ts';
export { NetlinkSocket, openNetlink } from './socket.ts';
export {
  type ConnectedSocket,
  decodeConnectedUdp,
  destroySocket,
  getConnectedUdp,
  NETLINK_SOCK_DIAG,
} from './socket-diag.ts';
