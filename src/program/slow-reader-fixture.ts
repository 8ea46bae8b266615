// For tests: programs in a pipeline, run by a shell.

import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** The result of a program whose output another program read. */
export interface Piped {
  readonly code: number;
  /** What the reader of standard output passed on. */
  readonly read: string;
  /** What the program wrote to standard error. */
  readonly said: string;
}

/** Runs `node ARG ... | READER` in a shell. The exit code is that of the program, not that of the reader. */
export async function piped(args: readonly string[], reader: string, environment = {}): Promise<Piped> {
  const script = `{ "$@"; echo $? >&3; } | { ${reader}; }`;
  const shell = spawn('sh', ['-c', script, 'sh', process.execPath, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  const [, read, said, code] = shell.stdio.map((stream) => {
    const chunks: Buffer[] = [];
    stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
    return chunks;
  });
  await once(shell, 'close');
  const text = (chunks: Buffer[] | undefined) => Buffer.concat(chunks ?? []).toString();
  return { code: Number(text(code)), read: text(read), said: text(said) };
}
