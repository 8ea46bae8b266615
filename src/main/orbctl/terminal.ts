// A command that takes over the terminal of orbctl until it ends.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';

/** Resolves with the exit code, as a shell shows it. */
export async function runInTerminal(argv: readonly string[], env = process.env): Promise<number> {
  const [command = '', ...args] = argv;
  const child = spawn(command, args, { stdio: 'inherit', env });
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return code ?? (signal === null ? 1 : 128 + constants.signals[signal]);
}
