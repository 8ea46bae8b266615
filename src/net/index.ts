export { describeAddress, describeChange, describeNeighbour, describeRoute, describeRule } from './describe.ts';
export type { Change, DumpFilter, NetworkNamespace } from './namespace.ts';
export {
  type InterfaceAddress,
  type Link,
  type LinkKind,
  type LinkSettings,
  type LinkSpec,
  type Mac,
  MAIN_TABLE,
  type Neighbour,
  type NextHop,
  type Route,
  ROUTE_PROTOCOL,
  type Rule,
  type Scope,
} from './objects.ts';
export { errnoOf, type Refusal, refusal } from './refusal.ts';
