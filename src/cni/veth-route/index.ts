export { type VethRouteParts, VethRoutePlugin } from './veth-route.ts';
