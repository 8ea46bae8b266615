// The addresses of pools that Neutron has refused to reserve, and that are not tried again for a while.

import type { SpiderIPPool } from '#api';
import { type Clock, errorText } from '#base';
import { AddressSet, formatAddress } from '#ip';
import type { RefusedAddress } from '#openstack';

/** An address that Neutron has refused is not tried again before. */
const REFUSED_MS = 300_000;

interface Refusals {
  /** Of the pool. A changed pool is tried whole. */
  readonly generation: number | undefined;
  readonly untilMs: number;
  readonly all: readonly RefusedAddress[];
}

export class RefusedAddresses {
  readonly #clock: Clock;
  /** By the UID of the pool. */
  readonly #refusals = new Map<string, Refusals>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of({ metadata: { uid = '', generation } }: SpiderIPPool): readonly RefusedAddress[] {
    const refusals = this.#refusals.get(uid);
    if (refusals === undefined || refusals.generation !== generation) return [];
    return refusals.untilMs > this.#clock.monotonic() ? refusals.all : [];
  }

  remember({ metadata: { uid = '', generation } }: SpiderIPPool, all: readonly RefusedAddress[]): void {
    this.#refusals.set(uid, { generation, all, untilMs: this.#clock.monotonic() + REFUSED_MS });
  }

  /** Forgets those of other pools. */
  keepOnly(isKept: (poolUid: string) => boolean): void {
    for (const uid of this.#refusals.keys()) if (!isKept(uid)) this.#refusals.delete(uid);
  }
}

export function addressesIn(family: AddressSet['family'], refused: readonly RefusedAddress[]): AddressSet {
  return AddressSet.ofAddresses(
    family,
    refused.map(({ address }) => address),
  );
}

/** What a user reads: how many, and Neutron's words for the first one. */
export function refusalText(all: readonly RefusedAddress[]): string {
  const [first] = all;
  if (first === undefined) return '';
  const rest = all.length === 1 ? '' : ` (${all.length} addresses in all)`;
  return `Neutron does not reserve ${formatAddress(first.address)}${rest}: ${errorText(first.error)}`;
}
