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
