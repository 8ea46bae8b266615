// A ledger on disk, and two locks that all processes of this node take: a short one for each change of the ledger, and a
// long one for the time in which a process writes what the ledger is about.

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { type Clock, OrbError } from '#base';
import { filesIn, lockFile, makePrivateDirectory, readRecord, writeRecord } from '#kernel';
import { newLedger, type PortLedger } from '#plan/openstack';

const groups = z.array(z.string()).nullable();

const ledgerSchema = z.object({
  name: z.string(),
  writer: z.string().regex(/^[0-9a-f]{8}$/),
  sequence: z.number().int(),
  addresses: z.array(
    z.object({
      subnetId: z.string(),
      address: z.string(),
      portId: z.string().nullable(),
      groups,
      pair: z.enum(['none', 'new', 'adding', 'ours']),
      owner: z.string().nullable(),
      leaving: z.boolean(),
      missing: z.boolean(),
      restsUntilMs: z.number().nullable(),
    }),
  ),
  intent: z
    .object({
      mark: z.string(),
      subnetId: z.string(),
      count: z.number().int(),
      revision: z.number().int(),
      before: z.array(z.string()),
    })
    .nullable(),
  making: z
    .object({
      name: z.string(),
      wanted: z.object({ subnetId: z.string(), groups, address: z.string().nullable() }),
    })
    .nullable(),
  unsure: z.array(z.string()),
});

/** How often a writer looks whether another process has left the lock. */
const LOOK_MS = 20;
/** Longer than the longest write, which is that of Neutron's deadline and some repeats. */
const LOCK_TIMEOUT_MS = 180_000;

export class LedgerFile {
  readonly #folder: string;
  readonly #name: string;
  readonly #clock: Clock;
  /** Changes of this process, one after another: they need not look for the lock again and again. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(folder: string, name: string, clock: Clock) {
    this.#folder = folder;
    this.#name = name;
    this.#clock = clock;
  }

  /** Runs `work` while no other process of the node does such work for this ledger. Throws OPENSTACK_PORT_BUSY. */
  locked<T>(work: () => Promise<T>): Promise<T> {
    return this.#while('lock', work);
  }

  /** A new one where there is none. Throws FILE_DAMAGED: what was ours is then not guessed. */
  async read(): Promise<PortLedger> {
    const path = this.#path('json');
    const record = await readRecord(path);
    if (record === undefined) return newLedger(this.#name, randomBytes(4).toString('hex'));
    const parsed = ledgerSchema.safeParse(record);
    if (parsed.success && parsed.data.name === this.#name) return parsed.data;
    throw new OrbError('FILE_DAMAGED', { message: `${path} is no ledger of this name`, subject: path });
  }

  /** Changes the newest ledger. The answer is on the disk. It waits for no server, whatever another process does. */
  update(change: (ledger: PortLedger) => PortLedger): Promise<PortLedger> {
    const changed = this.#turn.then(() =>
      this.#while('ledger.lock', async () => {
        const before = await this.read();
        const after = change(before);
        if (after !== before) await writeRecord(this.#path('json'), after);
        return after;
      }),
    );
    this.#turn = changed.catch(() => {}); // its caller hears of it
    return changed;
  }

  async #while<T>(ending: 'lock' | 'ledger.lock', work: () => Promise<T>): Promise<T> {
    await makePrivateDirectory(this.#folder);
    const path = this.#path(ending);
    const deadline = this.#clock.monotonic() + LOCK_TIMEOUT_MS;
    for (;;) {
      const lock = lockFile(path);
      if (lock !== undefined) {
        try {
          return await work();
        } finally {
          lock.release();
        }
      }
      if (this.#clock.monotonic() > deadline) {
        const message = `another process has written what ledger ${this.#name} is about for ${LOCK_TIMEOUT_MS / 1000} s`;
        throw new OrbError('OPENSTACK_PORT_BUSY', { message, subject: path });
      }
      await this.#clock.sleep(LOOK_MS);
    }
  }

  #path(ending: 'json' | 'lock' | 'ledger.lock'): string {
    return join(this.#folder, `${this.#name}.${ending}`);
  }
}

/** The names of the ledgers in a folder. */
export function ledgersIn(folder: string): string[] {
  return filesIn(folder).flatMap((file) => /^([\w-]+)\.json$/.exec(file)?.[1] ?? []);
}
