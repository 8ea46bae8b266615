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
import { type Family, formatAddress } from '#ip';
import {
  type Assignment,
  assignmentRoutes,
  type FixedSettings,
  type NicRoute,
  nicOwner,
  PoolLedger,
  podHolder,
  readAddressRequest,
  readRequestedMac,
  readRoutes,
} from '#plan/ipam';
import { type AutomaticPoolSettings, asksForSubnets, defaultAutomaticPools } from '#plan/subnet';
import { allocationOf } from './allocation.ts';
import { Assigner } from './assigner.ts';
import { AutoPools, type ServingPool } from './auto-pools.ts';
import { claimNow } from './claim-now.ts';
import { endpointDetails } from './endpoint-details.ts';
import { EndpointWriter } from './endpoint-writer.ts';
import { giveUp } from './given-up.ts';
import { ClaimWriter, nicClaims } from './nic-claims.ts';
import { NodePools, type NodePoolsOptions } from './node-pools.ts';
import { type CandidateDefaults, podCandidates } from './pod-candidates.ts';
import { podNetworks, refuseDeadPod } from './pod-facts.ts';
import { requestedMac, warnOfKept } from './pod-requests.ts';
import { type Attempt, RefusedPods } from './refused-pods.ts';
import { readUnseen } from './unseen-records.ts';

/** The allocator starts and stops the view. */
export interface AllocatorOptions extends NodePoolsOptions, CandidateDefaults, FixedSettings {
  readonly nodeName: string;
  /** By default automatic pools are on, without spare addresses. */
  readonly automaticPools?: AutomaticPoolSettings;
}

export class Allocator implements Ipam {
  /** Pods whose pools are exhausted. */
  readonly refused: RefusedPods;
  readonly #options: AllocatorOptions;
  readonly #pools: NodePools;
  readonly #assigner: Assigner;
  readonly #endpoints: EndpointWriter;
  readonly #autoPools: AutoPools;
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
    const { view, automaticPools = defaultAutomaticPools } = options;
    const pools = { pools: view.pools, reserved: () => view.reserved };
    this.#autoPools = new AutoPools({ ...options, ...pools, automaticPools });
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
      const { owner, candidates } = await this.#candidates({ ...request, signal }, 'look');
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
      () => this.#release(request),
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
    const machine = this.#machineOf(podUid);
    const isMissing = async ({ address, heldIn: pool }: HeldAddress): Promise<boolean> => {
      try {
        const object = await this.#options.client.get(resources.spiderIPPools, { name: pool }, { signal });
        const record = PoolLedger.read(object).holderOf(address);
        if (record === undefined || (record.nic ?? nic) !== nic) return true;
        return record.podUid !== podUid && record.pod !== machine;
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

  /** The name of the virtual machine that the pod of this node runs. */
  #machineOf(podUid: string): string | undefined {
    const pod = this.#options.view.podWithUid(podUid);
    const holder = pod === undefined ? undefined : podHolder(pod, this.#options);
    return holder?.fixedTo === 'VirtualMachineInstance' ? holder.name : undefined;
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

  /** As {@link Allocator.#candidates}, by the server's records where a fixed address may be one that the watch does not show. */
  async #withUnseen(request: AllocationRequest) {
    const found = await this.#candidates(request, 'make');
    const { owner, holder, candidates, leftTo } = found;
    if (!owner.fixed && owner.claims.size === 0) return found;
    const isFixed = (nic: string) => nicOwner(owner, nic).fixed === true;
    const isServed = (nic: string, family: Family) =>
      !isFixed(nic) || this.#pools.holdingNic(owner.podUid, nic, family) !== undefined;
    const { client, view } = this.#options;
    const source = { client, pools: view.pools };
    const hasRead = await readUnseen(source, holder, candidates, { isServed, left: leftTo }, request.signal);
    return hasRead ? this.#candidates(request, 'make') : found;
  }

  /** Whose address is asked for, and the pools that may give it. Takes nothing. `carving`: whether pools are made for it. */
  async #candidates(request: AllocationRequest, carving: 'make' | 'look') {
    const { view } = this.#options;
    const { podNamespace, podName, signal } = request;
    const pod = await view.pod(podNamespace, podName, request.podUid, signal);
    refuseDeadPod(pod);
    const podUid = pod.metadata.uid ?? '';
    const holder = podHolder(pod, this.#options);
    // Routes are read before anything is allocated, so that a broken annotation leaves nothing behind.
    const custom = readRoutes(pod.metadata.annotations ?? {});
    const networks = podNetworks(pod, this.#options);
    const mac = requestedMac(request, networks);
    const claims = nicClaims(networks, holder);
    const owner = { pod: holder.name, podUid, fixed: holder.fixedTo !== undefined, claims };
    const leftTo = (nic: string, family: Family) => {
      const holding = nicOwner(owner, nic);
      return holding.fixed ? this.#pools.leftTo(holding, family) : undefined;
    };
    const serving: ServingPool = ({ nic, family }, pool) =>
      this.#pools.holdingNic(podUid, nic, family) ??
      (this.#pools.hasAddressFor(nicOwner(owner, nic), pool) ? pool : undefined);
    const candidates = podCandidates({
      ...this.#options,
      request,
      pod,
      podNetworks: networks,
      parentNetworks: parseSpiderpoolIpam(request.conf).match_master_subnet
        ? await request.parentNetworks()
        : undefined,
      namespace: await view.namespace(podNamespace, signal),
      holder,
      claims,
      automatic: await this.#autoPools.poolsFor(pod, serving, carving, signal),
      poolHolding: (nic, family) => this.#pools.holdingNic(podUid, nic, family),
      left: leftTo,
    });
    return { pod, holder, owner, custom, mac, candidates, leftTo };
  }

  async #allocate(request: AllocationRequest): Promise<Allocation> {
    const { log } = request;
    const found = await this.#withUnseen(request);
    const { pod, holder, owner, custom, mac } = found;
    const { podUid } = owner;
    let { candidates } = found;
    await request.intend?.(podUid);
    await this.#claims.hold(pod, owner.claims, request.signal);
    let assignments: Assignment[];
    try {
      assignments = await this.#assigner.assign(owner, candidates, request);
    } catch (error) {
      // Another pod was faster with the last address. An automatic pool may grow.
      if (!isOrbError(error, 'IPPOOL_EXHAUSTED') || !asksForSubnets(pod.metadata.annotations ?? {}))
        throw error;
      ({ candidates } = await this.#candidates(request, 'make'));
      assignments = await this.#assigner.assign(owner, candidates, request);
    }
    const ordered = assignments.toSorted(
      (a, b) => Number(b.nic === request.interfaceName) - Number(a.nic === request.interfaceName),
    );
    await this.#claims.show(pod, owner.claims, assignments, request.signal);
    warnOfKept(candidates, assignments, log);
    const { routes, unmatched } = assignmentRoutes(ordered, custom);
    for (const { gateway } of unmatched) warnOfGateway(gateway, log);
    this.#endpoints.show(pod, holder, endpointDetails(ordered, routes));
    if (holder.fixedTo === 'StatefulSet') await giveUp(this.#pools, owner, ordered, request);
    const isShared = holder.isMigrationTarget && ordered.some(({ held }) => held);
    return {
      ...allocationOf(podUid, ordered, routes),
      ...(nicOwner(owner, request.interfaceName).fixed && { fixed: true }),
      ...(isShared && { shared: true }),
      ...(mac !== undefined && { link: { mac } }),
    };
  }

  async #release(request: ReleaseRequest): Promise<void> {
    const { podNamespace, podName, podUid, nic, held, signal, log } = request;
    const { view } = this.#options;
    const release =
      nic === undefined ? ({ scope: 'pod', podUid } as const) : ({ scope: 'nic', podUid, nic } as const);
    // An agent that has just started does not know yet which pools hold something for a pod without a record.
    await view.listed(signal);
    const named = held.map(({ heldIn }) => heldIn);
    const pools = new Set([...named, ...this.#pools.holding(podUid), ...this.#pools.doubtful()]);
    // The DEL after a refused ADD. Nothing was taken or shown, so the server is not asked.
    if (pools.size === 0 && this.refused.has(request)) return;
    const pod = view.podWithUid(podUid) ?? (await this.#unseenPod(request));
    const own = pod === undefined ? `${podNamespace}/${podName}` : podHolder(pod, this.#options).name;
    const holder = this.#pools.holderOf(podUid) ?? own;
    const claim = await claimNow(holder, pod, this.#options, signal);
    if (claim.state === 'kept') {
      log.info({ holder, why: claim.why }, 'the pod leaves its addresses for the next pod of its name');
      return;
    }
    // All end before the answer: an ADD may follow a failed DEL at once, and nothing may be taken from it then.
    const done = await Promise.allSettled(
      [...pools].map((pool) => this.#pools.release(pool, release, signal)),
    );
    for (const one of done) if (one.status === 'rejected') throw one.reason;
    this.#endpoints.hide(holder, podUid, nic);
  }

  /** The pod as the server has it. The watch may be late, and only the pod says which virtual machine it runs. */
  async #unseenPod({ podNamespace, podName, podUid, signal }: ReleaseRequest): Promise<Pod | undefined> {
    try {
      return await this.#options.view.pod(podNamespace, podName, podUid, signal);
    } catch (error) {
      if (isOrbError(error, 'POD_UNKNOWN')) return undefined;
      throw error;
    }
  }

  /**
   * Writes the endpoints that the previous agent could not write any more. The pools say what the pods of this node
   * hold.
   */
  async #restoreEndpoints(): Promise<void> {
    const { view, log } = this.#options;
    for (const pod of view.pods()) {
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
    const held = this.#pools.assignments(pod.metadata.uid ?? '');
    if (held.length === 0) return;
    const details = endpointDetails(held, assignmentRoutes(held, []).routes);
    await this.#endpoints.restore(pod, podHolder(pod, this.#options), details);
  }
}

function warnOfGateway(gateway: NicRoute['gateway'], log: Logger): void {
  log.warn(
    { gateway: formatAddress(gateway) },
    'a route of the pod annotation has a gateway outside the networks of the pod',
  );
}
