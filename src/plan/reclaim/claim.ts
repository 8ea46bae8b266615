// Whether an address is fixed: it stays with its StatefulSet ordinal or virtual machine while no pod runs.

import type { Owner, RecordedAddress } from './facts.ts';
import type { ReclaimSettings } from './settings.ts';

/** `none`: the address is not fixed. `lost`: it was, and its owner needs it no more. */
export interface Claim {
  readonly state: 'none' | 'kept' | 'lost';
  /** The reason, as a clause. */
  readonly why: string;
}

const NOT_FIXED = 'the address is not fixed';

/** A release of the CNI (DEL) and reclaiming ask the same question. */
export function claimOf(
  { pod }: Pick<RecordedAddress, 'pod'>,
  owner: Owner,
  settings: Pick<ReclaimSettings, 'fixedForStatefulSets' | 'fixedForVirtualMachines'>,
): Claim {
  if (owner.kind === 'StatefulSet' && settings.fixedForStatefulSets) return ordinalClaim(pod, owner);
  if (owner.kind === 'VirtualMachineInstance' && settings.fixedForVirtualMachines) return machineClaim(owner);
  if (owner.kind === 'IPAMClaim') {
    const { name, lives } = owner;
    return lives
      ? { state: 'kept', why: `IPAMClaim ${name} keeps the address` }
      : { state: 'lost', why: `IPAMClaim ${name} is gone` };
  }
  return { state: 'none', why: NOT_FIXED };
}

function ordinalClaim(pod: string, { name, ordinals }: Owner & { kind: 'StatefulSet' }): Claim {
  if (ordinals === undefined) return { state: 'lost', why: `StatefulSet ${name} is deleted` };
  const { start, replicas } = ordinals;
  const ordinal = ordinalOf(pod, name);
  if (ordinal === undefined) {
    return { state: 'lost', why: `the name of the pod is not one that StatefulSet ${name} gives` };
  }
  if (ordinal >= start && ordinal < start + replicas) {
    return { state: 'kept', why: `StatefulSet ${name} keeps the address of ordinal ${ordinal}` };
  }
  return { state: 'lost', why: `StatefulSet ${name} has no ordinal ${ordinal} any more` };
}

/** The StatefulSet controller names pods `<set>-<ordinal>`, without leading zeros. */
function ordinalOf(pod: string, set: string): number | undefined {
  const name = pod.slice(pod.indexOf('/') + 1);
  const [, ordinal] = name.startsWith(`${set}-`)
    ? (/^(0|[1-9]\d{0,9})$/.exec(name.slice(set.length + 1)) ?? [])
    : [];
  return ordinal === undefined ? undefined : Number(ordinal);
}

/** A VirtualMachine starts its instance again. An instance without one lives once. */
function machineClaim({ name, instance, machine }: Owner & { kind: 'VirtualMachineInstance' }): Claim {
  if (instance === 'alive') return { state: 'kept', why: `VirtualMachineInstance ${name} lives` };
  if (machine === 'alive') {
    return { state: 'kept', why: `VirtualMachine ${name} can start again, and the address is fixed to it` };
  }
  return { state: 'lost', why: `neither VirtualMachine nor VirtualMachineInstance ${name} lives` };
}
