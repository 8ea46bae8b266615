// The API servers that the scale benchmark runs on: the embedded one, a kube-apiserver with etcd, or one of the user.

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** Which one: started here as a process, or the one of a kubeconfig file. */
export type ServerChoice = 'embedded' | 'kube' | { readonly kubeconfig: string };

/** An API server. */
export interface ApiServer {
  readonly kubeconfig: string;
  /** How it goes away and comes back with all objects. Undefined for a server that was not started here. */
  readonly outage?: { begin(): Promise<void>; end(): Promise<void> };
  stop(): Promise<void>;
}

/** A folder on the disk: durable writes must have their real cost. */
export function benchFolder(): string {
  return mkdtempSync('/var/tmp/orbweaver-bench-');
}

/** A TCP port of the loopback that nobody uses now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts a program that ends with this process, however that ends. */
export function startProgram(argv: readonly string[], options: SpawnOptions): ChildProcess {
  return spawn('setpriv', ['--pdeathsig', 'KILL', ...argv], options);
}

/** Ends the program, at once by default, and resolves when it is gone. */
export async function kill(
  child: ChildProcess | undefined,
  signal: NodeJS.Signals = 'SIGKILL',
): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}

/** Starts the embedded API server. */
export async function startEmbeddedServer(): Promise<ApiServer> {
  const folder = benchFolder();
  const file = (name: string) => join(folder, name);
  writeFileSync(file('token'), 'a-token-of-the-benchmark-that-is-long-enough', { mode: 0o600 });
  const flags = ['--data-dir', 'api', '--token-file', 'token', '--kubeconfig', 'kubeconfig'];
  const program = join(import.meta.dirname, '../../dist/apiserver.mjs');
  // The same port after an outage.
  const argv = [process.execPath, program, ...flags, '--listen', `127.0.0.1:${await freePort()}`];
  let server: ChildProcess | undefined;
  const start = async () => {
    server = startProgram(argv, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    await once(server.stdout as NodeJS.ReadableStream, 'data');
  };
  await start();
  return {
    kubeconfig: file('kubeconfig'),
    outage: { begin: () => kill(server), end: start },
    async stop() {
      await kill(server);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
