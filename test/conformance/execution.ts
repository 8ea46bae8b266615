// Runs one plugin executable like a container runtime. CNI specification 1.1.0, section 2.

import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** The result of running a plugin. */
export interface Execution {
  readonly exit: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly elapsedMs: number;
  /** The single JSON document on stdout; undefined when there is none. */
  readonly json: Readonly<Record<string, unknown>> | undefined;
  /** Set when stdout has content that is not exactly one JSON object. */
  readonly garbage: boolean;
}

/** How to run a plugin. */
export interface Invocation {
  readonly executable: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string;
  readonly signalAfter?: { readonly signal: NodeJS.Signals; readonly ms: number };
  readonly timeoutMs?: number;
}

/** Runs a plugin to its end, or kills it after three minutes. A busy machine needs one minute for a hundred at once. */
export async function execute(invocation: Invocation): Promise<Execution> {
  const started = performance.now();
  const child = spawn(invocation.executable, [], {
    env: { ...invocation.env },
    stdio: 'pipe',
    detached: true,
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  // A plugin does not have to read all of its stdin.
  child.stdin.on('error', () => undefined);
  child.stdin.end(invocation.stdin);
  const timers = [setTimeout(() => signalGroup(child.pid, 'SIGKILL'), invocation.timeoutMs ?? 180_000)];
  if (invocation.signalAfter !== undefined) {
    const { signal, ms } = invocation.signalAfter;
    // kill -9 also kills the delegates, as when the unit of a container runtime ends. SIGTERM goes only to the plugin.
    timers.push(
      setTimeout(() => (signal === 'SIGKILL' ? signalGroup(child.pid, signal) : child.kill(signal)), ms),
    );
  }
  const [exit, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  for (const timer of timers) clearTimeout(timer);
  const text = Buffer.concat(stdout).toString();
  const json = parseObject(text);
  return {
    exit,
    signal,
    stdout: text,
    stderr: Buffer.concat(stderr).toString(),
    elapsedMs: performance.now() - started,
    json,
    garbage: text.trim() !== '' && json === undefined,
  };
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
