// For tests: programs in a pipeline, as a shell runs them.

import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** What came of a program whose output somebody else read. */
export interface Piped {
  readonly code: number;
  /** What the reader of standard output let through. */
  readonly read: string;
  /** What the program said on standard error. */
  readonly said: string;
}

/** Runs `node ARG ... | READER` in a shell; the exit code is the program's, not the reader's. */
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
