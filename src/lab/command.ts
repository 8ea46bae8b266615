// Runs a program to its end: ip, nft, mount and others, while the lab is built.

import { spawn, spawnSync } from 'node:child_process';
import { OrbError } from '#base';

/** The command and its standard input. */
export interface Command {
  readonly argv: readonly [string, ...string[]];
  readonly input?: string;
}

function failed({ argv }: Command, said: string, cause?: unknown): OrbError {
  return new OrbError('LAB_COMMAND_FAILED', {
    message: `${argv.slice(0, 4).join(' ')} failed`,
    subject: argv.join(' '),
    said: said.trim(),
    ...(cause !== undefined && { cause }),
  });
}

/** Runs a command and returns its standard output. If it fails, the error contains its standard error. */
export function runSync(command: Command): string {
  const [program, ...args] = command.argv;
  const run = spawnSync(program, args, { encoding: 'utf8', input: command.input ?? '' });
  if (run.error !== undefined) throw failed(command, run.error.message, run.error);
  if (run.status !== 0)
    throw failed(command, run.stderr || run.stdout || `ended by ${run.signal ?? run.status}`);
  return run.stdout;
}

/** The same as {@link runSync}, for commands that take longer than a few milliseconds. */
export function run(command: Command, environment?: NodeJS.ProcessEnv): Promise<string> {
  const [program, ...args] = command.argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: 'pipe',
      ...(environment !== undefined && { env: environment }),
    });
    const printed: Buffer[] = [];
    const said: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => printed.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
    child.stdin.on('error', () => {}); // it ended without reading: its exit code says why
    child.stdin.end(command.input ?? '');
    child.on('error', (error) => reject(failed(command, error.message, error)));
    child.on('close', (code, signal) => {
      const output = Buffer.concat(printed).toString();
      if (code === 0) resolve(output);
      else reject(failed(command, Buffer.concat(said).toString() || output || `ended by ${signal ?? code}`));
    });
  });
}
