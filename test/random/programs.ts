// The programs of a cluster in one process: agents that can be killed, and a controller that reclaims and writes pools.

import { abortable, type Clock, isOrbError, silentLogger } from '#base';
import { noProvider } from '#iaas/testing';
import type { FakeKube } from '#kube/testing';
import { defaultReclaimSettings } from '#plan/reclaim';
import { defaultAutomaticPools } from '#plan/subnet';
import { type LeaderLink, silentPoolMetrics } from '#pools';
import type { AskNode } from '#reclaim';
import { Controllers, Informers } from '#reconcile';
import { ClusterView } from '../../src/agent/cluster-view.ts';
import { Allocator } from '../../src/agent/ipam/allocator.ts';
import { silentIpamMetrics } from '../../src/agent/ipam/metrics.ts';
import { addressKinds, claimKinds } from '../../src/controller/kinds.ts';
import { LedPools } from '../../src/controller/pools/led-pools.ts';
import { reclaimControllers } from '../../src/controller/reclaim/index.ts';
import { RecordChecks } from '../../src/controller/record-checks.ts';
import { subnetControllers } from '../../src/controller/subnet/index.ts';
import { connectTo, type Faults } from './faulty-kube.ts';

export interface Surroundings {
  readonly kube: FakeKube;
  readonly clock: Clock;
  readonly faults: Faults;
}

export interface Program<T> {
  readonly serves: T;
  /** Aborts when the program is killed. */
  readonly died: AbortSignal;
  /** Ends it as SIGKILL does: it says nothing, and asks nothing any more. */
  kill(): void;
}

const addressRestMs = 30_000;
const rest = { addressRestMs, iaas: noProvider, parentMac: () => undefined, madeLink: () => undefined };

/** The leading controller, seen by an agent. Undefined if none leads. */
type Leader = () => Program<LedPools> | undefined;

/**
 * The network between an agent and the leader may lose an answer, as the API server's may, or break before it. The leader
 * then knows that nobody waits, and may have written all the same.
 */
function linkTo(leader: Leader, { faults, lost }: { faults: Faults; lost: () => boolean }): LeaderLink {
  const commit: LeaderLink['commit'] = async (pool, request, signal) => {
    const now = leader();
    if (now === undefined) return undefined;
    const broken = new AbortController();
    faults.linksAtWork.add(broken);
    const ended = AbortSignal.any([broken.signal, signal]);
    try {
      const answer = now.serves.commit(pool, request, ended);
      const heard = await abortable(answer, AbortSignal.any([now.died, ended]));
      return lost() ? undefined : heard;
    } catch (error) {
      signal.throwIfAborted();
      if (!isOrbError(error) && !now.died.aborted && !broken.signal.aborted) throw error;
      return undefined;
    } finally {
      faults.linksAtWork.delete(broken);
    }
  };
  return { commit } as Partial<LeaderLink> as LeaderLink;
}

export function startAgent(
  { kube, clock, faults }: Surroundings,
  nodeName: string,
  leader: Leader,
): Program<Promise<Allocator>> {
  const { client, cut } = connectTo(kube, faults);
  const edges = { client, clock, log: silentLogger, nodeName };
  const view = new ClusterView(edges);
  const lost = () => {
    if (faults.lost === 0) return false;
    faults.lost -= 1;
    return true;
  };
  const allocator = new Allocator({
    requests: { running: 0 },
    ...edges,
    ...rest,
    view,
    metrics: silentIpamMetrics,
    agentNamespace: 'kube-system',
    families: [4, 6],
    fixedForStatefulSets: true,
    fixedForVirtualMachines: true,
    leader: linkTo(leader, { faults, lost }),
  });
  const death = new AbortController();
  return {
    serves: allocator.start().then(() => allocator),
    died: death.signal,
    kill() {
      death.abort(new Error('the agent is dead'));
      cut();
      void view.stop();
    },
  };
}

export function startController({ kube, clock, faults }: Surroundings, askNode: AskNode): Program<LedPools> {
  const { client, cut } = connectTo(kube, faults);
  const shared = { client, clock, log: silentLogger };
  const informers = new Informers(shared, addressKinds);
  const claims = new Informers(shared, claimKinds);
  const nothing = () => {};
  const metrics = { freed: nothing, failed: nothing, conflicted: nothing };
  const reclaiming = { settings: defaultReclaimSettings, scanIntervalMs: 600_000 };
  const controllers = [
    ...reclaimControllers({ ...shared, askNode, metrics, claims, iaas: noProvider }, reclaiming),
    ...subnetControllers({
      ...{ ...shared, informers, automaticPools: defaultAutomaticPools },
      records: new RecordChecks(),
    }),
  ];
  const service = new LedPools({
    ...{ ...shared, addressRestMs, informers },
    metrics: silentPoolMetrics,
    agents: () => 3,
  });
  const death = new AbortController();
  void informers.start();
  void claims.start();
  void new Controllers({ ...shared, informers, controllers }).run(death.signal);
  return {
    serves: service,
    died: death.signal,
    kill() {
      death.abort(new Error('the controller is dead'));
      cut();
      void informers.stop();
      void claims.stop();
    },
  };
}
