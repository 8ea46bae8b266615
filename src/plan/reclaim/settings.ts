// What an administrator can set about reclaiming. The comments name the variables of Spiderpool's controller.

export interface ReclaimSettings {
  /** SPIDERPOOL_GC_IP_ENABLED. */
  readonly enabled: boolean;
  /** SPIDERPOOL_GC_STATELESS_TERMINATING_POD_ON_READY_NODE_ENABLED. Finished pods count too. */
  readonly endedPodsOnReadyNodes: boolean;
  /** SPIDERPOOL_GC_STATELESS_TERMINATING_POD_ON_NOT_READY_NODE_ENABLED. Finished pods count too. */
  readonly endedPodsOnNotReadyNodes: boolean;
  /** SPIDERPOOL_GC_ENABLE_STATELESS_RUNNING_POD_ON_EMPTY_POD_STATUS_IPS. */
  readonly runningPodsWithoutAddress: boolean;
  /** SPIDERPOOL_GC_ADDITIONAL_GRACE_DELAY, in milliseconds. */
  readonly additionalGraceMs: number;
  /** `enableStatefulSet` of the configuration. Pods of StatefulSets keep their addresses. */
  readonly fixedForStatefulSets: boolean;
  /** `enableKubevirtStaticIP` of the configuration. Virtual machines keep their addresses. */
  readonly fixedForVirtualMachines: boolean;
  /** How long an ended pod's node may fail to say whether the sandbox still runs. Spiderpool does not ask. */
  readonly silentNodePatienceMs: number;
  /**
   * How long no agent may know the sandbox of a pod whose node is not known. Agents need up to 30 s to come to a new
   * leader. Until then, they cannot be asked.
   */
  readonly unknownNodePatienceMs: number;
}

/** The values of Spiderpool's chart. */
export const defaultReclaimSettings: ReclaimSettings = {
  enabled: true,
  endedPodsOnReadyNodes: true,
  endedPodsOnNotReadyNodes: true,
  runningPodsWithoutAddress: false,
  additionalGraceMs: 0,
  fixedForStatefulSets: true,
  fixedForVirtualMachines: true,
  silentNodePatienceMs: 60_000,
  unknownNodePatienceMs: 45_000,
};
