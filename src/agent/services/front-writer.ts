// Writes the nftables rules of fronts, and knows what the kernel has of each.

import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { errorText, type Logger } from '#base';
import {
  type FrontObjects,
  type FrontRules,
  frontCommands,
  frontRules,
  type PacketEntry,
  type SharedElement,
  sharedCommands,
  sharedElements,
} from '#plan/service-rules';

export interface FrontWriterParts {
  readonly write: (commands: readonly string[]) => Promise<void>;
  /** Throws if the table itself is at fault: if it is gone, of another version, or if the kernel has no memory. */
  readonly prove: () => Promise<void>;
  /** What should be at the front; undefined for nothing. */
  readonly entry: (key: string) => PacketEntry | undefined;
  /** Counts a front that the kernel has refused. */
  readonly refused: () => void;
  readonly log: Logger;
}

/** What the kernel has of a front. */
interface WrittenFront {
  readonly objects: FrontObjects;
  /** Of its rules; undefined if an earlier agent has written them. */
  readonly digest: string | undefined;
}

/** The way of one front to its new rules; undefined for none. */
interface FrontChange {
  readonly key: string;
  readonly rules: FrontRules | undefined;
  /** Of the rules. */
  readonly digest: string | undefined;
  readonly commands: readonly string[];
}

/** The rules of thousands of Services are too long to keep. */
function digestOf({ chains, enters }: FrontRules): string {
  return createHash('sha1')
    .update(JSON.stringify([...chains, ...enters]))
    .digest('base64');
}

/** Fronts of one transaction. libnftables reads the whole table before each. */
const PORTION = 500;
/** Fronts that are planned before other work of the agent gets its turn. */
const AT_ONCE = 50;

export class FrontWriter {
  readonly #parts: FrontWriterParts;
  /** By front. */
  readonly #written = new Map<string, WrittenFront>();
  /** By front: what the log said of its refusal. */
  readonly #refused = new Map<string, string>();
  /** By front: what it wants of the sets that all share. */
  readonly #shared = new Map<string, readonly SharedElement[]>();
  /** What the sets have; undefined while it is not known. */
  #sharedWritten: readonly SharedElement[] | undefined;

  constructor(parts: FrontWriterParts, held: ReadonlyMap<string, FrontObjects>) {
    this.#parts = parts;
    for (const [key, objects] of held) this.#written.set(key, { objects, digest: undefined });
  }

  /** The fronts that the kernel has. */
  get fronts(): string[] {
    return [...this.#written.keys()];
  }

  get size(): number {
    return this.#written.size;
  }

  /** Tries again what the kernel has refused. */
  async again(): Promise<void> {
    await this.write([...this.#refused.keys()]);
  }

  /** Brings these fronts to what they should be. */
  async write(keys: readonly string[]): Promise<void> {
    for (let from = 0; from < keys.length; from += PORTION) {
      const changes: FrontChange[] = [];
      for (const [index, key] of keys.slice(from, from + PORTION).entries()) {
        if (index % AT_ONCE === AT_ONCE - 1) await nextTurn();
        const change = this.#changeOf(key);
        if (change !== undefined) changes.push(change);
      }
      const isLast = from + PORTION >= keys.length;
      await this.#writeTogether(changes, isLast ? [...this.#shared.values()].flat() : undefined);
    }
  }

  /** Undefined if the kernel has the rules already. */
  #changeOf(key: string): FrontChange | undefined {
    const entry = this.#parts.entry(key);
    const shared = entry === undefined ? [] : sharedElements(entry);
    if (shared.length === 0) this.#shared.delete(key);
    else this.#shared.set(key, shared);
    const rules = entry && frontRules(entry);
    const digest = rules && digestOf(rules);
    const before = this.#written.get(key);
    const isWritten = rules === undefined ? before === undefined : digest === before?.digest;
    if (isWritten) {
      this.#refused.delete(key);
      return undefined;
    }
    return { key, rules, digest, commands: frontCommands(before?.objects, rules) };
  }

  /**
   * One front that the kernel refuses must not keep the rules of the others away.
   * @param shared what the sets should have; undefined: as they are
   */
  async #writeTogether(
    changes: readonly FrontChange[],
    shared: readonly SharedElement[] | undefined,
  ): Promise<void> {
    const { write, prove } = this.#parts;
    const more = shared === undefined ? [] : sharedCommands(this.#sharedWritten, shared);
    try {
      await write([...changes.flatMap(({ commands }) => commands), ...more]);
    } catch (error) {
      await prove();
      const [only] = changes;
      if (only === undefined) throw error;
      if (changes.length === 1) this.#noteRefused(only, error);
      else {
        const half = Math.ceil(changes.length / 2);
        await this.#writeTogether(changes.slice(0, half), undefined);
        await this.#writeTogether(changes.slice(half), undefined);
      }
      return await this.#writeTogether([], shared);
    }
    for (const change of changes) this.#noteWritten(change);
    if (shared !== undefined) this.#sharedWritten = shared;
  }

  #noteWritten({ key, rules, digest }: FrontChange): void {
    this.#refused.delete(key);
    if (rules === undefined) {
      this.#written.delete(key);
      return;
    }
    const { chains: _, ...objects } = rules;
    this.#written.set(key, { objects, digest });
  }

  #noteRefused({ key, rules }: FrontChange, error: unknown): void {
    const { log, refused } = this.#parts;
    refused();
    const why = errorText(error);
    if (this.#refused.get(key) === why) return;
    this.#refused.set(key, why);
    const service = rules && this.#parts.entry(key)?.service;
    log.warn(
      { ...(service !== undefined && { service }), front: key, err: error },
      'the kernel refuses the rules of a Service, and they stay as they are',
    );
  }
}
