// What is known about one recorded address when its reclaiming is decided.

import type { IaasPlace, Pod, SpiderEndpoint } from '#api';

/** One record of a pool. */
export interface RecordedAddress {
  readonly pool: string;
  /** The pool is being deleted. It gives its addresses to no next pod of a StatefulSet. */
  readonly poolEnds?: boolean;
  /** Without prefix length. */
  readonly address: string;
  /** `namespace/name`. For a fixed address of KubeVirt it has the name of the VirtualMachineInstance, see also `nicOwner`. */
  readonly pod: string;
  readonly podUid: string;
  /** Undefined in records of Spiderpool. */
  readonly nic?: string | undefined;
  /** Where the provider of an IaaS may have bound it. The provider lets go first. */
  readonly iaas?: IaasPlace;
}

/** Something that a lookup found, did not find, or could not look for. */
export type Sight<T> =
  | { readonly state: 'present'; readonly object: T }
  | { readonly state: 'absent' }
  /** `said` is the server's answer. */
  | { readonly state: 'unreadable'; readonly said: string };

/** `sinceMs`: since when it is known to be absent, at the earliest since the controller runs (milliseconds since 1970). */
export type HolderSight =
  | Exclude<Sight<Pod>, { readonly state: 'absent' }>
  | { readonly state: 'absent'; readonly sinceMs: number };

/** The controller of the pod, as far as it decides whether the address is fixed. */
export type Owner =
  | {
      readonly kind: 'StatefulSet';
      readonly name: string;
      /** `spec.ordinals.start` (0 unless set) and `spec.replicas`. Undefined if it is deleted or being deleted. */
      readonly ordinals: { readonly start: number; readonly replicas: number } | undefined;
    }
  | {
      readonly kind: 'VirtualMachineInstance';
      readonly name: string;
      /** `ended`: the instance has finished or is being deleted. */
      readonly instance: 'alive' | 'ended' | 'absent';
      /** The VirtualMachine that starts the instance again. `ended`: it is being deleted. */
      readonly machine: 'alive' | 'ended' | 'absent';
    }
  /** No controller, but the IPAMClaim that keeps the addresses. `lives`: it exists and is not being deleted. */
  | { readonly kind: 'IPAMClaim'; readonly name: string; readonly lives: boolean }
  /** Every other controller, and none. Their pods have no fixed addresses. */
  | { readonly kind: 'other' }
  | { readonly kind: 'unreadable'; readonly said: string };

/** The node of the pod. */
export type NodeSight =
  | { readonly name: string; readonly state: 'ready' | 'notReady' | 'absent' }
  | { readonly name: string; readonly state: 'unreadable'; readonly said: string };

/**
 * What the node's agent says about the sandbox of `podUid`. `unknown`: the agent does not answer. An older answer does
 * not count.
 */
export type SandboxSight = 'alive' | 'gone' | 'unknown';

/**
 * Everything that a verdict depends on. Caches find candidates. Before an address is freed, the verdict is asked again
 * with facts that were read from the server just now.
 */
export interface ReclaimFacts {
  readonly record: RecordedAddress;
  /** The pod with the record's UID, whatever its name is. */
  readonly holder: HolderSight;
  /** The pod with the record's name and another UID. For KubeVirt: another pod of the VirtualMachineInstance. */
  readonly namesake: Pod | undefined;
  /** The endpoint with the record's name. */
  readonly endpoint: Sight<SpiderEndpoint>;
  readonly owner: Owner;
  /**
   * Another pod of the virtual machine that may use the address. While a machine migrates, two pods hold its address
   * together, and the record names one of them.
   */
  readonly companion: Sight<Pod>;
  /** Undefined if neither the pod nor the endpoint names a node. */
  readonly node: NodeSight | undefined;
  readonly sandbox: SandboxSight;
  readonly nowMs: number;
}
