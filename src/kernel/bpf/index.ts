export type { HeldServices } from './service-tables.ts';
export {
  type BalancerPlace,
  type HookState,
  removeSocketBalancer,
  SocketBalancer,
} from './socket-balancer.ts';
