// Runs a file in namespaces of its own: nothing of the machine's network, mounts or processes is touched, and nothing outlives it.

import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { runProgram } from './program.ts';

/** Set for the process that runs inside. */
const MARK = 'ORBWEAVER_E2E_INSIDE';

/** Folders that are on every Linux; a copy-on-write layer over them holds the mount points of the node's own folders. */
const layered = ['/opt', '/var/lib'];

/**
 * True inside fresh network, mount and pid namespaces. Outside, it runs the same file there, with the same arguments and
 * standard streams, sets the exit code, and returns false: a file of tests or a benchmark does its work only where this is
 * true. When the process ends in whatever way, the kernel kills what it started and takes the namespaces away.
 *
 * Under `node --test` the process inside reports to the runner itself: it has inherited the stream and NODE_TEST_CONTEXT.
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

/** Covers the folders that a node writes to, for this mount namespace alone. */
export function coverFolders(): void {
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
}
