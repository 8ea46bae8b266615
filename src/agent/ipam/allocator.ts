// The allocator of a node. It allocates a pod's addresses from the pools that its annotations name, all or nothing, and
// releases them.

import { type Pod, parseSpiderpoolIpam, resources } from '#api';
import { isOrbError, type Logger } from '#base';
import {
  type AddressWish,
  type Allocation,
  type AllocationRequest,
  type HeldAddress,
  type HoldingRequest,
  type Ipam,
  notHeldError,
  type ReleaseRequest,
} from '#cni';
import { formatAddress } from '#ip';
import {
  type Assignment,
  assignmentRoutes,
  machineOf,
  type NicRoute,
  nicOwner,
  PoolLedger,
  type ProvidedLink,
  podHolder,
  readAddressRequest,
  readRequestedMac,
} from '#plan/ipam';
import { asksForSubnets } from '#plan/subnet';
import { giveWay, type Requests } from '../give-way.ts';
import { allocationOf, linkDemand } from './allocation.ts';
import { Assigner } from './assigner.ts';
import { Choices, type ChoicesOptions } from './choices.ts';
import { endpointDetails } from './endpoint-details.ts';
import { EndpointWriter } from './endpoint-writer.ts';
import { giveUp } from './given-up.ts';
import { type BindingOptions, NicBinding } from './nic-binding.ts';
import { ClaimWriter, nicClaims } from './nic-claims.ts';
import { NodePools } from './node-pools.ts';
import { podNetworks } from './pod-facts.ts';
import { warnOfKept } from './pod-requests.ts';
import { type Attempt, RefusedPods } from './refused-pods.ts';
import { Releases } from './releases.ts';

/** The allocator starts and stops the view. */
export interface AllocatorOptions extends ChoicesOptions, BindingOptions {
  /** Old endpoints are checked when none of these runs. */
  readonly requests: Requests;
  /** What an agent before this one has made of the NIC, if its source of addresses demanded it. */
  readonly madeLink: (podUid: string, nic: string) => ProvidedLink | undefined;
}

export class Allocator implements Ipam {
  /** Pods whose pools are exhausted. */
  readonly refused: RefusedPods;
  readonly #options: AllocatorOptions;
  readonly #pools: NodePools;
  readonly #assigner: Assigner;
  readonly #endpoints: EndpointWriter;
  readonly #choices: Choices;
  readonly #releases: Releases;
  readonly #claims: ClaimWriter;
  /** Resolves when the endpoints that the previous agent left were checked. */
  #restored: Promise<void> = Promise.resolve();

  constructor(options: AllocatorOptions) {
    this.#options = options;
    this.#pools = new NodePools(options);
    this.#assigner = new Assigner(this.#pools);
    this.#endpoints = new EndpointWriter(options);
    this.#claims = new ClaimWriter(options);
    this.refused = new RefusedPods(options.clock);
    this.#choices = new Choices(options, this.#pools);
    const { refused } = this;
    this.#releases = new Releases(options, { pools: this.#pools, endpoints: this.#endpoints, refused });
  }

  /** Resolves when requests can be served. */
  async start(): Promise<void> {
    await this.#options.view.start();
    this.#restored = this.#restoreEndpoints();
  }

  /** Ends the watches and writes what still waits. All requests must have ended before. */
  async stop(): Promise<void> {
    await this.#options.view.stop();
    await this.#restored;
    await this.#endpoints.stop();
  }

  /** Resolves when every endpoint is written. */
  async settled(): Promise<void> {
    await this.#restored;
    await this.#endpoints.idle();
  }

  validate({ conf, requested, requestedMacs }: AddressWish): void {
    parseSpiderpoolIpam(conf);
    readAddressRequest(requested);
    readRequestedMac(requestedMacs);
  }

  allocate(request: AllocationRequest): Promise<Allocation> {
    const { metrics } = this.#options;
    const choose: Attempt = async (signal) => {
      const { owner, candidates } = await this.#choices.of({ ...request, signal }, 'look');
      this.#assigner.choose(owner, candidates);
    };
    return this.#timed(
      () => this.refused.serve(request, () => this.#allocate(request), choose),
      (seconds) => metrics.allocated(seconds),
      (code, seconds) => metrics.allocationFailed(code, seconds),
    );
  }

  release(request: ReleaseRequest): Promise<void> {
    const { metrics } = this.#options;
    return this.#timed(
      () => this.#releases.serve(request),
      (seconds) => metrics.released(seconds),
      (code, seconds) => metrics.releaseFailed(code, seconds),
    );
  }

  async quarantine({ podUid, nic, addresses, signal }: HoldingRequest): Promise<void> {
    this.#pools.quarantine(addresses.map(({ address }) => address));
    const release = { scope: 'nic', podUid, nic } as const;
    await Promise.all(addresses.map(({ heldIn }) => this.#pools.release(heldIn, release, signal)));
  }

  async ownerUid(
    pod: { namespace: string; name: string; uid: string },
    signal: AbortSignal,
  ): Promise<string> {
    const { view } = this.#options;
    await view.listed(signal);
    return view.calledPod(pod.namespace, pod.name, pod.uid)?.metadata.uid ?? pod.uid;
  }

  async verify({ podUid, nic, addresses, signal }: HoldingRequest): Promise<void> {
    // The pods of a migrating virtual machine hold one address together. The record names one of them.
    const shared = this.#sharedName(podUid, nic);
    const isMissing = async ({ address, heldIn: pool }: HeldAddress): Promise<boolean> => {
      try {
        const object = await this.#options.client.get(resources.spiderIPPools, { name: pool }, { signal });
        const record = PoolLedger.read(object).holderOf(address);
        if (record === undefined || (record.nic ?? nic) !== nic) return true;
        return record.podUid !== podUid && record.pod !== shared;
      } catch (error) {
        if (isOrbError(error, 'KUBE_NOT_FOUND')) return true;
        throw error;
      }
    };
    const missing = await Promise.all(addresses.map(isMissing));
    const lost = addresses.find((_, index) => missing[index]);
    if (lost === undefined) return;
    throw notHeldError(nic, lost.address, `IPPool ${lost.heldIn}`, `SpiderIPPool ${lost.heldIn}`);
  }

  /** In whose name both pods of a migrating virtual machine hold the addresses of the NIC. Undefined for other pods. */
  #sharedName(podUid: string, nic: string): string | undefined {
    const pod = this.#options.view.podWithUid(podUid);
    if (pod === undefined || machineOf(pod) === undefined) return undefined;
    const holder = podHolder(pod, this.#options);
    if (holder.fixedTo !== undefined) return holder.name;
    const claims = nicClaims(podNetworks(pod, this.#options), holder);
    return claims.has(nic) ? nicOwner({ pod: holder.name, podUid, claims }, nic).pod : undefined;
  }

  async #timed<T>(
    work: () => Promise<T>,
    succeeded: (seconds: number) => void,
    failed: (code: string, seconds: number) => void,
  ): Promise<T> {
    const { clock } = this.#options;
    const beganMs = clock.monotonic();
    const seconds = () => (clock.monotonic() - beganMs) / 1000;
    try {
      const result = await work();
      succeeded(seconds());
      return result;
    } catch (error) {
      failed(isOrbError(error) ? error.code : 'INTERNAL', seconds());
      throw error;
    }
  }

  async #allocate(request: AllocationRequest): Promise<Allocation> {
    const { log } = request;
    const found = await this.#choices.withUnseen(request);
    const { pod, holder, owner, custom, mac } = found;
    const { podUid } = owner;
    let { candidates } = found;
    const binding = NicBinding.of(request, this.#options);
    const demand = (all: readonly Assignment[]) => linkDemand(request.interfaceName, all, mac, binding?.link);
    const accept = async (all: readonly Assignment[]) => {
      demand(all);
      await binding?.bind(owner, all);
      demand(all);
    };
    const caller = { signal: request.signal, log, accept, binding };
    await request.intend?.(podUid);
    await this.#claims.hold(pod, holder, owner.claims, request.signal);
    let assignments: Assignment[];
    try {
      assignments = await this.#assigner.assign(owner, candidates, caller);
    } catch (error) {
      // Another pod was faster with the last address. An automatic pool may grow.
      if (!isOrbError(error, 'IPPOOL_EXHAUSTED') || !asksForSubnets(pod.metadata.annotations ?? {}))
        throw error;
      ({ candidates } = await this.#choices.of(request, 'make'));
      assignments = await this.#assigner.assign(owner, candidates, caller);
    }
    const ordered = assignments.toSorted(
      (a, b) => Number(b.nic === request.interfaceName) - Number(a.nic === request.interfaceName),
    );
    await this.#claims.show(pod, owner.claims, assignments, request.signal);
    warnOfKept(candidates, assignments, log);
    const { routes, unmatched } = assignmentRoutes(ordered, custom);
    for (const { gateway } of unmatched) warnOfGateway(gateway, log);
    this.#endpoints.show(
      pod,
      holder,
      endpointDetails(ordered, routes, (_, own) => binding?.linkOf(own)),
    );
    if (holder.fixedTo === 'StatefulSet') await giveUp(this.#pools, owner, ordered, request);
    const link = demand(ordered);
    const isShared =
      holder.isMigrationTarget &&
      ordered.some(({ held, nic }) => held && nicOwner(owner, nic).fixed === true);
    return {
      ...allocationOf(podUid, ordered, routes),
      ...(nicOwner(owner, request.interfaceName).fixed && { fixed: true }),
      ...(isShared && { shared: true }),
      ...(Object.keys(link).length > 0 && { link }),
    };
  }

  /**
   * Writes the endpoints that the previous agent could not write any more. The pools say what the pods of this node
   * hold.
   */
  async #restoreEndpoints(): Promise<void> {
    const { view, log, requests, clock } = this.#options;
    for (const pod of view.pods()) {
      await giveWay(requests, clock);
      try {
        await this.#restoreEndpoint(pod);
      } catch (error) {
        // The endpoint is derived data. The pod keeps its addresses, and its next ADD or DEL writes the endpoint again.
        const { namespace, name } = pod.metadata;
        log.error({ pod: `${namespace}/${name}`, err: error }, 'could not check an endpoint');
      }
    }
  }

  async #restoreEndpoint(pod: Pod): Promise<void> {
    const { uid = '' } = pod.metadata;
    const held = this.#pools.assignments(uid);
    if (held.length === 0) return;
    const linkOf = (nic: string) => this.#options.madeLink(uid, nic);
    const details = endpointDetails(held, assignmentRoutes(held, []).routes, linkOf);
    await this.#endpoints.restore(pod, podHolder(pod, this.#options), details);
  }
}

function warnOfGateway(gateway: NicRoute['gateway'], log: Logger): void {
  log.warn(
    { gateway: formatAddress(gateway) },
    'a route of the pod annotation has a gateway outside the networks of the pod',
  );
}
