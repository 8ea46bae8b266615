// A cgroup of version 2 for each node: the node's agent serves the sockets of the processes in it.

import { mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '#net';
import { runSync } from './command.ts';
import { LAB_FOLDER } from './mounts.ts';

const CGROUPS = join(LAB_FOLDER, 'cgroup2');
const PROGRAMS = join(LAB_FOLDER, 'bpf');
/** Then comes the process id of `orbctl lab`. */
const PREFIX = 'orbweaver-lab-';

/** Where a node's agent finds its cgroup, and where it keeps its BPF programs. */
export interface NodeSockets {
  readonly cgroup: string;
  readonly programs: string;
}

/** Makes them inside the lab's mounts. `owner` is the process id of `orbctl lab`. */
export function makeNodeCgroups(owner: number, nodes: readonly { readonly name: string }[]): void {
  for (const [type, folder] of [
    ['cgroup2', CGROUPS],
    ['bpf', PROGRAMS],
  ] as const) {
    mkdirSync(folder);
    runSync({ argv: ['mount', '-t', type, 'none', folder] });
  }
  for (const { name } of nodes) mkdirSync(nodeSockets(owner, name).cgroup, { recursive: true });
}

export function nodeSockets(owner: number, node: string): NodeSockets {
  return { cgroup: join(CGROUPS, `${PREFIX}${owner}`, node), programs: join(PROGRAMS, node) };
}

/** Runs the command in the cgroup. */
export function inCgroup(cgroup: string, argv: readonly string[]): [string, ...string[]] {
  return ['sh', '-c', 'echo 0 >"$0/cgroup.procs" && exec "$@"', cgroup, ...argv];
}

/**
 * Removes the cgroups of labs whose `orbctl lab` has ended, and those of `owner`. They outlive the lab's namespaces. Called
 * outside of the lab.
 */
export function removeNodeCgroups(owner: number): void {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const [, root] = mounts.map((line) => line.split(' ')).find(([, , type]) => type === 'cgroup2') ?? [];
  if (root === undefined) return;
  for (const lab of readdirSync(root)) {
    if (!lab.startsWith(PREFIX)) continue;
    const pid = Number(lab.slice(PREFIX.length));
    if (pid !== owner && isAlive(pid)) continue;
    const folder = join(root, lab);
    const nodes = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    for (const { name } of nodes) removeEmpty(join(folder, name));
    removeEmpty(folder);
  }
}

/** The kernel frees a cgroup some time after its last process has ended. What is still in use goes with the next lab. */
function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    if (!['EBUSY', 'ENOENT', 'ENOTEMPTY'].includes(errnoOf(error) ?? '')) throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) !== 'ESRCH';
  }
}
