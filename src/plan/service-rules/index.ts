export { type FrontObjects, type FrontRules, frontNames, frontRules, SERVICE_TABLE } from './front-rules.ts';
export { type HealthCheck, healthCheck } from './health-checks.ts';
export { heldFronts, listings } from './held-fronts.ts';
export { insideNetworks } from './inside.ts';
export { type PacketEntry, packetEntries } from './packet-entries.ts';
export { type SharedElement, sharedCommands, sharedElements } from './shared-elements.ts';
export { type Flow, staleFlows } from './stale-flows.ts';
export { baseCommands, frontCommands, removalCommands, tableCommands } from './table-commands.ts';
