// The lab's files. Mounts are private, so that what the lab writes below /run, /etc, /opt and /var/lib disappears with it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OrbError } from '#base';
import type { LabNode } from './addressing.ts';
import { runSync } from './command.ts';

/** The lab's own folder, inside its mounts. */
export const LAB_FOLDER = '/run/orbweaver-lab';

/** Folders that every node has for itself. The paths of the agent and of the plugins are fixed. */
const nodeFolders = ['/run/orbweaver', '/var/lib/orbweaver', '/var/lib/cni', '/etc/cni', '/opt/cni'];

/** Folders that exist on every Linux. They get a copy-on-write layer, so that mount points can be made in them. */
const layered = ['/etc', '/opt', '/var/lib'];

/**
 * Mounts over the machine's folders. The caller is in mount and pid namespaces of its own. /run/netns is shared, so that the lab also sees
 * a namespace that a node makes.
 */
export function mountLab(): void {
  const lines = [
    'mount --make-rprivate /',
    'mount -t proc proc /proc',
    'mount -t tmpfs -o mode=0755 orbweaver-lab /run',
    `mkdir -m 0700 ${LAB_FOLDER} ${LAB_FOLDER}/layers`,
    ...layered.flatMap((folder, i) => {
      const layer = `${LAB_FOLDER}/layers/${i}`;
      return [
        `mkdir -p ${layer}/upper ${layer}/work`,
        `mount -t overlay -o lowerdir=${folder},upperdir=${layer}/upper,workdir=${layer}/work orbweaver-lab ${folder}`,
      ];
    }),
    `mkdir -p /run/netns ${LAB_FOLDER}/pods ${nodeFolders.join(' ')}`,
    'mount --bind /run/netns /run/netns',
    'mount --make-shared /run/netns',
  ];
  runSync({ argv: ['sh', '-e'], input: `${lines.join('\n')}\n` });
}

/** The path of a node's mount namespace. It is a link to a file that the lab, process 1 of its pid namespace, keeps open. */
export function nodeMounts(name: string): string {
  return join(LAB_FOLDER, name, 'mnt');
}

/** The initial contents of a node's folders, with `files` keyed by path. */
export interface NodeFiles {
  readonly files: Readonly<Record<string, { readonly text: string; readonly mode?: number }>>;
  /** Folders whose files are linked into /opt/cni/bin. */
  readonly pluginFolders: readonly string[];
}

/**
 * Makes a node's mount namespace and fills its folders. A bind mount would keep it without an open file, but kernel 6.18 sometimes refuses
 * that. mnt_ns_loop compares namespace ids, and each CPU assigns them from its own batch.
 */
export async function mountNode({ name }: LabNode, { files, pluginFolders }: NodeFiles): Promise<void> {
  const lines = [
    ...nodeFolders.map((path) => `mount -t tmpfs -o mode=0755 ${name} ${path}`),
    'chmod 0700 /run/orbweaver /var/lib/orbweaver',
    'mkdir -p /opt/cni/bin /etc/cni/net.d /var/lib/cni/networks',
    ...pluginFolders.map((plugins) => `ln -s ${plugins}/* /opt/cni/bin/`),
    'echo mounted',
    'read -r opened || :',
  ];
  const inside = spawn('unshare', ['--mount', '--propagation', 'unchanged', 'sh', '-ec', lines.join('\n')]);
  const ended = once(inside, 'close');
  const said: Buffer[] = [];
  inside.stderr.on('data', (chunk: Buffer) => said.push(chunk));
  await Promise.race([once(inside.stdout, 'data'), ended]);
  if (inside.exitCode !== null) {
    throw new OrbError('LAB_COMMAND_FAILED', {
      message: `the folders of ${name} could not be mounted`,
      said: Buffer.concat(said).toString().trim(),
    });
  }
  for (const [path, { text, mode = 0o644 }] of Object.entries(files)) {
    writeFileSync(`/proc/${inside.pid}/root${path}`, text, { mode });
  }
  mkdirSync(join(LAB_FOLDER, name));
  symlinkSync(`/proc/1/fd/${openSync(`/proc/${inside.pid}/ns/mnt`, 'r')}`, nodeMounts(name));
  inside.stdin.end();
  await ended;
}

/** Runs `argv` on a node: in its network and mount namespaces. */
export function onNode(name: string, ...argv: string[]): [string, ...string[]] {
  return ['nsenter', `--net=/run/netns/${name}`, `--mount=${nodeMounts(name)}`, '--', ...argv];
}
