// The ledger of a port on disk, and the lock that all writers of this node take.

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { type Clock, OrbError } from '#base';
import { lockFile, makePrivateDirectory, readRecord, writeRecord } from '#kernel';
import { newLedger, type PortLedger } from '#plan/openstack';

const ledgerSchema = z.object({
  portId: z.string(),
  writer: z.string().regex(/^[0-9a-f]{8}$/),
  sequence: z.number().int(),
  addresses: z.array(
    z.object({
      subnetId: z.string(),
      address: z.string(),
      owner: z.string().nullable(),
      leaving: z.boolean(),
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
  unsure: z.array(z.string()),
});

/** How often a writer looks whether another process has left the port. */
const LOOK_MS = 20;
/** Longer than the longest write of a port, which is that of Neutron's deadline and some repeats. */
const LOCK_TIMEOUT_MS = 180_000;

export class LedgerFile {
  readonly #folder: string;
  readonly #portId: string;
  readonly #clock: Clock;

  constructor(folder: string, portId: string, clock: Clock) {
    this.#folder = folder;
    this.#portId = portId;
    this.#clock = clock;
  }

  /** Runs `work` while no other process of the node writes this port. Throws OPENSTACK_PORT_BUSY. */
  async locked<T>(work: () => Promise<T>): Promise<T> {
    await makePrivateDirectory(this.#folder);
    const path = this.#path('lock');
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
        const message = `another process has written port ${this.#portId} for ${LOCK_TIMEOUT_MS / 1000} s`;
        throw new OrbError('OPENSTACK_PORT_BUSY', { message, subject: path });
      }
      await this.#clock.sleep(LOOK_MS);
    }
  }

  /** A new one where there is none. Throws FILE_DAMAGED: what was ours is then not guessed. */
  async read(): Promise<PortLedger> {
    const path = this.#path('json');
    const record = await readRecord(path);
    if (record === undefined) return newLedger(this.#portId, randomBytes(4).toString('hex'));
    const parsed = ledgerSchema.safeParse(record);
    if (parsed.success && parsed.data.portId === this.#portId) return parsed.data;
    throw new OrbError('FILE_DAMAGED', { message: `${path} is no ledger of this port`, subject: path });
  }

  /** It is on the disk when this resolves. */
  async write(ledger: PortLedger): Promise<void> {
    await writeRecord(this.#path('json'), ledger);
  }

  #path(ending: 'json' | 'lock'): string {
    return join(this.#folder, `${this.#portId}.${ending}`);
  }
}
