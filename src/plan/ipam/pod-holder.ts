// In whose name a pod holds its addresses, and whether they are fixed: kept for the next pod of that name.

import type { Pod } from '#api';

/** Which controllers have fixed addresses. `enableStatefulSet` and `enableKubevirtStaticIP` of the configuration. */
export interface FixedSettings {
  readonly fixedForStatefulSets: boolean;
  readonly fixedForVirtualMachines: boolean;
}

export interface PodHolder {
  /** `namespace/name` of the pod, or of its VirtualMachineInstance. Records and the SpiderEndpoint have this name. */
  readonly name: string;
  /** Undefined if the addresses are not fixed. */
  readonly fixedTo: 'StatefulSet' | 'VirtualMachineInstance' | undefined;
  /** The pod is the target of a live migration: another pod of the virtual machine still uses what is fixed. */
  readonly isMigrationTarget: boolean;
}

/** KubeVirt writes it on the target pod of a live migration (MigrationJobNameAnnotation). */
const MIGRATION_ANNOTATION = 'kubevirt.io/migrationJobName';

/** The virtual machine that the pod runs, as `namespace/name` of its VirtualMachineInstance. */
export function machineOf({ metadata }: Pod): string | undefined {
  const controller = metadata.ownerReferences?.find((reference) => reference.controller === true);
  const isMachine =
    controller?.kind === 'VirtualMachineInstance' && controller.apiVersion.startsWith('kubevirt.io/');
  return isMachine ? `${metadata.namespace ?? ''}/${controller.name}` : undefined;
}

/** A controller of a third party has no fixed addresses, also if its kind has one of these names, as in Spiderpool. */
export function podHolder(pod: Pod, settings: FixedSettings): PodHolder {
  const { metadata } = pod;
  const { namespace = '', name = '', ownerReferences = [], annotations = {} } = metadata;
  const controller = ownerReferences.find((reference) => reference.controller === true);
  const [group] = controller?.apiVersion.split('/') ?? [];
  const machine = machineOf(pod);
  const isMigrationTarget = machine !== undefined && annotations[MIGRATION_ANNOTATION] !== undefined;
  const own = { name: `${namespace}/${name}`, fixedTo: undefined, isMigrationTarget };
  if (controller?.kind === 'StatefulSet' && group === 'apps' && settings.fixedForStatefulSets) {
    return { ...own, fixedTo: 'StatefulSet' };
  }
  if (machine === undefined || !settings.fixedForVirtualMachines) return own;
  return { name: machine, fixedTo: 'VirtualMachineInstance', isMigrationTarget };
}
