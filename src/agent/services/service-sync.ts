// Brings the tables of the kernel to what Services and EndpointSlices say.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { errorText, type Logger } from '#base';
import type { HeldServices } from '#kernel/bpf';
import {
  type BookChange,
  type ClaimedEntry,
  type ClientNode,
  changeTables,
  type EndpointUse,
  endpointUses,
  frontendKey,
  isSameClient,
  ServiceBook,
  type ServiceEntry,
  type ServiceReading,
  type ServiceTable,
  serviceEntries,
  type TableChanges,
  type WrittenEntry,
} from '#plan/service';
import { ServiceProblems } from './service-problems.ts';
import type { ServiceView } from './service-view.ts';

/** The tables of the kernel. */
export interface ServiceTables {
  /** What they hold. */
  services(): Promise<HeldServices>;
  write(changes: TableChanges): Promise<void>;
}

export interface ServiceSyncParts {
  readonly tables: ServiceTables;
  readonly view: Pick<ServiceView, 'keys' | 'service' | 'slices' | 'takeChanged'>;
  /** This node. */
  readonly here: () => ClientNode;
  /** Entries that are always there, besides those of Services. */
  readonly more: readonly ClaimedEntry[];
  readonly log: Logger;
}

/** Services that are planned, or entries that are written, before other work of the agent gets its turn. */
const PORTION = 200;
/** Of a Service that is gone. */
const nothing: ServiceReading = { entries: [], leftOut: [] };

export class ServiceSync {
  readonly #parts: ServiceSyncParts;
  #book = new ServiceBook<ClaimedEntry>();
  #written = new Map<string, WrittenEntry>();
  #lastSet = 0;
  /** The node for which the Services were planned. */
  #client: ClientNode | undefined;
  readonly #problems: ServiceProblems;

  constructor(parts: ServiceSyncParts) {
    this.#parts = parts;
    this.#problems = new ServiceProblems(parts.log);
  }

  /** What the kernel knows. */
  get table(): ServiceTable {
    return this.#written;
  }

  /** The Service that has an entry of the table; undefined for one of the agent. */
  owner({ frontend }: ServiceEntry): string | undefined {
    return this.#book.owner(frontendKey(frontend)) || undefined;
  }

  /** What each endpoint of the Service is used for. */
  uses(key: string, { frontend, backends }: ServiceEntry): EndpointUse[] {
    const { view, here } = this.#parts;
    const service = view.service(key);
    return service === undefined ? [] : endpointUses(service, view.slices(key), frontend, backends, here());
  }

  /** Plans all Services, and writes what differs from what the kernel has. */
  async all(): Promise<void> {
    const { tables, view, here, more } = this.#parts;
    this.#client = here();
    // What changes from now on is planned again.
    view.takeChanged();
    const held = await tables.services();
    this.#written = new Map(held.written);
    this.#lastSet = held.lastSet;
    this.#book = new ServiceBook<ClaimedEntry>();
    // No Service has a name without a namespace.
    this.#book.put('', more);
    for (const [index, key] of view.keys().entries()) {
      if (index % PORTION === PORTION - 1) await nextTurn();
      this.#plan(key);
    }
    const want = this.#book.table;
    const keys = [...new Set([...this.#written.keys(), ...want.keys()])];
    for (let from = 0; from < keys.length; from += PORTION) {
      await this.#write(keys.slice(from, from + PORTION), want);
      await nextTurn();
    }
  }

  /** Writes what follows from the changed Services; all of them if the node has changed. */
  async changed(): Promise<void> {
    if (this.#client === undefined || !isSameClient(this.#client, this.#parts.here())) return this.all();
    const services = this.#parts.view.takeChanged();
    const keys = new Set<string>();
    const want = new Map<string, ServiceEntry>();
    for (const service of services) {
      const change = this.#plan(service);
      for (const key of change?.keys ?? []) {
        keys.add(key);
        const entry = change?.want.get(key);
        if (entry === undefined) want.delete(key);
        else want.set(key, entry);
      }
    }
    await this.#write(keys, want);
  }

  /** Undefined where its endpoints cannot be read. Then the Service keeps what it has. */
  #plan(key: string): BookChange<ClaimedEntry> | undefined {
    const { view, here } = this.#parts;
    const service = view.service(key);
    try {
      const { entries, leftOut } =
        service === undefined ? nothing : serviceEntries(service, view.slices(key), here());
      this.#problems.note(key, leftOut.join('; '), 'a part of a Service is not served in socket calls');
      return this.#book.put(key, entries);
    } catch (error) {
      this.#problems.note(key, errorText(error), 'a Service cannot be read, and its sockets go on as before');
      return undefined;
    }
  }

  /** Brings these keys to what is wanted. */
  async #write(keys: Iterable<string>, all: ServiceTable): Promise<void> {
    const have = new Map<string, WrittenEntry>();
    const want = new Map<string, ServiceEntry>();
    for (const key of keys) {
      const before = this.#written.get(key);
      if (before !== undefined) have.set(key, before);
      const entry = all.get(key);
      if (entry !== undefined) want.set(key, entry);
    }
    const changes = changeTables(have, want, this.#lastSet);
    this.#lastSet = changes.lastSet;
    await this.#parts.tables.write(changes);
    for (const key of keys) this.#written.delete(key);
    for (const [key, entry] of changes.written) this.#written.set(key, entry);
  }
}
