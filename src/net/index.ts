export { bondOptions, readBondOption } from './bond-options.ts';
export { describeChange } from './describe.ts';
export { missingLinkKind } from './missing-link-kind.ts';
export type { DumpFilter, NetworkChange, NetworkNamespace } from './namespace.ts';
export {
  type InterfaceAddress,
  IPPROTO,
  type Link,
  type LinkKind,
  type LinkSettings,
  type LinkSpec,
  type Listener,
  LOCAL_TABLE,
  MAIN_TABLE,
  type Mac,
  type Neighbour,
  type NextHop,
  type NftRule,
  type ProxyNeighbour,
  ROUTE_PROTOCOL,
  type Route,
  RTPROT,
  type Rule,
  type Scope,
} from './objects.ts';
export { errnoOf, type Refusal, refusal } from './refusal.ts';
