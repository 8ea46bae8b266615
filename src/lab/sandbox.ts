// The way into the lab's own namespaces: this process stays outside, the lab runs as process 1 inside.
//
// Whoever dies, the kernel ends the rest: unshare dies with us (PR_SET_PDEATHSIG), process 1 with unshare, everybody with
// process 1, and mounts, links and firewall rules with the last of them.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { OrbError } from '#base';
import { listenInNetns, openNetns, primeThreads } from '#kernel';

/** What the user asked for. */
export interface LabOptions {
  readonly nodes: number;
  /** End after the table. */
  readonly once: boolean;
  /** Try the whole forwarding matrix instead of the pairs around one pod; what is left of it without each of its parts; random pods. */
  readonly matrix?: 'full' | 'broken' | 'random';
  /** Makes the random pods; chance where absent. */
  readonly seed?: number;
  /** Show every row of the table, not only what failed. */
  readonly full: boolean;
  /** Where to write the facts as JSON. */
  readonly json?: string;
}

/** What goes to the inside as JSON; descriptors have fixed numbers there. */
export interface InnerOptions extends LabOptions {
  /** Where the API server listens, on 127.0.0.1 of the machine and of every node. */
  readonly apiPort: number;
}

/** Descriptors that the inside inherits. */
export const hostListenerFd = 3;
export const jsonFd = 4;

/** A TCP port that is free on the machine's loopback. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') {
    throw new OrbError('INTERNAL', { message: 'a TCP server without a port' });
  }
  return address.port;
}

/**
 * Runs `command` with the options as its last argument inside new namespaces and resolves with its exit code.
 * It is told to stop by the end of its standard input, which comes with `stop` and with our death.
 */
export async function enterSandbox(
  command: readonly string[],
  options: LabOptions,
  stop: AbortSignal,
): Promise<number> {
  const json = openSync(options.json ?? '/dev/null', 'w');
  const apiPort = await freePort();
  await primeThreads();
  using netns = openNetns('current');
  const listener = listenInNetns(netns, '127.0.0.1', apiPort);
  const inner: InnerOptions = { ...options, apiPort };
  const namespaces = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--propagation', 'private'];
  const child = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', 'unshare', ...namespaces, ...command, JSON.stringify(inner)],
    { stdio: ['pipe', 'inherit', 'inherit', listener, json] },
  );
  closeSync(listener);
  closeSync(json);
  child.stdin?.on('error', () => {}); // it ended before us
  stop.addEventListener('abort', () => child.stdin?.end(), { once: true });
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  if (code === null) {
    throw new OrbError('LAB_STEP_FAILED', {
      message: `the lab was ended by ${signal}; nothing of it is left`,
    });
  }
  return code;
}
