// The table of all kinds that we read or write.

import { cronJobs, jobs } from './core/batch.ts';
import { configMaps } from './core/config-map.ts';
import { customResourceDefinitions } from './core/custom-resource-definition.ts';
import { podDisruptionBudgets } from './core/disruption-budget.ts';
import { endpointSlices } from './core/endpoint-slice.ts';
import { events } from './core/event.ts';
import { leases } from './core/lease.ts';
import { namespaces } from './core/namespace.ts';
import { networkAttachmentDefinitions } from './core/network-attachment-definition.ts';
import { nodes } from './core/node.ts';
import { pods } from './core/pod.ts';
import { services } from './core/service.ts';
import { serviceAccounts } from './core/service-account.ts';
import { daemonSets, deployments, replicaSets, statefulSets } from './core/workload.ts';
import { spiderCoordinators } from './spiderpool/coordinator.ts';
import { spiderEndpoints } from './spiderpool/endpoint.ts';
import { spiderIPPools } from './spiderpool/ip-pool.ts';
import { spiderMultusConfigs } from './spiderpool/multus-config.ts';
import { spiderReservedIPs } from './spiderpool/reserved-ip.ts';
import { spiderSubnets } from './spiderpool/subnet.ts';

/** The kinds that the server has without a CustomResourceDefinition. */
export const builtInResources = {
  configMaps,
  cronJobs,
  customResourceDefinitions,
  daemonSets,
  deployments,
  endpointSlices,
  events,
  jobs,
  leases,
  namespaces,
  nodes,
  podDisruptionBudgets,
  pods,
  replicaSets,
  serviceAccounts,
  services,
  statefulSets,
} as const;

/** The kinds that our CustomResourceDefinitions add. */
export const customResources = {
  networkAttachmentDefinitions,
  spiderCoordinators,
  spiderEndpoints,
  spiderIPPools,
  spiderMultusConfigs,
  spiderReservedIPs,
  spiderSubnets,
} as const;

/** Every kind, by the plural of its name in camel case. */
export const resources = { ...builtInResources, ...customResources } as const;
