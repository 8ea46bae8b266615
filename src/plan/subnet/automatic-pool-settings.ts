// What the configuration says of automatic pools. Agents and the controller must have the same, because both make them.

import type { AgentConfig } from '#api';

export interface AutomaticPoolSettings {
  /** If false, annotations that ask for subnets are not read, and no automatic pool is made, changed or removed. */
  readonly enabled: boolean;
  /** How many more addresses than pods a pool gets without `ippool-ip-number`. */
  readonly spareAddresses: number;
}

export const defaultAutomaticPools: AutomaticPoolSettings = { enabled: true, spareAddresses: 0 };

export function automaticPoolSettings(config: AgentConfig): AutomaticPoolSettings {
  return {
    enabled: config.enableSpiderSubnet && config.enableAutoPoolForApplication,
    spareAddresses: config.clusterSubnetAutoPoolDefaultRedundantIPNumber,
  };
}
