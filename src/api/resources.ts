// The table of all kinds that we read or write.

import {
  configMaps,
  cronJobs,
  customResourceDefinitions,
  daemonSets,
  deployments,
  endpointSlices,
  events,
  jobs,
  leases,
  mutatingWebhookConfigurations,
  namespaces,
  networkAttachmentDefinitions,
  nodes,
  podDisruptionBudgets,
  pods,
  replicaSets,
  secrets,
  serviceAccounts,
  services,
  statefulSets,
  validatingWebhookConfigurations,
} from './core/index.ts';
import {
  spiderCoordinators,
  spiderEndpoints,
  spiderIPPools,
  spiderMultusConfigs,
  spiderReservedIPs,
  spiderSubnets,
} from './spiderpool/index.ts';

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
  mutatingWebhookConfigurations,
  namespaces,
  nodes,
  podDisruptionBudgets,
  pods,
  replicaSets,
  secrets,
  serviceAccounts,
  services,
  statefulSets,
  validatingWebhookConfigurations,
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
