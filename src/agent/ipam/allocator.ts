// The allocator of a node: a pod's addresses from the pools that its annotations name, all or nothing, and their release.

import { type Pod, resources } from '#api';
import { type Clock, errorText, isOrbError, type Logger, OrbError } from '#base';
import type { Allocation, AllocationRequest, HeldAddress, HoldingRequest, Ipam, ReleaseRequest } from '#cni';
import { type Family, formatAddress } from '#ip';
import type { KubeClient } from '#kube';
import {
  type Assignment,
  assignmentRoutes,
  chooseAddresses,
  DEFAULT_REST_MS,
  filterCandidates,
  interfaceAddress,
  type NicCandidates,
  noteReleases,
  type Owner,
  type PickContext,
  PoolLedger,
  type PoolOutcome,
  QUARANTINE_MS,
  type Release,
  readRoutes,
  selectCandidates,
} from '#plan/ipam';
import type { ClusterView } from '../cluster-view.ts';
import { endpointDetails } from './endpoint-details.ts';
import { EndpointWriter } from './endpoint-writer.ts';
import type { IpamMetrics } from './metrics.ts';
import { podNetworks, refuseDeadPod } from './pod-facts.ts';
import { PoolCommitter } from './pool-committer.ts';
import { PoolCopy } from './pool-copy.ts';

export interface AllocatorOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: IpamMetrics;
  readonly nodeName: string;
  /** Started and stopped with the allocator. */
  readonly view: ClusterView;
  /** The namespace that NetworkAttachmentDefinitions without one are in. */
  readonly agentNamespace: string;
  /** The families that the configuration switches on. */
  readonly families: readonly Family[];
  /** Multus' `clusterNetwork`, where the configuration names it. */
  readonly clusterNetwork?: string;
}

/** How long an undo may take; what it leaves, the DEL of the sandbox frees. */
const undoTimeoutMs = 5_000;

export class Allocator implements Ipam {
  readonly #options: AllocatorOptions;
  readonly #view: ClusterView;
  readonly #endpoints: EndpointWriter;
  readonly #committers = new Map<string, PoolCommitter>();
  /** When addresses were released, whoever released them: see noteReleases. */
  #resting: ReadonlyMap<string, number> = new Map();
  /** Until when addresses are kept back that other machines use. */
  readonly #quarantined = new Map<string, number>();
  /** Ends when the endpoints of an agent before us were looked at. */
  #restored: Promise<void> = Promise.resolve();

  constructor(options: AllocatorOptions) {
    this.#options = options;
    this.#view = options.view;
    // With its records, which are large. What is under way there ends by itself: the server says that the pool is gone.
    this.#view.onPoolDeleted = (name) => this.#committers.delete(name);
    this.#endpoints = new EndpointWriter(options);
  }

  /** Resolves when requests can be served. */
  async start(): Promise<void> {
    await this.#view.start();
    this.#restored = this.#showAll();
  }

  /** Ends the watches and writes what waits; requests must have ended before. */
  async stop(): Promise<void> {
    await this.#view.stop();
    await this.#restored;
    await this.#endpoints.stop();
  }

  /** Resolves when every endpoint is written. */
  async settled(): Promise<void> {
    await this.#restored;
    await this.#endpoints.idle();
  }

  async allocate(request: AllocationRequest): Promise<Allocation> {
    const { clock, metrics } = this.#options;
    const beganMs = clock.monotonic();
    const seconds = () => (clock.monotonic() - beganMs) / 1000;
    try {
      const allocation = await this.#allocate(request);
      metrics.allocated(seconds());
      return allocation;
    } catch (error) {
      metrics.allocationFailed(isOrbError(error) ? error.code : 'INTERNAL', seconds());
      throw error;
    }
  }

  async release(request: ReleaseRequest): Promise<void> {
    const { clock, metrics } = this.#options;
    const beganMs = clock.monotonic();
    const seconds = () => (clock.monotonic() - beganMs) / 1000;
    try {
      await this.#release(request);
      metrics.released(seconds());
    } catch (error) {
      metrics.releaseFailed(isOrbError(error) ? error.code : 'INTERNAL', seconds());
      throw error;
    }
  }

  async quarantine({ podUid, nic, addresses, signal }: HoldingRequest): Promise<void> {
    const nowMs = this.#options.clock.monotonic();
    for (const [text, untilMs] of this.#quarantined) if (untilMs <= nowMs) this.#quarantined.delete(text);
    for (const { address } of addresses) this.#quarantined.set(formatAddress(address), nowMs + QUARANTINE_MS);
    const release = { scope: 'nic', podUid, nic, lastNic: false } as const;
    await Promise.all(addresses.map(({ pool }) => this.#releaseIn(pool, release, signal)));
  }

  async missing({ podUid, nic, addresses, signal }: HoldingRequest): Promise<HeldAddress[]> {
    const isMissing = async ({ address, pool }: HeldAddress): Promise<boolean> => {
      try {
        const object = await this.#options.client.get(resources.spiderIPPools, { name: pool }, { signal });
        const holder = PoolLedger.read(object).holderOf(address);
        return holder?.podUid !== podUid || (holder.nic ?? nic) !== nic;
      } catch (error) {
        if (isOrbError(error, 'KUBE_NOT_FOUND')) return true;
        throw error;
      }
    };
    const missing = await Promise.all(addresses.map(isMissing));
    return addresses.filter((_, index) => missing[index]);
  }

  async #allocate(request: AllocationRequest): Promise<Allocation> {
    const { podNamespace, podName, podUid, signal, log } = request;
    const pod = await this.#view.pod(podNamespace, podName, podUid, signal);
    refuseDeadPod(pod);
    const owner = { pod: `${podNamespace}/${podName}`, podUid: pod.metadata.uid ?? '' };
    // Read before anything is allocated: a broken annotation leaves nothing behind.
    const custom = readRoutes(pod.metadata.annotations ?? {});
    const candidates = await this.#candidates(request, pod, owner.podUid);
    const assignments = await this.#assign(owner, candidates, signal, log);
    const ordered = assignments.toSorted(
      (a, b) => Number(b.nic === request.ifName) - Number(a.nic === request.ifName),
    );
    const { routes, unmatched } = assignmentRoutes(ordered, custom);
    for (const { gateway } of unmatched) {
      log.warn(
        { gateway: formatAddress(gateway) },
        'a route of the pod annotation has a gateway on no network of the pod',
      );
    }
    this.#endpoints.show(pod, endpointDetails(ordered, routes));
    return {
      podUid: owner.podUid,
      addresses: ordered.map((assignment) => ({
        nic: assignment.nic,
        address: interfaceAddress(assignment),
        pool: assignment.pool.name,
        ...(assignment.pool.gateway === undefined ? {} : { gateway: assignment.pool.gateway }),
      })),
      routes,
    };
  }

  /** The pools to try; a NIC that holds an address keeps to its pool, whatever the filters say by now. */
  async #candidates(request: AllocationRequest, pod: Pod, podUid: string): Promise<NicCandidates[]> {
    const { catalog } = this.#view;
    const namespace = await this.#view.namespace(request.podNamespace, request.signal);
    const { nics, networks } = podNetworks(pod, this.#options);
    const candidates = selectCandidates({
      nic: request.ifName,
      nics,
      podAnnotations: pod.metadata.annotations ?? {},
      namespaceAnnotations: namespace.metadata.annotations ?? {},
      configuration: {
        pools: { 4: request.defaultIPv4Pools, 6: request.defaultIPv6Pools },
        cleanGateway: request.cleanGateway,
      },
      catalog,
      families: this.#options.families,
    });
    const context = {
      podLabels: pod.metadata.labels ?? {},
      namespace: { name: request.podNamespace, labels: namespace.metadata.labels ?? {} },
      node: { name: this.#view.nodeName, labels: this.#view.nodeLabels },
      networks,
      agentNamespace: this.#options.agentNamespace,
    };
    return candidates.map((candidate) => ({
      ...candidate,
      families: candidate.families.flatMap((one) => {
        const holding = this.#poolHolding(podUid, candidate.nic, one.family);
        if (holding !== undefined) return { ...one, pools: [holding] };
        return filterCandidates([{ ...candidate, families: [one] }], catalog, context).flatMap(
          ({ families }) => families,
        );
      }),
    }));
  }

  #poolHolding(podUid: string, nic: string, family: Family): string | undefined {
    return this.#poolsOf(podUid).find((name) => {
      const { pool } = this.#committer(name).ledger;
      return pool.family === family && this.#committer(name).ledger.addressOf({ podUid, nic }) !== undefined;
    });
  }

  /** Pools that can be read in which the pod holds something. */
  #poolsOf(podUid: string): string[] {
    const own = [...this.#committers.keys()];
    return [...new Set([...own, ...this.#view.poolsNaming(podUid)])].filter((name) => {
      try {
        return this.#committer(name).ledger.addressesOf(podUid).length > 0;
      } catch (error) {
        if (!isOrbError(error)) throw error;
        return false;
      }
    });
  }

  /** Pools of which we do not know whether our last write was taken: it may have recorded anybody. */
  #doubtfulPools(): string[] {
    return [...this.#committers].flatMap(([name, { doubtful }]) => (doubtful ? [name] : []));
  }

  /** Allocates in every pool at once; a pool that turns out to be full makes the choice begin again with what is known now. */
  async #assign(
    owner: Omit<Owner, 'nic'>,
    candidates: readonly NicCandidates[],
    signal: AbortSignal,
    log: Logger,
  ): Promise<Assignment[]> {
    const made = new Map<string, Assignment>();
    try {
      for (;;) {
        signal.throwIfAborted();
        const chosen = chooseAddresses(
          owner,
          candidates,
          (pool) => this.#committer(pool).ledger,
          this.#context(),
        );
        const settled = await Promise.allSettled(chosen.map((one) => this.#commit(one, owner, signal)));
        const assignments: Assignment[] = [];
        for (const [index, result] of settled.entries()) {
          if (result.status === 'rejected') continue;
          const outcome = result.value;
          if (outcome.verb !== 'allocated') continue;
          const assignment = {
            ...(chosen[index] as Assignment),
            address: outcome.address,
            held: outcome.held,
          };
          assignments.push(assignment);
          if (!outcome.held) made.set(`${assignment.pool.name} ${assignment.nic}`, assignment);
        }
        const failed = settled.find((result) => result.status === 'rejected' && !isPoolGone(result.reason));
        if (failed?.status === 'rejected') throw failed.reason;
        if (assignments.length === chosen.length) return refuseTwins(assignments);
      }
    } catch (error) {
      await this.#undo(owner.podUid, [...made.values()], log);
      throw error;
    }
  }

  #commit({ pool, nic }: Assignment, owner: Omit<Owner, 'nic'>, signal: AbortSignal): Promise<PoolOutcome> {
    return this.#committer(pool.name).submit({ verb: 'allocate', owner: { ...owner, nic } }, signal);
  }

  /** Frees what a failed request was given: what the pod held before stays. */
  async #undo(podUid: string, made: readonly Assignment[], log: Logger): Promise<void> {
    const signal = AbortSignal.timeout(undoTimeoutMs);
    const undone = made.map(async ({ pool, nic }) => {
      try {
        const release = { scope: 'nic', podUid, nic, lastNic: false } as const;
        await this.#committer(pool.name).submit({ verb: 'release', release }, signal);
      } catch (error) {
        log.warn(
          { pool: pool.name, nic, error: errorText(error) },
          'could not undo an allocation: the DEL frees it',
        );
      }
    });
    await Promise.all(undone);
  }

  async #release({
    podNamespace,
    podName,
    podUid,
    nic,
    lastNic,
    knownPools,
    signal,
  }: ReleaseRequest): Promise<void> {
    const release =
      nic === 'all' ? ({ scope: 'pod', podUid } as const) : ({ scope: 'nic', podUid, nic, lastNic } as const);
    // An agent that has just started does not know yet in which pools a pod without record holds something.
    await this.#view.listed(signal);
    const pools = [...new Set([...knownPools, ...this.#poolsOf(podUid), ...this.#doubtfulPools()])];
    await Promise.all(pools.map((pool) => this.#releaseIn(pool, release, signal)));
    this.#endpoints.hide(podNamespace, podName, podUid, nic !== 'all' && lastNic ? 'all' : nic);
  }

  async #releaseIn(pool: string, release: Release, signal: AbortSignal): Promise<void> {
    try {
      await this.#committer(pool).submit({ verb: 'release', release }, signal);
    } catch (error) {
      if (!isPoolGone(error)) throw error;
    }
  }

  #committer(name: string): PoolCommitter {
    const known = this.#committers.get(name);
    if (known !== undefined) return known;
    const { client, clock, log, metrics } = this.#options;
    const copy = new PoolCopy(
      name,
      client,
      () => this.#view.pool(name),
      (before, after) => {
        this.#resting = noteReleases(this.#resting, before, after, clock.monotonic());
      },
    );
    const committer = new PoolCommitter({ copy, clock, log, metrics, context: () => this.#context() });
    this.#committers.set(name, committer);
    return committer;
  }

  #context(): PickContext {
    return {
      reserved: this.#view.reserved,
      resting: this.#resting,
      quarantined: this.#quarantined,
      nowMs: this.#options.clock.monotonic(),
      restMs: DEFAULT_REST_MS,
    };
  }

  /** Endpoints that an agent before us was about to write: the pools say what the pods of this node hold. */
  async #showAll(): Promise<void> {
    for (const pod of this.#view.pods()) {
      const podUid = pod.metadata.uid ?? '';
      const held = this.#poolsOf(podUid).flatMap((name) => {
        const { ledger } = this.#committer(name);
        return ledger.addressesOf(podUid).map(
          ({ address, nic = '' }): Assignment => ({
            nic,
            family: address.family,
            pool: ledger.pool,
            address,
            held: true,
            cleanGateway: false,
          }),
        );
      });
      if (held.length > 0)
        await this.#endpoints.restore(pod, endpointDetails(held, assignmentRoutes(held, []).routes));
    }
  }
}

function isPoolGone(error: unknown): boolean {
  return isOrbError(error, 'IPPOOL_NOT_FOUND');
}

/** Pools that overlap in spite of admission may give one pod one address twice. */
function refuseTwins(assignments: Assignment[]): Assignment[] {
  const seen = new Map<string, Assignment>();
  for (const assignment of assignments) {
    const text = formatAddress(assignment.address);
    const twin = seen.get(text);
    if (twin !== undefined) {
      const message = `IPPools ${twin.pool.name} and ${assignment.pool.name} overlap: both gave ${text}, to NICs ${twin.nic} and ${assignment.nic}`;
      throw new OrbError('IPPOOL_INVALID', { message, subject: `SpiderIPPool ${assignment.pool.name}` });
    }
    seen.set(text, assignment);
  }
  return assignments;
}
