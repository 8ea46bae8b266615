// What a cluster has in OpenStack beside addresses, as the controller writes it down. It calls no kernel.

export { CloudLedger, type LedgerPlace } from './cloud-ledger.ts';
export {
  deleteMadeFloating,
  type FloatingEntry,
  floatingDescription,
  floatingLedger,
  isAsLeft,
  takeBackFloating,
} from './floating-ips.ts';
export { type Routes, routesLedger } from './router-routes.ts';
