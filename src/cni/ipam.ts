// The allocator from the view of the CNI type `spiderpool`: allocates and releases addresses of a pod's interfaces.

import type { Logger } from '#base';
import type { Address, Cidr } from '#ip';

/**
 * Allocates and releases addresses of SpiderIPPools.
 *
 * Every refusal is an OrbError whose code determines the CNI error. IPAM_* concerns pools and pods. KUBE_UNREACHABLE
 * (11, try again) means that the API server is unreachable. DEADLINE_PASSED means that the caller's time ended first.
 * After a refusal, nothing stays allocated that was not allocated before.
 */
export interface Ipam {
  /**
   * The addresses of the pod. The ADD of the first NIC allocates for all NICs that the pod's annotation names and for
   * both families, all or nothing. Later NICs, repeats and new sandboxes of the same pod (UID) read what was allocated.
   */
  allocate(request: AllocationRequest): Promise<Allocation>;
  /**
   * Releases what the owner (UID, NIC) holds, and nothing of anyone else: for example, not of a later pod of the same
   * name. Releasing twice, or from a deleted pool, is no error.
   * KUBE_UNREACHABLE means that it is unknown whether anything was released: keep the request and repeat it. The caller
   * must not release for a sandbox that a newer one of the same UID has superseded.
   */
  release(request: ReleaseRequest): Promise<void>;
  /**
   * Releases what the owner (UID, NIC) holds in the pools of these addresses, because another machine uses them. For
   * ten minutes, no pod on this node gets these addresses.
   */
  quarantine(request: HoldingRequest): Promise<void>;
  /**
   * The UID under which the pools know the pod that the runtime means. For a static pod, this is the UID of its mirror
   * pod. If the cluster does not know the pod (any more), this is the UID that the runtime passed.
   */
  ownerUid(
    pod: { readonly namespace: string; readonly name: string; readonly uid: string },
    signal: AbortSignal,
  ): Promise<string>;
  /**
   * The addresses of an attachment's record that their pools do not hold for the owner any more. Reads the pools from
   * the server.
   */
  missing(request: HoldingRequest): Promise<readonly HeldAddress[]>;
}

export interface AllocationRequest {
  /** CNI_CONTAINERID, for the log only: an owner is (UID, NIC), whatever its sandbox. */
  readonly containerId: string;
  /** CNI_IFNAME. */
  readonly interfaceName: string;
  readonly podNamespace: string;
  readonly podName: string;
  /** K8S_POD_UID of CNI_ARGS, if the runtime passes it. The request then fails for any other pod of that name. */
  readonly podUid: string | undefined;
  /** `default_ipv4_ippool` of the CNI configuration; wildcards allowed. */
  readonly defaultIPv4Pools: readonly string[];
  /** `default_ipv6_ippool` of the CNI configuration. */
  readonly defaultIPv6Pools: readonly string[];
  /** `clean_gateway` of the CNI configuration: no default route on this NIC. */
  readonly cleanGateway: boolean;
  /**
   * Awaited before any pool is written, with the UID of the pod that will own the addresses. After a crash, this record
   * leads to what was allocated.
   */
  readonly intend?: (podUid: string) => Promise<void>;
  /** Aborts the request at its deadline, or when the caller disconnects. */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/**
 * What the pod holds: first the addresses of the request's NIC, then those of the other NICs in the same annotation
 * `ippools`.
 */
export interface Allocation {
  /** The UID of the owning pod. Keep it for the release. */
  readonly podUid: string;
  /** The addresses are fixed to the pod, as for a StatefulSet: no other addresses may replace them. */
  readonly fixed?: boolean;
  readonly addresses: readonly AllocatedAddress[];
  /**
   * Pool routes, the pod's own routes, and the default route through the pool's gateway unless the request leaves it
   * out.
   */
  readonly routes: readonly AllocatedRoute[];
}

export interface AllocatedAddress {
  /** Empty if the annotation names no interfaces and no ADD has named this one yet. */
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
  /** The UID from the {@link Allocation}. Never use one that was looked up again by name. */
  readonly podUid: string;
  /** CNI_IFNAME, or `all` for every NIC of the pod. */
  readonly nic: string | 'all';
  /**
   * No other NIC of the pod is attached any more. The release then also removes records that Spiderpool wrote without a
   * NIC.
   */
  readonly lastNic: boolean;
  /** The pools that the attachment's record names. They are checked even if the watch has not delivered them yet. */
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
