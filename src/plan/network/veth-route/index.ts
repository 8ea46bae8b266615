export { defaultNic, holderOf, type NodeSight, uplinkOf } from './uplink.ts';
export {
  planVethRoute,
  planVethRoutePair,
  type RoutedAddress,
  type VethRouteInput,
  vethRoutePair,
} from './veth-route.ts';
