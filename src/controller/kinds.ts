// The kinds that the controllers follow.

import { resources } from '#api';
import type { Controller, StateOf } from '#reconcile';

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

/** What new objects are checked against at admission, besides {@link networkKinds}. */
export const admissionKinds = {
  pools: resources.spiderIPPools,
  subnets: resources.spiderSubnets,
  nodes: resources.nodes,
} as const;

export type AdmissionState = StateOf<typeof admissionKinds>;
