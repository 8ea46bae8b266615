// A container of an image for runc, made as kubelet and containerd make one: read-only root, no new privileges, masked paths, and
// only the capabilities, mounts and system calls that its manifest names.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { UnpackedImage } from './unpacked.ts';

export interface ContainerParts {
  readonly image: Pick<UnpackedImage, 'root' | 'config'>;
  readonly args: readonly string[];
  readonly environment?: readonly string[];
  /** Names without `CAP_`, as manifests have them. */
  readonly capabilities: readonly string[];
  readonly mounts: readonly Mount[];
  /** As in a file for `localhostProfile`. */
  readonly seccomp?: object;
  /** Bytes. */
  readonly memoryLimit?: number;
  readonly cgroup: string;
}

export interface Mount {
  readonly from: string;
  readonly to: string;
  readonly readOnly?: boolean;
}

/** The paths that containerd hides and protects in a container that is not privileged. */
const masked = [
  '/proc/acpi',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/sched_debug',
];
const readOnly = ['/proc/asound', '/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** Writes a bundle into the folder (OCI runtime-spec 1.0). The container has the network of its caller. */
export function writeBundle(folder: string, parts: ContainerParts): void {
  const { image, args, capabilities, seccomp } = parts;
  const { User, Env, Entrypoint } = image.config.config;
  const [uid = 0, gid = 0] = User.split(':').map(Number);
  const held = capabilities.map((name) => `CAP_${name}`);
  const spec = {
    ociVersion: '1.0.2',
    process: {
      user: { uid, gid },
      args: [...Entrypoint, ...args],
      env: [...Env, ...(parts.environment ?? [])],
      cwd: '/',
      capabilities: { bounding: held, effective: uid === 0 ? held : [], permitted: uid === 0 ? held : [] },
      noNewPrivileges: true,
    },
    root: { path: image.root, readonly: true },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755'] },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
      // By it a program knows its limits.
      {
        destination: '/sys/fs/cgroup',
        type: 'cgroup',
        source: 'cgroup',
        options: ['nosuid', 'noexec', 'nodev', 'ro'],
      },
      ...parts.mounts.map(({ from, to, readOnly: ro = false }) => ({
        destination: to,
        type: 'bind',
        source: from,
        options: ['rbind', 'rslave', ro ? 'ro' : 'rw'],
      })),
    ],
    linux: {
      namespaces: ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
      maskedPaths: masked,
      readonlyPaths: readOnly,
      cgroupsPath: parts.cgroup,
      rootfsPropagation: 'rslave',
      ...(seccomp !== undefined && { seccomp }),
      ...(parts.memoryLimit !== undefined && { resources: { memory: { limit: parts.memoryLimit } } }),
    },
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config.json'), JSON.stringify(spec));
}
