// The bookings of one subnet. They stand in its status, and one conditional write changes them: this object alone says
// which pool an address belongs to.

import { z } from 'zod';
import { checkJson, type SpiderSubnet, unreadableNote } from '#api';
import { OrbError } from '#base';
import { AddressSet, type Family } from '#ip';
import { type PoolNetwork, readPoolNetwork } from '#plan/ipam';
import { type Booking, isSettled, sameBooking } from './booking.ts';
import { subnetOverlapNote } from './subnet-overlap.ts';

export type SubnetStatus = NonNullable<SpiderSubnet['status']>;

/** A parsed subnet with its bookings. It never changes: each change makes a new one. */
export class SubnetLedger {
  readonly object: SpiderSubnet;
  readonly network: PoolNetwork;
  readonly bookings: ReadonlyMap<string, Booking>;
  /** The bookings in the status of `object`. */
  readonly #stored: ReadonlyMap<string, Booking>;

  private constructor(
    object: SpiderSubnet,
    network: PoolNetwork,
    stored: ReadonlyMap<string, Booking>,
    bookings = stored,
  ) {
    this.object = object;
    this.network = network;
    this.#stored = stored;
    this.bookings = bookings;
  }

  /** @throws OrbError SUBNET_INVALID for a spec or a status that cannot be read */
  static read(object: SpiderSubnet): SubnetLedger {
    const unreadable = unreadableNote(object);
    if (unreadable !== undefined) throw invalid(object, unreadable);
    const network = object.spec === undefined ? undefined : readPoolNetwork(object.spec, []);
    if (network === undefined) throw invalid(object, 'spec.subnet is missing or wrong');
    return new SubnetLedger(object, network, readBookings(object, network.family));
  }

  get name(): string {
    return this.object.metadata.name ?? '';
  }

  get family(): Family {
    return this.network.family;
  }

  get terminating(): boolean {
    return this.object.metadata.deletionTimestamp !== undefined;
  }

  /** Why no pool gets new addresses of the subnet. Undefined if pools get them. */
  get overlap(): string | undefined {
    return subnetOverlapNote(this.object);
  }

  /** The addresses that all pools but this one have. */
  heldByOthers(pool: string): AddressSet {
    return this.#union([...this.bookings].filter(([name]) => name !== pool).map(([, booking]) => booking));
  }

  /** This ledger with the booking of the pool, or without it. */
  with(pool: string, booking: Booking | undefined): SubnetLedger {
    const bookings = new Map(this.bookings);
    if (booking === undefined) bookings.delete(pool);
    else bookings.set(pool, booking);
    return new SubnetLedger(this.object, this.network, this.#stored, bookings);
  }

  /** The status to store. Undefined if the stored one says the same. */
  change(): SubnetStatus | undefined {
    const stored = this.object.status ?? {};
    const status = this.#status(stored);
    const same =
      stored.totalIPCount === status.totalIPCount &&
      stored.allocatedIPCount === status.allocatedIPCount &&
      this.#stored.size === this.bookings.size &&
      Array.from(this.bookings.keys()).every((name) => this.isStored(name));
    return same ? undefined : status;
  }

  /** Whether the API server has the booking of the pool. Only then the pool may be brought to it. */
  isStored(pool: string): boolean {
    const old = this.#stored.get(pool);
    const booking = this.bookings.get(pool);
    return old === booking || (old !== undefined && booking !== undefined && sameBooking(old, booking));
  }

  #status({ controlledIPPools: _pools, bookings: _bookings, ...others }: SubnetStatus): SubnetStatus {
    const sorted = [...this.bookings].sort(([a], [b]) => (a < b ? -1 : 1));
    const pools = Object.fromEntries(
      sorted.map(([name, { held, application }]) => [
        name,
        { ips: held.format(), ...(application !== undefined && { application }) },
      ]),
    );
    const bookings = sorted.flatMap(([pool, booking]) =>
      booking.uid === undefined
        ? []
        : {
            pool,
            uid: booking.uid,
            revision: booking.revision,
            ...(!isSettled(booking) && { wanted: booking.wanted.format() }),
          },
    );
    return {
      ...others,
      ...(sorted.length > 0 && { controlledIPPools: JSON.stringify(pools) }),
      ...(bookings.length > 0 && { bookings }),
      totalIPCount: countOf(this.network.addresses),
      allocatedIPCount: countOf(this.#union(this.bookings.values())),
    };
  }

  #union(bookings: Iterable<Booking>): AddressSet {
    return AddressSet.of(this.family, Array.from(bookings, ({ held }) => held.ranges).flat());
  }
}

/** The number of addresses as a count of the API. */
export function countOf(addresses: AddressSet): number {
  const { count } = addresses;
  return count > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : Number(count);
}

/** `status.controlledIPPools`. Other fields are refused by nobody and kept by nobody. */
const poolsSchema = z.record(
  z.string(),
  z.looseObject({ ips: z.array(z.string()).nullish(), application: z.string().nullish() }),
);

function readBookings(object: SpiderSubnet, family: Family): Map<string, Booking> {
  const subject = `SpiderSubnet ${object.metadata.name ?? ''} status.controlledIPPools`;
  const text = object.status?.controlledIPPools ?? '';
  const pools = text === '' ? {} : checkJson(poolsSchema, text, { subject, code: 'SUBNET_INVALID' });
  const ours = new Map((object.status?.bookings ?? []).map((booking) => [booking.pool, booking]));
  const read = (name: string, ranges: readonly string[]): AddressSet => {
    try {
      return AddressSet.parse(family, ranges);
    } catch (cause) {
      throw invalid(object, `the addresses of ${name} cannot be read: ${(cause as Error).message}`);
    }
  };
  return new Map(
    Object.entries(pools).map(([name, { ips, application }]) => {
      const own = ours.get(name);
      const held = read(name, ips ?? []);
      const wanted = own?.wanted === undefined ? held : read(name, own.wanted).intersection(held);
      return [
        name,
        { uid: own?.uid, application: application ?? undefined, held, wanted, revision: own?.revision ?? 0 },
      ];
    }),
  );
}

function invalid({ metadata }: SpiderSubnet, what: string): OrbError {
  const subject = `SpiderSubnet ${metadata.name ?? ''}`;
  return new OrbError('SUBNET_INVALID', { message: `${subject} cannot be used: ${what}`, subject });
}
