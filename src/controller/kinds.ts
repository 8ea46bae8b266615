// The kinds that the controllers follow.

import { resources } from '#api';
import type { Controller, StateOf } from '#reconcile';
import {
  slimClaims,
  slimCronJobs,
  slimDaemonSets,
  slimDeployments,
  slimEndpoints,
  slimJobs,
  slimPods,
  slimReplicaSets,
} from './slim-kinds.ts';

/** SpiderMultusConfigs and what is made of them. */
export const networkKinds = {
  configs: resources.spiderMultusConfigs,
  definitions: resources.networkAttachmentDefinitions,
} as const;

export type NetworkController = Controller<typeof networkKinds>;
export type NetworkState = StateOf<typeof networkKinds>;

/** The settings of the cluster. */
export const settingKinds = { coordinators: resources.spiderCoordinators } as const;

export type SettingController = Controller<typeof settingKinds>;

/** Pools, what decides who holds their addresses and who asks for automatic pools, and what new objects are checked against at admission. */
export const addressKinds = {
  pools: resources.spiderIPPools,
  reserved: resources.spiderReservedIPs,
  subnets: resources.spiderSubnets,
  endpoints: slimEndpoints,
  pods: slimPods,
  nodes: resources.nodes,
  statefulSets: resources.statefulSets,
  deployments: slimDeployments,
  replicaSets: slimReplicaSets,
  daemonSets: slimDaemonSets,
  jobs: slimJobs,
  cronJobs: slimCronJobs,
} as const;

export type AddressController = Controller<typeof addressKinds>;
export type AddressState = StateOf<typeof addressKinds>;

/** IPAMClaims. Most clusters do not have the kind. */
export const claimKinds = { claims: slimClaims } as const;

/** Whose annotations count for new pods at admission. */
export const namespaceKinds = { namespaces: resources.namespaces } as const;
