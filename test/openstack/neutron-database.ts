// Neutron's database, for what an agent of the network tells Neutron.

import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { runProgram } from '../e2e/program.ts';
import { databaseFile } from './servers/configuration.ts';
import { runFolder } from './servers/place.ts';

/** It can be written also where a node covers the folder that it is in. */
export class NeutronDatabase {
  readonly #folder = mkdtempSync(join(tmpdir(), 'neutron-'));
  readonly #database: DatabaseSync;

  /** To be made before the node. */
  constructor() {
    runProgram('mount', ['--bind', runFolder, this.#folder]);
    this.#database = new DatabaseSync(join(this.#folder, relative(runFolder, databaseFile('neutron'))));
    this.#database.exec('PRAGMA busy_timeout = 10000');
  }

  /** The agent of the network would say so by a message. None runs here. */
  setActive(portId: string): void {
    this.#database.prepare("UPDATE ports SET status = 'ACTIVE' WHERE id = ?").run(portId);
  }

  close(): void {
    this.#database.close();
    runProgram('umount', [this.#folder]);
    rmdirSync(this.#folder);
  }
}
