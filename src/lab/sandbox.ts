// Enters the lab's own namespaces: this process stays outside, and the lab runs as process 1 inside.
//
// When one of them dies, the kernel ends the rest. unshare dies with us (PR_SET_PDEATHSIG), process 1 dies with unshare, and all others die
// with process 1. Mounts, links and firewall rules disappear with the last process.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { OrbError } from '#base';
import { listenInNetns, openNetns, primeThreads } from '#kernel';
import { removeNodeCgroups } from './node-cgroups.ts';

/** The options of the user. */
export interface LabOptions {
  readonly nodes: number;
  /** Whether the lab ends after the table. */
  readonly once: boolean;
  /**
   * Which matrix to try instead of the pairs around one pod: the whole forwarding matrix; the same with each kind of kernel object removed;
   * random pods.
   */
  readonly matrix?: 'full' | 'broken' | 'random';
  /** The seed of the random pods; if absent, it is chosen by chance. */
  readonly seed?: number;
  /** Whether to show every row of the table, not only failed ones. */
  readonly full: boolean;
  /** Whether nodes have rules like those of kube-proxy. Otherwise their agents replace it. */
  readonly kubeProxy: boolean;
  /** The agents' serviceMode. */
  readonly service: 'kube-proxy' | 'ebpf';
  /** The file for the facts as JSON. */
  readonly json?: string;
}

/** The options for the process inside, as JSON. Descriptors have fixed numbers there. */
export interface InnerOptions extends LabOptions {
  /** The port of the API server, on 127.0.0.1 of the machine and of every node. */
  readonly apiPort: number;
  /** The process id of `orbctl lab`, as the machine sees it. */
  readonly owner: number;
}

/** Descriptors that the process inside inherits. */
export const HOST_LISTENER_FD = 3;
export const JSON_FD = 4;

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
 * Runs `command` in new namespaces with the options as its last argument, and resolves with its exit code. The end of its standard input
 * tells it to stop. That happens at `stop` and when this process dies.
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
  const inner: InnerOptions = { ...options, apiPort, owner: process.pid };
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
  if (options.service === 'ebpf') removeNodeCgroups(process.pid);
  if (code === null) {
    throw new OrbError('LAB_STEP_FAILED', {
      message: `${signal} ended the lab; it left nothing behind`,
    });
  }
  return code;
}
