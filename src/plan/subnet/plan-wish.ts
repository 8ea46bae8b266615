// The next step of one automatic pool. Each step is one conditional write, and any order of steps of several planners
// keeps the pool's addresses in its booking (ADR 0032).

import type { SpiderIPPool } from '#api';
import { AddressSet } from '#ip';
import { type Application, applicationKey } from './application.ts';
import { isRenewed, newPool, type Renewal, renewedPool } from './auto-pool.ts';
import { type Booking, isSettled, settled, wanting } from './booking.ts';
import { type Carving, carve } from './carve.ts';
import type { Notice, NoticeReason } from './notice.ts';
import { poolName } from './pool-name.ts';
import { type PoolSight, trySeePool } from './pool-sight.ts';
import { type PoolWrite, rangesText, withCounts } from './pool-write.ts';
import type { SubnetLedger } from './subnet-ledger.ts';
import type { PoolWish, SubnetRequest } from './subnet-request.ts';

export interface WishFacts {
  readonly application: Application;
  readonly request: SubnetRequest;
  readonly wish: PoolWish;
  /** How many addresses the pool should have. */
  readonly size: number;
  /** Whether the pool may lose addresses. */
  readonly mayShrink: boolean;
  readonly ledger: SubnetLedger;
  /** The pool of the wish. Undefined if there is none. */
  readonly pool: SpiderIPPool | undefined;
  /** The addresses that pools of users have in this subnet. */
  readonly byHand: AddressSet;
  readonly reserved: AddressSet;
  /** Whether a pool has this name. */
  readonly taken: (name: string) => boolean;
}

export interface Step {
  readonly ledger: SubnetLedger;
  readonly writes: readonly PoolWrite[];
  readonly notices: readonly Notice[];
}

export function planWish(facts: WishFacts): Step {
  const { application, request, wish, ledger, pool, taken } = facts;
  if (pool === undefined) {
    // A pool for which the subnet has too few addresses is not made.
    const { shortage } = carving(facts, undefined, AddressSet.empty(ledger.family));
    if (shortage !== undefined) return { ledger, writes: [], notices: [exhausted(facts, shortage)] };
    const name = poolName(application, wish.nic, wish.family, taken);
    const made = newPool(name, application, wish, request, ledger.object);
    return { ledger, writes: [{ verb: 'create', pool: made }], notices: [] };
  }
  const sight = trySeePool(pool);
  if (typeof sight !== 'string') return planPool(facts, sight);
  return { ledger, writes: [], notices: [notice(facts, 'PoolInvalid', sight)] };
}

function planPool(facts: WishFacts, sight: PoolSight): Step {
  const { ledger } = facts;
  const others = ledger.heldByOthers(sight.name);
  const shared = sight.addresses.intersection(sight.inUse).intersection(others);
  if (!shared.isEmpty) {
    const message = `IPPool ${sight.name} has addresses ${rangesText(shared)}, which pods hold, and other pools of the subnet have them too: delete those pods`;
    return { ledger, writes: [], notices: [notice(facts, 'Overlapping', message)] };
  }
  const booking = bookingOf(facts, sight, others);
  if (booking === undefined) return { ledger, writes: [], notices: [] };
  const strays = sight.addresses.intersection(sight.inUse).difference(others);
  const { addresses, shortage, stuck } = carving(facts, sight, booking.wanted.union(strays));
  const notices: Notice[] = [];
  if (shortage !== undefined) notices.push(exhausted(facts, shortage));
  if (stuck > 0) {
    const message = `IPPool available free IPs are not enough: ${stuck} more addresses of ${sight.name} become free when pods release them`;
    notices.push({ ...notice(facts, 'PoolInUse', message), type: 'Normal' });
  }
  return { ...nextStep(facts, sight, booking, addresses), notices };
}

function nextStep(
  { application, request, ledger }: WishFacts,
  sight: PoolSight,
  booking: Booking,
  addresses: AddressSet,
): Omit<Step, 'notices'> {
  const { name, revision } = sight;
  const isPending = revision < booking.revision;
  const isOther = revision > booking.revision || (!isPending && !sight.addresses.equals(booking.wanted));
  const stored = ledger.bookings.get(name);
  if (stored?.uid !== sight.uid || isOther || !addresses.equals(booking.wanted)) {
    return { ledger: ledger.with(name, wanting(booking, addresses, revision)), writes: [] };
  }
  // Until the API server has the booking, nothing may follow from it.
  if (!ledger.isStored(name)) return { ledger, writes: [] };
  const renewal: Renewal = {
    application,
    request,
    subnet: ledger.object,
    ips: addresses.format(),
    revision: booking.revision,
  };
  if (isPending || !isRenewed(sight.object, renewal)) {
    return { ledger, writes: [{ verb: 'update', pool: renewedPool(sight.object, renewal) }] };
  }
  const counted = withCounts(sight.object);
  return {
    ledger: isSettled(booking) ? ledger : ledger.with(name, settled(booking)),
    writes: counted === undefined ? [] : [{ verb: 'updateStatus', pool: counted }],
  };
}

/**
 * The pool's booking. Without one, it holds what the pool has. Spiderpool's bookings have no UID. Undefined if the
 * booking has the UID of another pool of this name: `planSubnet` knows which of the two is gone.
 */
function bookingOf(
  { ledger, application }: WishFacts,
  sight: PoolSight,
  others: AddressSet,
): Booking | undefined {
  const { uid, name, revision } = sight;
  const stored = ledger.bookings.get(name);
  const own = sight.addresses.difference(others);
  const key = applicationKey(application);
  if (stored === undefined) return { uid, application: key, held: own, wanted: own, revision };
  if (stored.uid !== undefined && stored.uid !== uid) return undefined;
  return { ...stored, uid, application: key, held: stored.held.union(own) };
}

function carving(facts: WishFacts, sight: PoolSight | undefined, current: AddressSet): Carving {
  const { ledger, byHand, reserved, size, mayShrink } = facts;
  const usable = ledger.network.addresses.difference(reserved).difference(byHand);
  const others = ledger.heldByOthers(sight?.name ?? '');
  const inUse = sight?.inUse ?? AddressSet.empty(ledger.family);
  const least = mayShrink ? 0 : Number(current.count);
  const free = usable.difference(others).difference(current);
  return carve({ current, inUse, usable, free, size: Math.max(size, least) });
}

function exhausted(facts: WishFacts, { required, left }: { required: bigint; left: bigint }): Notice {
  const message = `insufficient subnet FreeIPs, required '${required}' but only left '${left}': SpiderSubnet ${facts.wish.subnet}`;
  return notice(facts, 'SubnetExhausted', message);
}

function notice({ wish, pool }: WishFacts, reason: NoticeReason, message: string): Notice {
  return { type: 'Warning', reason, subnet: wish.subnet, pool: pool?.metadata.name, message };
}
