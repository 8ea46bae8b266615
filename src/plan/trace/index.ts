export { type LinksOf, segmentsOf } from './cables.ts';
export { type Decision, type Flow, lookUp } from './lookup.ts';
export { connected, interfaceAddress, podFirewall, routeBy, viewOf } from './planned.ts';
export { type Arrival, sourceRefusal } from './reverse-path.ts';
export { describeRow, type RowPath } from './rows.ts';
export { sampleCluster } from './sample-cluster.ts';
export type { SampleSettings } from './sample-pods.ts';
export { serviceFronts } from './service.ts';
export type { ServiceEndpoint, ServiceFront } from './service-front.ts';
export { sourceFor } from './source-address.ts';
export { traceText, walkLine } from './text.ts';
export type { LinkView, NamespaceView } from './view.ts';
export { type Trace, type TraceRequest, trace, type Walk } from './walk.ts';
export {
  type Firewall,
  type Masquerade,
  type Packet,
  type Place,
  type Port,
  type Protocol,
  placeOf,
  type Segment,
  type World,
} from './world.ts';
