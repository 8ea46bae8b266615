// Runs a writer as a process of its own, and reads what it says at its end.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { NeutronMode } from '#api';

/** What a writer prints. */
export interface Said {
  readonly taken: readonly (readonly [owner: string, address: string])[];
  readonly requests: number;
  readonly steps: number;
}

export interface WriterPlace {
  readonly mode: NeutronMode;
  readonly portId: string;
  readonly networkId: string;
  readonly subnetId: string;
  /** Of the node's ledgers. */
  readonly folder: string;
  /** How many addresses it keeps ready. */
  readonly warm: number;
}

/** Runs a writer to its end. Undefined if it died: `dieAt` and `words` are those of `writer.ts`. */
export async function runWriter(
  { mode, portId, networkId, subnetId, folder, warm }: WriterPlace,
  dieAt: string,
  ...words: readonly string[]
): Promise<Said | undefined> {
  const file = join(import.meta.dirname, 'writer.ts');
  const argv = [file, mode, portId, networkId, subnetId, folder, String(warm), dieAt, ...words];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  child.stdout.on('data', (chunk) => (printed += String(chunk)));
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.on('close', (...end) => resolve(end)),
  );
  if (signal === 'SIGKILL') return undefined;
  assert.equal(code, 0, `writer ${words.join(' ')} failed`);
  return JSON.parse(printed) as Said;
}
