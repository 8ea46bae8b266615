// Leader election by a Lease: of several programs, one works. The semantics are those of client-go's leaderelection.

import { type Lease, resources } from '#api';
import { abortable, type Clock, errorText, isOrbError, type Logger, OrbError } from '#base';
import type { KubeClient, ObjectRef } from '#kube';
import { type ReconcileMetrics, silentReconcileMetrics } from './metrics.ts';
import { type LeaseTimes, ObservedLease, released } from './observed-lease.ts';

export interface LeaderElectionOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics?: ReconcileMetrics;
  readonly lease: ObjectRef & { readonly namespace: string };
  /** Annotations that the holder writes into the lease. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Unique among all candidates and all their starts: the name of the machine and a random part. */
  readonly identity: string;
  readonly times?: LeaseTimes;
  /** A number in [0, 1) for the jitter, for tests. */
  readonly random?: () => number;
  /**
   * The work of the leader. It must end soon after the signal aborts: then another program may lead. The lease is renewed
   * until it has ended.
   */
  readonly lead: (signal: AbortSignal) => Promise<void>;
}

const defaultTimes: LeaseTimes = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2000 };

/** Candidates wait up to 2.2 retry periods, so that they do not all come at once (client-go, JitterFactor). */
const JITTER = 1.2;

/** One candidate. */
export class LeaderElection {
  readonly #options: LeaderElectionOptions;
  readonly #times: LeaseTimes;
  readonly #name: string;
  readonly #observed: ObservedLease;
  /** The lease as it was read or written last. */
  #lease: Lease | undefined;
  /** The monotonic time when the last successful renewal was sent. */
  #renewedMs = Number.NEGATIVE_INFINITY;

  /** @throws OrbError INPUT_INVALID if there is no identity, or if the times leave a leader no time to renew */
  constructor(options: LeaderElectionOptions) {
    if (options.identity === '') {
      throw new OrbError('INPUT_INVALID', { message: 'identity: "" must not be empty', subject: 'identity' });
    }
    this.#options = options;
    this.#times = checked(options.times ?? defaultTimes);
    this.#name = `${options.lease.namespace}/${options.lease.name}`;
    this.#observed = new ObservedLease(options.identity, this.#times);
  }

  /**
   * Competes for the lease until the signal aborts, and works while it leads. Resolves when the work has ended and the
   * lease is given up.
   */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (await this.#tryToTake(signal)) await this.#term(signal);
      const { clock, random = Math.random } = this.#options;
      const waitMs = this.#times.retryPeriodMs * (1 + JITTER * random());
      await clock.sleep(waitMs, signal).catch(() => {}); // the end
    }
  }

  async #tryToTake(signal: AbortSignal): Promise<boolean> {
    const { clock, log } = this.#options;
    let isWriting = false;
    try {
      // A call that hangs must not keep the candidate from the next try.
      return await this.#within(this.#times.renewDeadlineMs, signal, async (limited) => {
        await this.#read(limited);
        if (!this.#observed.isFree(clock.monotonic())) return false;
        isWriting = true;
        await this.#write(limited);
        return true;
      });
    } catch (error) {
      // The write may have reached the server.
      if (isWriting && signal.aborted) await this.#release();
      const isRace = isOrbError(error, 'KUBE_CONFLICT') || isOrbError(error, 'KUBE_ALREADY_EXISTS');
      const fields = { lease: this.#name, error: errorText(error) };
      if (isRace || signal.aborted) log.debug(fields, 'the lease was not taken');
      else log.warn(fields, 'the lease could not be taken');
      return false;
    }
  }

  /** From taking the lease until the work has ended. */
  async #term(signal: AbortSignal): Promise<void> {
    const { log, metrics = silentReconcileMetrics } = this.#options;
    const fields = { lease: this.#name, identity: this.#options.identity };
    const term = new AbortController();
    const worked = new AbortController();
    const stop = () => term.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    log.info(fields, 'this program leads');
    metrics.leads(this.#name, true);
    const working = this.#work(term.signal).finally(() => worked.abort(new Error('the work has ended')));
    const isLost = (await this.#keep(worked.signal)) === 'lost';
    if (isLost) term.abort(new Error(`the lease ${this.#name} was lost`));
    metrics.leads(this.#name, false);
    await working;
    signal.removeEventListener('abort', stop);
    if (isLost) log.warn(fields, 'this program lost the lease and leads no more');
    else await this.#release();
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { log, lead } = this.#options;
    try {
      await lead(signal);
      if (!signal.aborted) log.warn({ lease: this.#name }, 'the work of the leader ended by itself');
    } catch (error) {
      if (!signal.aborted) log.error({ lease: this.#name, err: error }, 'the work of the leader failed');
    }
  }

  /** Renews the lease until the work has ended. `lost` comes before another candidate may take the lease. */
  async #keep(worked: AbortSignal): Promise<'kept' | 'lost'> {
    const { clock, log } = this.#options;
    const { retryPeriodMs, renewDeadlineMs } = this.#times;
    const leftMs = () => this.#renewedMs + renewDeadlineMs - clock.monotonic();
    while (leftMs() > 0) {
      await clock.sleep(Math.min(retryPeriodMs, leftMs()), worked).catch(() => {}); // the work has ended
      if (worked.aborted) return 'kept';
      // The program or its machine may have stood still.
      if (leftMs() <= 0) break;
      try {
        await this.#within(leftMs(), worked, (limited) => this.#renew(limited));
      } catch (error) {
        if (worked.aborted) return 'kept';
        log.warn({ lease: this.#name, error: errorText(error) }, 'the lease could not be renewed');
      }
      if (this.#observed.isOthers) break;
    }
    return 'lost';
  }

  async #renew(signal: AbortSignal): Promise<void> {
    try {
      await this.#write(signal);
    } catch (error) {
      // Somebody has edited or deleted the lease, or another candidate has it.
      if (!isOrbError(error, 'KUBE_CONFLICT') && !isOrbError(error, 'KUBE_NOT_FOUND')) throw error;
      await this.#read(signal);
      if (!this.#observed.isOthers) await this.#write(signal);
    }
  }

  /** Clears the holder. If that fails, the others wait until the lease has run out. */
  async #release(): Promise<void> {
    const { client, clock, log, identity } = this.#options;
    const never = new AbortController().signal;
    try {
      await this.#within(this.#times.renewDeadlineMs, never, async (signal) => {
        await this.#read(signal);
        const lease = this.#lease;
        if (lease === undefined || this.#observed.holder !== identity) return;
        const spec = released(lease.spec, clock.now());
        this.#note(await client.update(resources.leases, { ...lease, spec }, { signal }), signal);
      });
      log.info({ lease: this.#name, identity }, 'this program gave the lease up');
    } catch (error) {
      log.warn({ lease: this.#name, error: errorText(error) }, 'the lease could not be given up');
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const { client, lease } = this.#options;
    try {
      this.#note(await client.get(resources.leases, lease, { signal }), signal);
    } catch (error) {
      if (!isOrbError(error, 'KUBE_NOT_FOUND')) throw error;
      this.#note(undefined, signal);
    }
  }

  /** Writes the lease as held by this candidate, if nobody has changed it since it was read. */
  async #write(signal: AbortSignal): Promise<void> {
    const { client, clock, lease: ref, annotations } = this.#options;
    const sentMs = clock.monotonic();
    const before = this.#lease;
    const spec = this.#observed.held(before?.spec, clock.now());
    const metadata = {
      ...(before?.metadata ?? ref),
      annotations: { ...before?.metadata.annotations, ...annotations },
    };
    const call =
      before === undefined
        ? client.create(resources.leases, { metadata, spec }, { signal })
        : client.update(resources.leases, { ...before, metadata, spec }, { signal });
    this.#note(await call, signal);
    this.#renewedMs = sentMs;
  }

  /** An answer that comes too late is older than what is known. */
  #note(lease: Lease | undefined, signal: AbortSignal): void {
    signal.throwIfAborted();
    const { clock, log } = this.#options;
    const before = this.#observed.holder;
    this.#lease = lease;
    this.#observed.saw(lease?.spec, clock.monotonic());
    const { holder, isOthers } = this.#observed;
    if (isOthers && holder !== before) log.info({ lease: this.#name, holder }, 'another program leads');
  }

  /** Ends the call after `limitMs`, or when the signal aborts, also if the client does not notice. */
  async #within<T>(
    limitMs: number,
    signal: AbortSignal,
    call: (limited: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const late = new AbortController();
    const done = new AbortController();
    const message = `no answer within ${limitMs} ms`;
    this.#options.clock.sleep(limitMs, done.signal).then(
      () => late.abort(new OrbError('KUBE_UNREACHABLE', { message, subject: `Lease ${this.#name}` })),
      () => {}, // the call has ended
    );
    const limited = AbortSignal.any([signal, late.signal]);
    try {
      limited.throwIfAborted();
      return await abortable(call(limited), limited);
    } finally {
      done.abort();
    }
  }
}

/** client-go's rules. */
function checked(times: LeaseTimes): LeaseTimes {
  const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = times;
  const refuse = (field: keyof LeaseTimes, rule: string): never => {
    throw new OrbError('INPUT_INVALID', {
      message: `${field}: ${times[field]} must be ${rule}`,
      subject: field,
    });
  };
  if (!(retryPeriodMs > 0)) refuse('retryPeriodMs', 'greater than 0');
  if (!(renewDeadlineMs > JITTER * retryPeriodMs)) {
    refuse('renewDeadlineMs', `greater than ${JITTER} × retryPeriodMs (${retryPeriodMs})`);
  }
  if (!(leaseDurationMs > renewDeadlineMs)) {
    refuse('leaseDurationMs', `greater than renewDeadlineMs (${renewDeadlineMs})`);
  }
  return times;
}
