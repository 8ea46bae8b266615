// The allocator of a node. It allocates a pod's addresses from the pools that its annotations name, all or nothing, and
// releases them.

import { type Pod, resources } from '#api';
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
import { formatAddress, sameAddress } from '#ip';
import {
  type Assignment,
  assignmentRoutes,
  interfaceAddress,
  type NicCandidates,
  type NicRoute,
  PoolLedger,
  readAddressRequest,
  readRequestedMac,
  readRoutes,
} from '#plan/ipam';
import { Assigner } from './assigner.ts';
import { endpointDetails } from './endpoint-details.ts';
import { EndpointWriter } from './endpoint-writer.ts';
import { ipamOptions } from './ipam-options.ts';
import { NodePools, type NodePoolsOptions } from './node-pools.ts';
import { type CandidateDefaults, podCandidates } from './pod-candidates.ts';
import { podNetworks, refuseDeadPod, topController } from './pod-facts.ts';
import { requestedMac } from './pod-requests.ts';

/** The allocator starts and stops the view. */
export interface AllocatorOptions extends NodePoolsOptions, CandidateDefaults {
  readonly nodeName: string;
  /** `enableStatefulSet`: the addresses of a StatefulSet's pod are never exchanged. */
  readonly fixForStatefulSets: boolean;
}

export class Allocator implements Ipam {
  readonly #options: AllocatorOptions;
  readonly #pools: NodePools;
  readonly #assigner: Assigner;
  readonly #endpoints: EndpointWriter;
  /** Resolves when the endpoints that the previous agent left were checked. */
  #restored: Promise<void> = Promise.resolve();

  constructor(options: AllocatorOptions) {
    this.#options = options;
    this.#pools = new NodePools(options);
    this.#assigner = new Assigner(this.#pools);
    this.#endpoints = new EndpointWriter(options);
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
    ipamOptions(conf);
    readAddressRequest(requested);
    readRequestedMac(requestedMacs);
  }

  allocate(request: AllocationRequest): Promise<Allocation> {
    const { metrics } = this.#options;
    return this.#timed(
      () => this.#allocate(request),
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
    const isMissing = async ({ address, heldIn: pool }: HeldAddress): Promise<boolean> => {
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
    const lost = addresses.find((_, index) => missing[index]);
    if (lost === undefined) return;
    throw notHeldError(nic, lost.address, `IPPool ${lost.heldIn}`, `SpiderIPPool ${lost.heldIn}`);
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
    const { view } = this.#options;
    const { podNamespace, podName, signal, log } = request;
    const pod = await view.pod(podNamespace, podName, request.podUid, signal);
    refuseDeadPod(pod);
    const podUid = pod.metadata.uid ?? '';
    // Routes are read before anything is allocated, so that a broken annotation leaves nothing behind.
    const custom = readRoutes(pod.metadata.annotations ?? {});
    const networks = podNetworks(pod, this.#options);
    const mac = requestedMac(request, networks);
    const candidates = podCandidates({
      ...this.#options,
      request,
      pod,
      podNetworks: networks,
      namespace: await view.namespace(podNamespace, signal),
      poolHolding: (nic, family) => this.#pools.holdingNic(podUid, nic, family),
    });
    const owner = { pod: `${podNamespace}/${podName}`, podUid };
    await request.intend?.(podUid);
    const assignments = await this.#assigner.assign(owner, candidates, request);
    const ordered = assignments.toSorted(
      (a, b) => Number(b.nic === request.interfaceName) - Number(a.nic === request.interfaceName),
    );
    warnOfKept(candidates, assignments, log);
    const { routes, unmatched } = assignmentRoutes(ordered, custom);
    for (const { gateway } of unmatched) warnOfGateway(gateway, log);
    this.#endpoints.show(pod, endpointDetails(ordered, routes));
    const fixed = this.#options.fixForStatefulSets && topController(pod).kind === 'StatefulSet';
    return {
      ...allocationOf(podUid, ordered, routes),
      ...(fixed && { fixed }),
      ...(mac !== undefined && { link: { mac } }),
    };
  }

  async #release(request: ReleaseRequest): Promise<void> {
    const { podNamespace, podName, podUid, nic, held, signal } = request;
    const release =
      nic === undefined ? ({ scope: 'pod', podUid } as const) : ({ scope: 'nic', podUid, nic } as const);
    // An agent that has just started does not know yet which pools hold something for a pod without a record.
    await this.#options.view.listed(signal);
    const named = held.map(({ heldIn }) => heldIn);
    const pools = new Set([...named, ...this.#pools.holding(podUid), ...this.#pools.doubtful()]);
    await Promise.all([...pools].map((pool) => this.#pools.release(pool, release, signal)));
    this.#endpoints.hide(podNamespace, podName, podUid, nic);
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
    await this.#endpoints.restore(pod, endpointDetails(held, assignmentRoutes(held, []).routes));
  }
}

/** The pod asks for another address since it got one. It keeps what it has as long as it lives. */
function warnOfKept(
  candidates: readonly NicCandidates[],
  assignments: readonly Assignment[],
  log: Logger,
): void {
  for (const { nic, family, address } of assignments) {
    const families = candidates.find((candidate) => candidate.nic === nic)?.families;
    const requested = families?.find((one) => one.family === family)?.requested;
    if (requested === undefined || sameAddress(requested.address, address)) continue;
    const fields = { nic, address: formatAddress(address), requested: formatAddress(requested.address) };
    log.warn(
      { ...fields, field: requested.field },
      'the pod keeps its address, although it requests another one',
    );
  }
}

function warnOfGateway(gateway: NicRoute['gateway'], log: Logger): void {
  log.warn(
    { gateway: formatAddress(gateway) },
    'a route of the pod annotation has a gateway outside the networks of the pod',
  );
}

function allocationOf(
  podUid: string,
  assignments: readonly Assignment[],
  routes: readonly NicRoute[],
): Allocation {
  return {
    podUid,
    addresses: assignments.map((assignment) => ({
      nic: assignment.nic,
      address: interfaceAddress(assignment),
      heldIn: assignment.pool.name,
      ...(assignment.pool.gateway !== undefined && { gateway: assignment.pool.gateway }),
    })),
    routes,
  };
}
