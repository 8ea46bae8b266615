// What is to be done for the automatic pools of one application. The controller asks for each workload, and an agent
// asks for the application of a pod that is faster than the controller. Both do the writes, read again, and ask again,
// until there is nothing left to do.

import type { SpiderIPPool } from '#api';
import type { Family } from '#ip';
import type { ReservedAddresses } from '#plan/ipam';
import type { ApplicationName } from './application.ts';
import { isReclaimed, ownerUid, serves } from './auto-pool.ts';
import type { Notice, NoticeReason } from './notice.ts';
import { planWish, type Step } from './plan-wish.ts';
import type { PoolIndex } from './pool-index.ts';
import type { PoolWrite } from './pool-write.ts';
import type { SubnetLedger } from './subnet-ledger.ts';
import { type PoolWish, poolSize, type SubnetRequest } from './subnet-request.ts';
import { planUnwantedPool } from './unwanted-pool.ts';

/** The application as it is now. */
export interface LivingApplication {
  readonly uid: string;
  /** Undefined if its annotations no longer ask for automatic pools. */
  readonly request: SubnetRequest | undefined;
  /** How many pods it wants. */
  readonly pods: number;
}

export interface ApplicationFacts {
  readonly application: ApplicationName;
  /** Undefined if a live read did not find it. */
  readonly living: LivingApplication | undefined;
  /**
   * Whose annotations the request has. A pod may be older than the last change of its workload. So a plan for a pod
   * only makes and enlarges pools.
   */
  readonly asker: 'workload' | 'pod';
  /** All subnets that can be read, by name. */
  readonly ledgers: ReadonlyMap<string, SubnetLedger>;
  readonly pools: PoolIndex;
  readonly reserved: ReservedAddresses;
  /** The families that are enabled. */
  readonly families: readonly Family[];
}

export interface ApplicationPlan {
  /** To be done in any order, also beside the writes of the ledgers. */
  readonly writes: readonly PoolWrite[];
  /** The subnets with the bookings of the plan. Plans of other applications may begin with them, before they are written. */
  readonly ledgers: ReadonlyMap<string, SubnetLedger>;
  readonly notices: readonly Notice[];
  /** The pool of each wish that has one. It serves pods as soon as it has addresses. */
  readonly pools: ReadonlyMap<PoolWish, SpiderIPPool>;
}

export function planApplicationPools(facts: ApplicationFacts): ApplicationPlan {
  const { application, living, asker } = facts;
  const own = facts.pools.of(application);
  const ledgers = new Map(facts.ledgers);
  const pools = new Map<PoolWish, SpiderIPPool>();
  const writes: PoolWrite[] = [];
  const notices: Notice[] = [];
  if (living?.request !== undefined) {
    for (const wish of living.request.wishes) {
      const pool = poolOf(wish, own, living.uid);
      if (pool !== undefined) pools.set(wish, pool);
      const step = wishStep({ ...facts, living, request: living.request, ledgers }, wish, pool);
      if (step.ledger !== undefined) ledgers.set(wish.subnet, step.ledger);
      writes.push(...step.writes);
      notices.push(...step.notices);
    }
  }
  if (asker === 'workload') {
    const wanted = new Set(pools.values());
    for (const pool of own.filter((one) => !wanted.has(one))) {
      const step = planUnwantedPool(pool, living?.uid);
      writes.push(...step.writes);
      notices.push(...step.notices);
    }
  }
  return { writes, ledgers, notices, pools };
}

/**
 * The pool of the wish: one of this life of the application, or one that an earlier life left. A pool of an earlier
 * life that goes with it is no longer there for anybody.
 */
function poolOf(wish: PoolWish, own: readonly SpiderIPPool[], uid: string): SpiderIPPool | undefined {
  const fitting = own.filter(
    (pool) =>
      serves(pool, wish) &&
      pool.metadata.deletionTimestamp === undefined &&
      (ownerUid(pool) === uid || !isReclaimed(pool)),
  );
  return fitting.find((pool) => ownerUid(pool) === uid) ?? fitting[0];
}

interface WishContext extends ApplicationFacts {
  readonly living: LivingApplication;
  readonly request: SubnetRequest;
}

function wishStep(
  facts: WishContext,
  wish: PoolWish,
  pool: SpiderIPPool | undefined,
): Omit<Step, 'ledger'> & { readonly ledger: SubnetLedger | undefined } {
  const { living, request, pools, ledgers } = facts;
  const ledger = ledgers.get(wish.subnet);
  const obstacle = obstacleOf(facts, wish, ledger);
  if (ledger === undefined || obstacle !== undefined) {
    return { ledger, writes: [], notices: obstacle === undefined ? [] : [obstacle] };
  }
  return planWish({
    application: { ...facts.application, uid: living.uid },
    request,
    wish,
    size: poolSize(request, living.pods),
    mayShrink: facts.asker === 'workload',
    ledger,
    pool,
    byHand: pools.byHand(ledger),
    reserved: facts.reserved[ledger.family],
    taken: (name) => pools.has(name),
  });
}

/** Why nothing can be done for the wish. */
function obstacleOf(
  { families, request }: WishContext,
  wish: PoolWish,
  ledger: SubnetLedger | undefined,
): Notice | undefined {
  const { nic, family, subnet } = wish;
  const told = (reason: NoticeReason, message: string): Notice => {
    return { type: 'Warning', reason, subnet, pool: undefined, message };
  };
  if (!families.includes(family)) {
    const hasOther = request.wishes.some((other) => other.nic === nic && families.includes(other.family));
    const message = `IPv${family} is disabled: ${nic} gets no address of SpiderSubnet ${subnet}`;
    return { ...told('FamilyDisabled', message), type: hasOther ? 'Normal' : 'Warning' };
  }
  if (ledger === undefined) {
    const message = `failed to get SpiderSubnet ${subnet}: it does not exist or cannot be read, and ${nic} gets IPv${family} addresses of it`;
    return told('SubnetNotFound', message);
  }
  if (ledger.family !== family) {
    const message = `SpiderSubnet ${subnet} has IPv${ledger.family} addresses, but ipv${family} of interface ${nic} names it`;
    return told('SubnetWrongFamily', message);
  }
  if (ledger.terminating) {
    const message = `SpiderSubnet '${subnet}' is terminating, we can't reconcile an auto-created IPPool from it`;
    return told('SubnetTerminating', message);
  }
  if (ledger.overlap === undefined) return undefined;
  return told('SubnetOverlapping', `SpiderSubnet ${subnet} is left out: ${ledger.overlap}`);
}
