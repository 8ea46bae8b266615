// The allocator as the CNI type `spiderpool` sees it: addresses for a pod's interfaces, and giving them back.

import type { Logger } from '#base';
import type { Address, Cidr } from '#ip';

/**
 * Allocates and releases addresses of SpiderIPPools.
 *
 * Refusals are OrbErrors whose code says the CNI error: IPAM_* for pools and pods, KUBE_UNREACHABLE (11, try again) while
 * the API server is away, DEADLINE_PASSED when the caller's time was over first; then nothing stays allocated that was not before.
 */
export interface Ipam {
  /**
   * The addresses of the pod. All NICs that its annotation names and both families are allocated at once when its first NIC
   * is attached, all or nothing; later NICs, repeats and new sandboxes of the same pod (UID) read what was allocated.
   */
  allocate(request: AllocationRequest): Promise<Allocation>;
  /**
   * Gives back what the owner (UID, NIC) holds, and nothing of anyone else: not of a later pod of the same name. Releasing
   * twice, or from a pool that is gone, is no error. KUBE_UNREACHABLE: nothing is known to be free; keep the request and repeat it.
   * The caller must not release for a sandbox that a newer one of the same UID has superseded.
   */
  release(request: ReleaseRequest): Promise<void>;
  /**
   * Gives back what the owner (UID, NIC) holds in the pools of these addresses, which another machine was seen to use: for ten
   * minutes nobody on this node gets them.
   */
  quarantine(request: HoldingRequest): Promise<void>;
  /**
   * The UID by which pools know the pod that the runtime names so: a static pod's is its mirror pod's. As the runtime says it where the
   * cluster knows no better (any more).
   */
  ownerUid(
    pod: { readonly namespace: string; readonly name: string; readonly uid: string },
    signal: AbortSignal,
  ): Promise<string>;
  /** Of the addresses that an attachment's record names, those that their pools do not hold for the owner any more; read live. */
  missing(request: HoldingRequest): Promise<readonly HeldAddress[]>;
}

export interface AllocationRequest {
  /** CNI_CONTAINERID, for the log: an owner is (UID, NIC), whatever its sandbox. */
  readonly containerId: string;
  /** CNI_IFNAME. */
  readonly ifName: string;
  readonly podNamespace: string;
  readonly podName: string;
  /** K8S_POD_UID of CNI_ARGS where the runtime passes it: the request then fails for any other pod of that name. */
  readonly podUid: string | undefined;
  /** `default_ipv4_ippool` of the CNI configuration; wildcards allowed. */
  readonly defaultIPv4Pools: readonly string[];
  /** `default_ipv6_ippool` of the CNI configuration. */
  readonly defaultIPv6Pools: readonly string[];
  /** `clean_gateway` of the CNI configuration: no default route on this NIC. */
  readonly cleanGateway: boolean;
  /** Awaited with the UID of the pod that will hold them, before any pool is written: what a crash leaves must be found again. */
  readonly intend?: (podUid: string) => Promise<void>;
  /** Ends the request at its deadline, or when the caller left. */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** What the pod holds: on the NIC of the request first, then on the others that the annotation `ippools` names with it. */
export interface Allocation {
  /** The UID of the pod that holds it: to be kept for the release. */
  readonly podUid: string;
  /** The addresses are the pod's for good, as a StatefulSet's: no others may take their place. */
  readonly fixed?: boolean;
  readonly addresses: readonly AllocatedAddress[];
  /** Pool routes, the pod's own routes, and the default route by the pool's gateway unless it is to be left out. */
  readonly routes: readonly AllocatedRoute[];
}

export interface AllocatedAddress {
  /** Empty where the annotation names no interfaces and no ADD has named this one yet. */
  readonly nic: string;
  /** The address with the prefix length of its pool's subnet. */
  readonly address: Cidr;
  readonly gateway?: Address;
  readonly pool: string;
}

export interface AllocatedRoute {
  readonly nic: string;
  readonly destination: Cidr;
  readonly gateway: Address;
}

export interface ReleaseRequest {
  readonly podNamespace: string;
  readonly podName: string;
  /** The UID that {@link Allocation} told, never one looked up again by name. */
  readonly podUid: string;
  /** CNI_IFNAME, or every NIC of the pod. */
  readonly nic: string | 'all';
  /** No other NIC of the pod is attached any more: records that Spiderpool wrote, without NIC, then go too. */
  readonly lastNic: boolean;
  /** The pools that the attachment's record names: they are looked at even where the pool's watch lags behind. */
  readonly knownPools: readonly string[];
  readonly signal: AbortSignal;
  readonly log: Logger;
}

export interface HoldingRequest {
  readonly podUid: string;
  readonly nic: string;
  readonly addresses: readonly HeldAddress[];
  readonly signal: AbortSignal;
}

export interface HeldAddress {
  readonly address: Address;
  readonly pool: string;
}
