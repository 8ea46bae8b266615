// Brings the nftables rules of this node to what Services and EndpointSlices say.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { errorText, type Logger } from '#base';
import type { Cidr } from '#ip';
import type { FollowedFlow } from '#kernel';
import { type ClientNode, isSameClient, ServiceBook } from '#plan/service';
import {
  baseCommands,
  type FrontObjects,
  type HealthCheck,
  healthCheck,
  type PacketEntry,
  packetEntries,
  staleFlows,
  tableCommands,
} from '#plan/service-rules';
import { FrontWriter } from './front-writer.ts';
import { ServiceProblems } from './service-problems.ts';
import type { ServiceView } from './service-view.ts';

/** The rules in the kernel. */
export interface PacketRules {
  held(): Promise<Map<string, FrontObjects>>;
  write(commands: readonly string[]): Promise<void>;
  udpFlows(): FollowedFlow[];
  endFlows(flows: readonly FollowedFlow[]): number;
}

export interface PacketSyncParts {
  readonly rules: PacketRules;
  readonly view: Pick<ServiceView, 'keys' | 'service' | 'slices' | 'takeChanged'>;
  /** This node. */
  readonly here: () => ClientNode;
  /** The networks of overlay pods. */
  readonly inside: () => readonly Cidr[];
  /** Counts a failure. */
  readonly failed: () => void;
  readonly log: Logger;
}

/** Services that are planned before other work of the agent gets its turn. */
const AT_ONCE = 50;

export class PacketSync {
  readonly #parts: PacketSyncParts;
  #book = new ServiceBook<PacketEntry>();
  #writer: FrontWriter | undefined;
  readonly #checks = new Map<string, HealthCheck>();
  readonly #problems: ServiceProblems;
  #client: ClientNode | undefined;
  #base = '';

  constructor(parts: PacketSyncParts) {
    this.#parts = parts;
    this.#problems = new ServiceProblems(parts.log);
  }

  /** How many addresses with ports have rules. */
  get size(): number {
    return this.#writer?.size ?? 0;
  }

  /** What load balancers may ask of this node. */
  get healthChecks(): HealthCheck[] {
    return [...this.#checks.values()];
  }

  /** Plans all Services, and writes all rules. Those that an earlier agent has left serve meanwhile. */
  async all(): Promise<void> {
    const { rules, view, here, log } = this.#parts;
    this.#client = here();
    view.takeChanged();
    const held = await rules.held();
    this.#checks.clear();
    this.#book = new ServiceBook();
    for (const [index, key] of view.keys().entries()) {
      if (index % AT_ONCE === AT_ONCE - 1) await nextTurn();
      this.#plan(key);
    }
    const base = this.#baseCommands();
    await rules.write([...tableCommands, ...base]);
    this.#base = base.join('\n');
    const writer = new FrontWriter(
      {
        write: (commands) => rules.write(commands),
        prove: () => rules.write(this.#baseCommands()),
        entry: (key) => this.#book.entry(key),
        refused: this.#parts.failed,
        log,
      },
      held,
    );
    this.#writer = writer;
    const want = this.#book.table;
    await this.#write([...want.keys(), ...writer.fronts.filter((key) => !want.has(key))], writer);
  }

  /** Tries again what the kernel has refused. */
  async again(): Promise<void> {
    await this.#writer?.again();
  }

  /** Writes what follows from the changed Services; all of them if the node has changed. */
  async changed(): Promise<void> {
    const writer = this.#writer;
    if (this.#client === undefined || writer === undefined) return this.all();
    if (!isSameClient(this.#client, this.#parts.here())) return this.all();
    await this.#writeBase();
    const keys = new Set<string>();
    for (const service of this.#parts.view.takeChanged()) {
      for (const key of this.#plan(service)) keys.add(key);
    }
    await this.#write([...keys], writer);
  }

  /** The fronts that the Service concerns. None if it cannot be read: it keeps what it has. */
  #plan(key: string): Iterable<string> {
    const { view, here } = this.#parts;
    const service = view.service(key);
    try {
      if (service === undefined) {
        this.#checks.delete(key);
        this.#problems.note(key, '', '');
        return this.#book.put(key, []).keys;
      }
      const slices = view.slices(key);
      const { entries, leftOut } = packetEntries(service, slices, here());
      const check = healthCheck(service, slices, here());
      if (check === undefined) this.#checks.delete(key);
      else this.#checks.set(key, check);
      this.#problems.note(key, leftOut.join('; '), 'a part of a Service gets no rules');
      return this.#book.put(key, entries).keys;
    } catch (error) {
      this.#problems.note(key, errorText(error), 'a Service cannot be read, and its rules stay as they are');
      return [];
    }
  }

  #baseCommands(): string[] {
    return baseCommands(this.#parts.inside());
  }

  async #writeBase(): Promise<void> {
    const commands = this.#baseCommands();
    const text = commands.join('\n');
    if (text === this.#base) return;
    await this.#parts.rules.write(commands);
    this.#base = text;
  }

  async #write(keys: readonly string[], writer: FrontWriter): Promise<void> {
    if (keys.length === 0) return;
    await writer.write(keys);
    // Also where the rules stay: a backend that takes no new flows any more may be gone now.
    const ofUdp = keys.filter((key) => key.startsWith('UDP'));
    if (ofUdp.length > 0)
      this.#endStaleFlows(new Set(ofUdp.filter((key) => this.#book.entry(key) === undefined)));
  }

  /** A failure here keeps some clients at a dead backend, and is no reason to write rules again. */
  #endStaleFlows(gone: ReadonlySet<string>): void {
    const { rules, log } = this.#parts;
    try {
      const stale = staleFlows(rules.udpFlows(), (key) => this.#book.entry(key), gone);
      if (stale.length > 0)
        log.debug({ count: rules.endFlows(stale) }, 'ended UDP flows whose backend is gone');
    } catch (error) {
      log.warn({ err: error }, 'UDP flows whose backend is gone cannot be ended');
    }
  }
}
