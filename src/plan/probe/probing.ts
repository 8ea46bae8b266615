// Decides whether a NIC may use its addresses: what to send and when, what each sighting on the wire means, and the
// verdict.
//
// Probes for a conflict come first. They change no machine's cache (RFC 5227, 2.1; RFC 4862, 5.4). Gateways are asked
// only if no conflict was found. The first questions have no sender, like the probes. A question in the name of a
// neighbour's address would poison caches (Spiderpool #4475). If a gateway does not answer, it is asked in the name of
// the address, which is known to be free.

import { type Address, formatAddress, sameAddress } from '#ip';
import type { Mac } from '#net';

/** An address that the NIC will have. */
export interface ProbeTarget {
  readonly address: Address;
  /** The gateway that must answer. Absent if no check is wanted. */
  readonly gateway?: Address;
}

export interface ProbingInput {
  /** The NIC's own MAC address. Frames from it are our own. */
  readonly mac: Mac;
  readonly targets: readonly ProbeTarget[];
  /** Whether to look for other machines with the addresses. */
  readonly detectConflict: boolean;
  /**
   * When the verdict must be known. Probes are sent at tenths of this time. Silence for three tenths means no conflict.
   */
  readonly deadlineMs: number;
}

/** What a frame of another machine shows about an address: the machine uses it, or also asks whether it is free. */
export interface Sighting {
  readonly kind: 'uses' | 'probes';
  readonly address: Address;
  readonly mac: Mac;
}

/** A frame to send. */
export type Emission =
  | { readonly kind: 'probe'; readonly address: Address }
  /** Who has it? Without `source` the question names no sender, and who answers caches nothing. */
  | { readonly kind: 'ask'; readonly address: Address; readonly source?: Address };

export type Verdict =
  | { readonly kind: 'free' }
  | { readonly kind: 'conflict'; readonly address: Address; readonly mac: Mac }
  | { readonly kind: 'unreachable'; readonly gateway: Address }
  /** Probes did not leave the NIC, so nothing is known. */
  | { readonly kind: 'unheard' };

/** RFC 5227, 2.1.1: PROBE_NUM. */
const CONFLICT_ROUNDS = 3;
const STEPS_PER_DEADLINE = 10;
/**
 * The number of last steps that name a sender. Switches that inspect ARP may drop questions from 0.0.0.0, and gateways
 * may ignore them.
 */
const NAMED_STEPS = 3;

/**
 * One probing of all addresses of a NIC. It gets the time and the sightings as input, and has no clock and no socket.
 */
export class Probing {
  readonly #input: ProbingInput;
  readonly #stepMs: number;
  readonly #endMs: number;
  #nextMs: number;
  #phase: 'conflict' | 'gateway' = 'conflict';
  #rounds = 0;
  #lastRoundLost = false;
  /** Gateways that have not answered yet, by text. Each has one of the addresses that use it. */
  readonly #silent: Map<string, Question>;
  #verdict: Verdict | undefined;

  constructor(input: ProbingInput, nowMs: number) {
    this.#input = input;
    this.#stepMs = input.deadlineMs / STEPS_PER_DEADLINE;
    this.#endMs = nowMs + input.deadlineMs;
    this.#nextMs = nowMs;
    this.#silent = questions(input.targets);
    if (!input.detectConflict) this.#askGateways();
  }

  /** Undefined while the probing continues. */
  get verdict(): Verdict | undefined {
    return this.#verdict;
  }

  /** When {@link due} must be called next. */
  get wakeAtMs(): number {
    return Math.min(this.#nextMs, this.#endMs);
  }

  /** What to send now. It is often empty. */
  due(nowMs: number): Emission[] {
    if (this.#verdict !== undefined) return [];
    if (nowMs >= this.#endMs) {
      this.#verdict = this.#lateVerdict();
      return [];
    }
    if (nowMs < this.#nextMs) return [];
    if (this.#phase === 'conflict' && this.#rounds === CONFLICT_ROUNDS) this.#askGateways();
    if (this.#verdict !== undefined) return [];
    this.#nextMs = nowMs + this.#stepMs;
    this.#lastRoundLost = false;
    if (this.#phase === 'gateway') return this.#questions(nowMs);
    this.#rounds++;
    return this.#input.targets.map(({ address }) => ({ kind: 'probe', address }));
  }

  /** A frame of the last {@link due} did not leave the NIC, so that round does not count. */
  lost(): void {
    if (this.#lastRoundLost) return;
    this.#lastRoundLost = true;
    if (this.#phase === 'conflict') this.#rounds--;
  }

  saw({ kind, address, mac }: Sighting): void {
    if (this.#verdict !== undefined || mac === this.#input.mac) return;
    if (
      this.#input.detectConflict &&
      this.#input.targets.some((target) => sameAddress(target.address, address))
    ) {
      this.#verdict = { kind: 'conflict', address, mac };
    } else if (this.#phase === 'gateway' && kind === 'uses') {
      this.#silent.delete(formatAddress(address));
      if (this.#silent.size === 0) this.#verdict = { kind: 'free' };
    }
  }

  #askGateways(): void {
    this.#phase = 'gateway';
    if (this.#silent.size === 0) this.#verdict = { kind: 'free' };
  }

  #questions(nowMs: number): Emission[] {
    const named = this.#input.detectConflict && nowMs >= this.#endMs - NAMED_STEPS * this.#stepMs;
    return [...this.#silent.values()].map(({ gateway, address }) => ({
      kind: 'ask',
      address: gateway,
      ...(named && { source: address }),
    }));
  }

  #lateVerdict(): Verdict {
    const [first] = this.#silent.values();
    if (this.#phase === 'conflict' || this.#lastRoundLost || first === undefined) return { kind: 'unheard' };
    return { kind: 'unreachable', gateway: first.gateway };
  }
}

interface Question {
  readonly gateway: Address;
  readonly address: Address;
}

/** One question for each gateway, however many addresses use it. */
function questions(targets: readonly ProbeTarget[]): Map<string, Question> {
  const asked = new Map<string, Question>();
  for (const { address, gateway } of targets) {
    if (gateway !== undefined) asked.set(formatAddress(gateway), { gateway, address });
  }
  return asked;
}
