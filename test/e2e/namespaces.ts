// Runs a file in its own namespaces. It does not touch the machine's network, mounts or processes, and nothing of it remains.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readlinkSync } from 'node:fs';
import { runProgram } from './program.ts';

/** Set in the environment of the inner process. */
const MARK = 'ORBWEAVER_E2E_INSIDE';

/** Folders that exist on every Linux. A copy-on-write layer over them holds the mount points of the node's folders. */
const layered = ['/opt', '/var/lib'];

/**
 * Returns true inside fresh network, mount and pid namespaces. Outside, it runs the same file inside, with the same arguments
 * and standard streams, sets the exit code, and returns false. A file of tests or a benchmark works only when this is true.
 * When the inner process ends, the kernel kills every process that it started, and removes the namespaces.
 * Under `node --test` the inner process reports to the runner itself: it inherits the stream and NODE_TEST_CONTEXT.
 */
export function insideNamespaces(file: string, args: readonly string[] = process.argv.slice(2)): boolean {
  if (process.env[MARK] === '1') return true;
  if (process.getuid?.() !== 0) throw new Error('this makes network namespaces: run it as root');
  const unshare = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const argv = [...unshare, process.execPath, ...process.execArgv, file, ...args];
  const child = spawnSync('unshare', argv, { stdio: 'inherit', env: { ...process.env, [MARK]: '1' } });
  if (child.error !== undefined) throw new Error(`cannot run unshare: ${child.error.message}`);
  process.exitCode = child.status ?? 1;
  return false;
}

/** The machine's own (PROC_PID_INIT_INO in the kernel's include/linux/proc_ns.h). */
const FIRST_PID_NAMESPACE = 'pid:[4026531836]';

/** Covers the folders that a node writes to, only in this mount namespace. Throws outside of namespaces that somebody made. */
export function coverFolders(): void {
  if (readlinkSync('/proc/self/ns/pid') === FIRST_PID_NAMESPACE)
    throw new Error('this program runs only in namespaces that its parent made');
  runProgram('mount', ['--make-rprivate', '/']);
  runProgram('mount', ['-t', 'tmpfs', '-o', 'mode=0755', 'e2e', '/run']);
  for (const folder of layered) {
    const layer = `/run/layers${folder}`;
    mkdirSync(`${layer}/upper`, { recursive: true });
    mkdirSync(`${layer}/work`, { recursive: true });
    const options = `lowerdir=${folder},upperdir=${layer}/upper,workdir=${layer}/work`;
    runProgram('mount', ['-t', 'overlay', '-o', options, 'e2e', folder]);
  }
  for (const folder of ['/opt/cni', '/var/lib/orbweaver', '/var/lib/cni']) {
    mkdirSync(folder, { recursive: true });
    runProgram('mount', ['-t', 'tmpfs', '-o', 'mode=0755', 'e2e', folder]);
  }
  for (const folder of ['/run/netns', '/opt/cni/bin']) mkdirSync(folder);
  // As on a node: namespaces that are named later are seen in the mount namespaces of containers.
  runProgram('mount', ['--bind', '/run/netns', '/run/netns']);
  runProgram('mount', ['--make-shared', '/run/netns']);
}
