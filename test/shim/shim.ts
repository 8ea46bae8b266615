// The shim, compiled with socket and queue in a folder of the test, and run as a container runtime runs it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { linkSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileShim } from '../../tools/build.ts';

/** What one run of the shim did. */
export interface ShimRun {
  readonly exit: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly elapsedMs: number;
}

/** How the shim is run. */
export interface ShimCall {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | Buffer;
  readonly args?: readonly string[];
  /** Sends SIGTERM after this time. */
  readonly terminateAfterMs?: number;
  /** Gives up on a shim that hangs: SIGKILL after this time. */
  readonly killAfterMs?: number;
}

/** A compiled shim with its folder, removed at the end of the test. */
export interface Shim extends Disposable {
  readonly folder: string;
  readonly executable: string;
  readonly socket: string;
  readonly queue: string;
  run(call: ShimCall): Promise<ShimRun>;
}

/** Compiles the shim, by default with what it waits on a node: a busy machine may need it. A test of "away" asks for less. */
export function makeShim(options: { patienceMs?: number; totalMs?: number; sanitize?: boolean } = {}): Shim {
  const folder = mkdtempSync(join(tmpdir(), 'ow-shim-'));
  const executable = join(folder, 'ow-cni');
  const socket = join(folder, 'agent.sock');
  const queue = join(folder, 'lib', 'del-queue');
  compileShim({
    output: executable,
    sanitize: options.sanitize ?? false,
    definitions: {
      OW_SOCKET_PATH: `"${socket}"`,
      OW_QUEUE_DIR: `"${queue}"`,
      OW_PATIENCE_MS: String(options.patienceMs ?? 30_000),
      OW_TOTAL_MS: String(options.totalMs ?? 90_000),
    },
  });
  linkSync(executable, join(folder, 'spiderpool'));
  return {
    folder,
    executable,
    socket,
    queue,
    run: async (call) => await runShim(join(folder, 'spiderpool'), call),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

async function runShim(executable: string, call: ShimCall): Promise<ShimRun> {
  const started = performance.now();
  const child = spawn(executable, call.args ?? [], { env: { ...call.env }, stdio: 'pipe' });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  // A shim that answers without reading all of stdin closes the pipe: EPIPE is no failure of the test.
  child.stdin.on('error', () => undefined);
  child.stdin.end(call.stdin ?? '');
  const killer =
    call.terminateAfterMs === undefined ? undefined : setTimeout(() => child.kill(), call.terminateAfterMs);
  const reaper =
    call.killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), call.killAfterMs);
  const [exit, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(killer);
  clearTimeout(reaper);
  return {
    exit,
    signal,
    stdout: Buffer.concat(stdout),
    stderr: Buffer.concat(stderr).toString(),
    elapsedMs: performance.now() - started,
  };
}
