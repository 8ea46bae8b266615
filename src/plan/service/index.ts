export { type BookChange, type Claimed, ServiceBook } from './book.ts';
export {
  changeTables,
  type ServingMember,
  type SetMember,
  type TableChanges,
  type WrittenEntry,
  type WrittenTable,
} from './changes.ts';
export { type ClientNode, clientNode, isSameClient } from './client-node.ts';
export { endpointsFor, endpointsOf, type ServiceEndpoint } from './endpoints.ts';
export { type ClaimedEntry, placeOf, type ServiceReading, serviceEntries } from './entries.ts';
export { checkServiceMode, leavesServices, SERVICE_MODE_ANNOTATION } from './exempt.ts';
export { type FollowedSocket, staleSockets } from './followed.ts';
export { affinitySecondsOf, type Claim, serviceFronts } from './fronts.ts';
export { otherBalancers } from './other-balancer.ts';
export {
  type Backends,
  type Frontend,
  frontendKey,
  type Place,
  type Protocol,
  placeText,
  type ServiceCounts,
  type ServiceEntry,
  type ServiceTable,
} from './tables.ts';
export { type EndpointUse, endpointUses } from './uses.ts';
