// Runs a program to its end.

import { spawn } from 'node:child_process';

export interface CommandOptions {
  readonly input?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The output of a program. When it fails, the error has its output. */
export function run(
  argv: readonly [string, ...string[]],
  { input = '', cwd, env }: CommandOptions = {},
): Promise<string> {
  const [program, ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env: { ...process.env, ...env } });
    const printed: Buffer[] = [];
    const said: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => printed.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
    child.stdin.on('error', () => {}); // it ended without reading: its exit code says why
    child.stdin.end(input);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const output = Buffer.concat(printed).toString();
      if (code === 0) return resolve(output);
      const why = `${Buffer.concat(said).toString()}${output}`.trim();
      reject(new Error(`${argv.join(' ')} ended with ${signal ?? code}: ${why}`));
    });
  });
}

/** Calls until the answer is neither false nor an error. `what` names the awaited thing in the error of a timeout. */
export async function until<T>(what: string, seconds: number, ask: () => Promise<T | false>): Promise<T> {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    let last = '';
    try {
      const answer = await ask();
      if (answer !== false) return answer;
    } catch (error) {
      last = `: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (performance.now() > end) throw new Error(`${what}: not within ${seconds} s${last}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
