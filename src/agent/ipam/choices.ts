// What a request asks for: whose address it is, and the pools that may give it. Nothing is taken here.

import { parseSpiderpoolIpam } from '#api';
import type { AllocationRequest } from '#cni';
import type { Family } from '#ip';
import { type FixedSettings, nicOwner, podHolder, readRoutes } from '#plan/ipam';
import { type AutomaticPoolSettings, defaultAutomaticPools } from '#plan/subnet';
import { AutoPools, type ServingPool } from './auto-pools.ts';
import { nicClaims } from './nic-claims.ts';
import type { NodePools, NodePoolsOptions } from './node-pools.ts';
import { type CandidateDefaults, podCandidates } from './pod-candidates.ts';
import { podNetworks, refuseDeadPod } from './pod-facts.ts';
import { requestedMac } from './pod-requests.ts';
import { readUnseen } from './unseen-records.ts';

export interface ChoicesOptions extends NodePoolsOptions, CandidateDefaults, FixedSettings {
  readonly nodeName: string;
  /** By default automatic pools are on, without spare addresses. */
  readonly automaticPools?: AutomaticPoolSettings;
}

export class Choices {
  readonly #options: ChoicesOptions;
  readonly #pools: NodePools;
  readonly #autoPools: AutoPools;

  constructor(options: ChoicesOptions, pools: NodePools) {
    this.#options = options;
    this.#pools = pools;
    const { view, automaticPools = defaultAutomaticPools } = options;
    const known = { pools: view.pools, reserved: () => view.reserved };
    this.#autoPools = new AutoPools({ ...options, ...known, automaticPools });
  }

  /** As {@link Choices.of}, by the server's records where a fixed address may be one that the watch does not show. */
  async withUnseen(request: AllocationRequest) {
    const found = await this.of(request, 'make');
    const { owner, holder, candidates, leftTo } = found;
    if (!owner.fixed && owner.claims.size === 0) return found;
    const isFixed = (nic: string) => nicOwner(owner, nic).fixed === true;
    const isServed = (nic: string, family: Family) =>
      !isFixed(nic) || this.#pools.holdingNic(owner.podUid, nic, family) !== undefined;
    const { client, view } = this.#options;
    const source = { client, pools: view.pools };
    const hasRead = await readUnseen(source, holder, candidates, { isServed, left: leftTo }, request.signal);
    return hasRead ? this.of(request, 'make') : found;
  }

  /** Whose address is asked for, and the pools that may give it. Takes nothing. `carving`: whether pools are made for it. */
  async of(request: AllocationRequest, carving: 'make' | 'look') {
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
}
