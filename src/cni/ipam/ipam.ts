// A source of addresses, as a port. The CNI types that give addresses share one plugin, and each has a source of its
// own: `spiderpool` has the allocator of SpiderIPPools.

import type { CniDns, NetConf } from '#api';
import { type Logger, OrbError } from '#base';
import { type Address, type Cidr, formatAddress } from '#ip';
import type { Mac } from '#net';

/**
 * Allocates and releases addresses of a pod's interfaces. An owner is a pod (UID) and a NIC, whatever its sandbox.
 *
 * Every refusal is an OrbError whose code determines the CNI error. KUBE_UNREACHABLE (11, try again) means that the
 * server behind the source is unreachable. DEADLINE_PASSED means that the caller's time ended first. After a refusal,
 * nothing stays allocated that was not allocated before.
 */
export interface Ipam {
  /**
   * Called before anything is done for an ADD. Throws INPUT_INVALID for an invalid option of the source or an invalid
   * request. Throws ADDRESS_REQUEST_UNSERVED if the source can never give a requested address.
   */
  validate(wish: AddressWish): void;
  /**
   * The addresses of the pod. The ADD of the first NIC may allocate for all NICs of the pod, all or nothing. Later NICs,
   * repeats and new sandboxes of the same pod (UID) read what was allocated.
   */
  allocate(request: AllocationRequest): Promise<Allocation>;
  /**
   * Releases what the owner holds, and nothing of anyone else: for example, not of a later pod of the same name.
   * Releasing twice, or what is gone, is no error.
   * KUBE_UNREACHABLE means that it is unknown whether anything was released: keep the request and repeat it. The caller
   * must not release for a sandbox that a newer one of the same UID has superseded.
   */
  release(request: ReleaseRequest): Promise<void>;
  /**
   * Releases these addresses of the owner, because another machine uses them. For ten minutes, no pod on this node gets
   * them.
   */
  quarantine(request: HoldingRequest): Promise<void>;
  /**
   * The UID under which the source knows the pod that the runtime means. For a static pod, this is the UID of its
   * mirror pod. If the cluster does not know the pod (any more), this is the UID that the runtime passed.
   */
  ownerUid(
    pod: { readonly namespace: string; readonly name: string; readonly uid: string },
    signal: AbortSignal,
  ): Promise<string>;
  /**
   * For CHECK: asks the server whether the owner still holds these addresses of a record. Throws {@link notHeldError}
   * for the first one that it does not hold.
   */
  verify(request: HoldingRequest): Promise<void>;
  /** For STATUS: why no ADD can be served now, beside what keeps the whole agent from it. Undefined if it can. */
  unready?(): Promise<string | undefined>;
}

/** What the configuration and the runtime ask for. */
export interface AddressWish {
  /** The network configuration. Its object `ipam` has the options of the source. */
  readonly conf: NetConf;
  /** What asks for particular addresses: the value of each field that may do so. The first one that asks decides. */
  readonly requested: Readonly<Record<string, unknown>>;
  /** In the same form, what asks for a particular link address. The main plugin may set it too. */
  readonly requestedMacs: Readonly<Record<string, unknown>>;
}

export interface AllocationRequest extends AddressWish {
  /** CNI_CONTAINERID, for the log only. */
  readonly containerId: string;
  /** CNI_IFNAME. */
  readonly interfaceName: string;
  readonly podNamespace: string;
  readonly podName: string;
  /** K8S_POD_UID of CNI_ARGS, if the runtime passes it. The request then fails for any other pod of that name. */
  readonly podUid: string | undefined;
  /** The addresses of the interface on the node that the NIC is made from, with prefix lengths. */
  readonly parentNetworks: () => Promise<readonly Cidr[]>;
  /**
   * Awaited before anything is allocated, with the UID of the pod that will own the addresses. After a crash, this
   * record leads to what was allocated. A source whose server does not know owners also names the addresses that it is
   * about to take. {@link ReleaseRequest.held} then names them.
   */
  readonly intend?: (podUid: string, planned?: readonly AllocatedAddress[]) => Promise<void>;
  /** Aborts the request at its deadline, or when the caller disconnects. */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** What the pod holds: first the addresses of the request's NIC, then those of NICs that were allocated with it. */
export interface Allocation {
  /** The UID of the owning pod. Keep it for the release. */
  readonly podUid: string;
  /** The addresses are fixed to the pod, as for a StatefulSet: no other addresses may replace them. */
  readonly fixed?: boolean;
  /**
   * Another pod uses the addresses until this one takes over, as in the live migration of a virtual machine. They are
   * not probed, because the other pod would answer, and not announced: the machine does it when it has moved.
   */
  readonly shared?: boolean;
  readonly addresses: readonly AllocatedAddress[];
  /** All routes of the NICs, with the default route where there is one. */
  readonly routes: readonly AllocatedRoute[];
  /** What the source demands of the request's NIC. It is set before the addresses are probed. */
  readonly link?: LinkDemand;
  /** Handed to the runtime. */
  readonly dns?: CniDns;
}

export interface AllocatedAddress {
  /** Empty if no ADD has named the NIC yet. */
  readonly nic: string;
  /** The address with the prefix length of its subnet. */
  readonly address: Cidr;
  readonly gateway?: Address;
  /** See {@link HeldAddress}. */
  readonly heldIn: string;
}

export interface AllocatedRoute {
  readonly nic: string;
  readonly destination: Cidr;
  readonly gateway: Address;
}

export interface LinkDemand {
  /** A network may drop packets that come from another link address, as the port security of OpenStack does. */
  readonly mac?: Mac;
  /** The VLAN of the interface, 1 to 4094: main plugins of the type `eni-vlan` make it. */
  readonly vlan?: number;
  readonly mtuBytes?: number;
}

/** What a release and a check have in common. */
interface OwnerRequest {
  /** The UID from the {@link Allocation}. Never use one that was looked up again by name. */
  readonly podUid: string;
  readonly signal: AbortSignal;
}

export interface ReleaseRequest extends OwnerRequest {
  readonly podNamespace: string;
  readonly podName: string;
  /**
   * CNI_IFNAME. Undefined releases everything that the pod holds: no NIC of it is attached any more. This includes what
   * was allocated for NICs that were never attached.
   */
  readonly nic: string | undefined;
  /** What the attachment's record names. A source that has just started looks there, even if it knows nothing yet. */
  readonly held: readonly HeldAddress[];
  readonly log: Logger;
}

export interface HoldingRequest extends OwnerRequest {
  readonly nic: string;
  readonly addresses: readonly HeldAddress[];
}

export interface HeldAddress {
  readonly address: Address;
  /** Where the source holds it, in the source's own words: the name of a SpiderIPPool. */
  readonly heldIn: string;
}

/** The error of a CHECK whose address is lost. `place` is where the source should hold it: `IPPool v4`. */
export function notHeldError(nic: string, address: Address, place: string, subject = place): OrbError {
  return new OrbError('CNI_CHECK_FAILED', {
    message: `address ${formatAddress(address)} of interface ${nic} is not held for this pod in ${place} any more`,
    subject,
  });
}
