// The ledger of a VM's NICs on disk. The agent is its only writer.

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { OrbError } from '#base';
import { filesIn, makePrivateDirectory, readRecord, writeRecord } from '#kernel';
import { type NicLedger, newNicLedger } from '#plan/openstack';

const ledgerSchema = z.object({
  serverId: z.string(),
  writer: z.string().regex(/^[0-9a-f]{8}$/),
  sequence: z.number().int(),
  nics: z.array(
    z.object({
      name: z.string(),
      networkId: z.string(),
      groups: z.array(z.string()).nullable(),
      state: z.enum(['making', 'ready', 'used', 'leaving']),
      owner: z.string().nullable(),
      port: z
        .object({
          id: z.string(),
          mac: z.string(),
          mtuBytes: z.number().nullable(),
          addresses: z.array(z.object({ address: z.string(), gateway: z.string().nullable() })),
          nameservers: z.array(z.string()),
        })
        .nullable(),
      unseenAtMs: z.number().nullable(),
    }),
  ),
  limit: z.object({ count: z.number().int(), own: z.number().int(), atMs: z.number() }).nullable(),
});

const ENDING = '.nics.json';

export class NicLedgerFile {
  readonly #path: string;
  readonly #folder: string;
  readonly #serverId: string;
  /** Of the next ledger that is not on the disk yet. One that replaces a lost ledger must not repeat its names. */
  #newWriter = randomBytes(4).toString('hex');
  /** Changes, one after another. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(folder: string, serverId: string) {
    this.#folder = folder;
    this.#path = join(folder, `${serverId}${ENDING}`);
    this.#serverId = serverId;
  }

  /** A new one where there is none. Throws FILE_DAMAGED: what was ours is then not guessed. */
  async read(): Promise<NicLedger> {
    const record = await readRecord(this.#path);
    if (record === undefined) return newNicLedger(this.#serverId, this.#newWriter);
    const parsed = ledgerSchema.safeParse(record);
    if (parsed.success && parsed.data.serverId === this.#serverId) return parsed.data;
    const message = `${this.#path} is no ledger of the NICs of this VM`;
    throw new OrbError('FILE_DAMAGED', { message, subject: this.#path });
  }

  /** Changes the newest ledger. The answer is on the disk. */
  update(change: (ledger: NicLedger) => NicLedger): Promise<NicLedger> {
    const changed = this.#turn.then(async () => {
      const before = await this.read();
      const after = change(before);
      if (after === before) return after;
      await makePrivateDirectory(this.#folder);
      await writeRecord(this.#path, after);
      if (after.writer === this.#newWriter) this.#newWriter = randomBytes(4).toString('hex');
      return after;
    });
    this.#turn = changed.catch(() => {}); // its caller hears of it
    return changed;
  }
}

/** The VMs that have a ledger in a folder: this one, and others whose disk was copied. */
export function nicLedgersIn(folder: string): string[] {
  const files = filesIn(folder).filter((file) => file.endsWith(ENDING));
  return files.map((file) => file.slice(0, -ENDING.length));
}
