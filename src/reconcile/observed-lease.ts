// What a candidate knows of a Lease, and what it writes into it (client-go, tools/leaderelection).

import type { Lease } from '#api';
import { canonical } from './canonical.ts';

export type LeaseSpec = NonNullable<Lease['spec']>;

/** The times of an election, in milliseconds. The defaults are those of client-go and kube-controller-manager. */
export interface LeaseTimes {
  /** How long others wait after the last renewal that they saw. Written in whole seconds. */
  readonly leaseDurationMs: number;
  /** How long after its last renewal a leader may lead. */
  readonly renewDeadlineMs: number;
  /** The wait between two tries to get or to renew the lease. */
  readonly retryPeriodMs: number;
}

/**
 * The lease as one candidate has seen it. Times in it come from clocks of other machines and are never compared with the
 * own clock. What counts is how long ago, by the own clock, the candidate saw it change.
 */
export class ObservedLease {
  readonly #identity: string;
  readonly #durationMs: number;
  #spec: LeaseSpec = {};
  #text = canonical({});
  #changedMs = Number.NEGATIVE_INFINITY;

  constructor(identity: string, { leaseDurationMs }: LeaseTimes) {
    this.#identity = identity;
    this.#durationMs = leaseDurationMs;
  }

  /**
   * Notes what was read at a monotonic time. A lease that is gone was deleted by hand: its holder still leads, so what was
   * seen before stays.
   */
  saw(spec: LeaseSpec | undefined, nowMs: number): void {
    const text = canonical(spec ?? {});
    if (spec === undefined || text === this.#text) return;
    this.#spec = spec;
    this.#text = text;
    this.#changedMs = nowMs;
  }

  /** Who holds the lease. Empty if nobody does. */
  get holder(): string {
    return this.#spec.holderIdentity ?? '';
  }

  /** Whether another one holds it. */
  get isOthers(): boolean {
    return this.holder !== '' && this.holder !== this.#identity;
  }

  /** Whether the candidate may take it: nobody holds it, itself does, or the holder has not renewed it for its duration. */
  isFree(nowMs: number): boolean {
    const { leaseDurationSeconds } = this.#spec;
    const durationMs = leaseDurationSeconds ? leaseDurationSeconds * 1000 : this.#durationMs;
    return !this.isOthers || nowMs - this.#changedMs >= durationMs;
  }

  /** The spec that takes or renews the lease. `wallMs` is the wall clock. Fields of others are kept. */
  held(spec: LeaseSpec | undefined, wallMs: number): LeaseSpec {
    const now = microTime(wallMs);
    const isOwn = this.holder === this.#identity;
    const { acquireTime, leaseTransitions } = this.#spec;
    // The first holder of a new lease is no transition.
    const isFirst = this.#changedMs === Number.NEGATIVE_INFINITY;
    return {
      ...spec,
      holderIdentity: this.#identity,
      leaseDurationSeconds: Math.ceil(this.#durationMs / 1000),
      acquireTime: (isOwn && acquireTime) || now,
      renewTime: now,
      leaseTransitions: (leaseTransitions ?? 0) + (isOwn || isFirst ? 0 : 1),
    };
  }
}

/** The spec that gives the lease up, so that another candidate takes it with its next try. */
export function released(spec: LeaseSpec | undefined, wallMs: number): LeaseSpec {
  const now = microTime(wallMs);
  return { ...spec, holderIdentity: '', leaseDurationSeconds: 1, acquireTime: now, renewTime: now };
}

/** metav1.MicroTime: RFC 3339 with exactly six digits after the second. */
function microTime(wallMs: number): string {
  return new Date(wallMs).toISOString().replace(/\.(\d{3})Z$/, '.$1000Z');
}
