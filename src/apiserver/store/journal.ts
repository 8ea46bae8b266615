// The SQLite file: one row per version of an object. One fdatasync makes a group of rows durable.
//
// SQLite in WAL mode with synchronous=NORMAL appends a commit to the WAL without a sync. It syncs only around a
// checkpoint (sqlite.org/wal.html, "Performance Considerations"). So this file syncs each commit itself, on a thread of libuv.
// Rows that arrive during a sync form the next commit, and the event loop never waits for the disk.

import { closeSync, fdatasync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

/** A version as a row. */
export interface Row {
  readonly revision: number;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  /** 1 where this version is a deletion. */
  readonly deleted: number;
  readonly value: Uint8Array;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS version (
    revision INTEGER PRIMARY KEY, resource TEXT NOT NULL, namespace TEXT NOT NULL,
    name TEXT NOT NULL, deleted INTEGER NOT NULL, value BLOB NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS compaction (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), revision INTEGER NOT NULL) STRICT;
  INSERT OR IGNORE INTO compaction VALUES (1, 0);
`;

/** The rows on disk. Only one process can use the file: it stays locked while it is open. */
export class Journal {
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  readonly #compacted: StatementSync;
  /** The WAL, opened once. It keeps its inode while the database is open. */
  readonly #log: number;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const file = join(directory, 'state.db');
    this.#database = new DatabaseSync(file);
    this.#database.exec(
      'PRAGMA busy_timeout = 2000; PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL',
    );
    this.#database.exec(`PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE; ${SCHEMA} COMMIT`);
    this.#insert = this.#database.prepare('INSERT INTO version VALUES (?, ?, ?, ?, ?, ?)');
    this.#delete = this.#database.prepare('DELETE FROM version WHERE revision = ?');
    this.#compacted = this.#database.prepare('UPDATE compaction SET revision = ? WHERE only_row = 1');
    this.#log = openSync(`${file}-wal`, 'r');
    const folder = openSync(directory, 'r');
    fsyncSync(folder);
    closeSync(folder);
  }

  /** Every kept version, oldest first. */
  *rows(): Generator<Row> {
    for (const row of this.#database.prepare('SELECT * FROM version ORDER BY revision').iterate()) {
      yield row as unknown as Row;
    }
  }

  /** Events up to this revision are compacted. */
  compactedRevision(): number {
    const row = this.#database.prepare('SELECT revision FROM compaction').get();
    return Number(row?.revision ?? 0);
  }

  /** Writes `rows` in one transaction, and calls back when they are on disk. */
  append(rows: readonly Row[], done: (error: Error | null) => void): void {
    try {
      this.#transaction(() => {
        for (const row of rows) {
          this.#insert.run(row.revision, row.resource, row.namespace, row.name, row.deleted, row.value);
        }
      });
    } catch (error) {
      done(error as Error);
      return;
    }
    fdatasync(this.#log, done);
  }

  /** Deletes superseded versions, and records that events up to `revision` are compacted. */
  compact(revision: number, superseded: readonly number[]): void {
    this.#transaction(() => {
      for (const gone of superseded) this.#delete.run(gone);
      this.#compacted.run(revision);
    });
  }

  close(): void {
    closeSync(this.#log);
    this.#database.close();
  }

  #transaction(body: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      body();
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    }
  }
}
