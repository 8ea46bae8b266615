// Addresses from memory, for tests. Each pod and NIC gets the next address and keeps it until it is released.

import type { OrbError } from '#base';
import { formatAddress, parseAddress, parseCidr } from '#ip';
import { refuseRequestedAddress } from '#plan/ipam';
import {
  type AddressWish,
  type Allocation,
  type AllocationRequest,
  type HoldingRequest,
  type Ipam,
  notHeldError,
  type ReleaseRequest,
} from '../ipam/index.ts';

export class FakeIpam implements Ipam {
  /** `<pod UID> <NIC>` to its address. */
  readonly held = new Map<string, string>();
  readonly allocations: AllocationRequest[] = [];
  readonly releases: ReleaseRequest[] = [];
  readonly quarantined: string[] = [];
  /** UIDs of mirror pods by the hashes of their files. */
  readonly mirrors = new Map<string, string>();
  /** Whether allocations are reported as fixed to the pod. */
  fixed = false;
  /** Whether allocations are reported as shared with another pod. */
  shared = false;
  /** Every call throws this error while it is set. */
  failure: OrbError | undefined;
  #next = 1;

  validate({ requested }: AddressWish): void {
    for (const [field, value] of Object.entries(requested)) refuseRequestedAddress(field, value);
  }

  async allocate(request: AllocationRequest): Promise<Allocation> {
    this.allocations.push(request);
    if (this.failure !== undefined) throw this.failure;
    const podUid = request.podUid ?? `uid of ${request.podNamespace}/${request.podName}`;
    const key = `${podUid} ${request.interfaceName}`;
    await request.intend?.(podUid);
    const address = this.held.get(key) ?? `10.6.1.${this.#next++}`;
    this.held.set(key, address);
    const gateway = parseAddress('10.6.0.1');
    return {
      podUid,
      ...(this.fixed && { fixed: true }),
      ...(this.shared && { shared: true }),
      addresses: [{ nic: request.interfaceName, address: parseCidr(`${address}/16`), gateway, heldIn: 'v4' }],
      routes: [{ nic: request.interfaceName, destination: parseCidr('0.0.0.0/0'), gateway }],
    };
  }

  async release(request: ReleaseRequest): Promise<void> {
    this.releases.push(request);
    if (this.failure !== undefined) throw this.failure;
    for (const key of this.held.keys()) {
      const [uid, nic] = [key.slice(0, key.lastIndexOf(' ')), key.slice(key.lastIndexOf(' ') + 1)];
      if (uid === request.podUid && (request.nic === undefined || request.nic === nic)) this.held.delete(key);
    }
  }

  async quarantine({ podUid, nic, addresses }: HoldingRequest): Promise<void> {
    this.quarantined.push(...addresses.map(({ address }) => formatAddress(address)));
    this.held.delete(`${podUid} ${nic}`);
  }

  async ownerUid({ uid }: { readonly uid: string }): Promise<string> {
    return this.mirrors.get(uid) ?? uid;
  }

  async verify({ podUid, nic, addresses: [first] }: HoldingRequest): Promise<void> {
    if (first === undefined || this.held.has(`${podUid} ${nic}`)) return;
    throw notHeldError(nic, first.address, `IPPool ${first.heldIn}`);
  }
}
