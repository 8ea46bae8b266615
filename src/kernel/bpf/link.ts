// A program at a socket call of a cgroup. It is held by a pin in a file system of type bpf, so that it stays when this
// process ends. Other people's programs at the same call stay too, and run as well.

import { existsSync, rmSync, statSync } from 'node:fs';
import { errnoOf } from '#net';
import { closeFd } from '../ffi/index.ts';
import {
  Attributes,
  BPF_LINK_CREATE,
  BPF_LINK_UPDATE,
  BPF_PROG_QUERY,
  objectInfo,
  openPinned,
  pinObject,
} from './attributes.ts';
import { type Hook, hooks, openProgram, type ProgramInfo, programInfo } from './program.ts';

/** An open cgroup of version 2. */
export interface Cgroup {
  readonly fd: number;
  readonly path: string;
}

/**
 * Lets the program run at this hook, for the cgroup and all below it. A program that is pinned there already is
 * replaced: each call meets the old one or the new one. Returns whether there was none.
 */
export function attachProgram(cgroup: Cgroup, hook: Hook, program: number, pin: string): boolean {
  if (existsSync(pin)) {
    const link = openPinned(pin);
    try {
      if (isAt(link, cgroup, hook)) {
        replaceProgram(link, program, hook);
        return false;
      }
    } finally {
      closeFd(link);
    }
    // It belongs to a cgroup that is gone, or to another one.
    rmSync(pin);
  }
  const what = { doing: `attach ${hook} to cgroup ${cgroup.path}`, subject: `cgroup ${cgroup.path}` };
  const link = new Attributes()
    .u32(0, program)
    .u32(4, cgroup.fd)
    .u32(8, hooks[hook])
    .call(BPF_LINK_CREATE, what);
  try {
    pinObject(link, pin);
  } finally {
    closeFd(link);
  }
  return true;
}

/** linux/bpf.h, struct bpf_link_info: the number of the cgroup, which is that of its directory. */
function isAt(link: number, { path }: Cgroup, hook: Hook): boolean {
  const BPF_LINK_TYPE_CGROUP = 3;
  const info = objectInfo(link, 32, `BPF link of ${hook}`);
  return (
    info.readUInt32LE(0) === BPF_LINK_TYPE_CGROUP &&
    info.readBigUInt64LE(16) === cgroupNumber(path) &&
    info.readUInt32LE(24) === hooks[hook]
  );
}

function replaceProgram(link: number, program: number, hook: Hook): void {
  new Attributes()
    .u32(0, link)
    .u32(4, program)
    .call(BPF_LINK_UPDATE, { doing: `replace BPF program ${hook}`, subject: `BPF program ${hook}` });
}

/** The programs that run at this hook for processes of the cgroup, the cgroups above it included. */
export function effectivePrograms(cgroup: Cgroup, hook: Hook): ProgramInfo[] {
  const BPF_F_QUERY_EFFECTIVE = 1;
  // The kernel runs at most 64 programs at one hook of a cgroup (bpf-cgroup.h, BPF_CGROUP_MAX_PROGS).
  const most = 64 * 16;
  const ids = Buffer.alloc(4 * most);
  const attributes = new Attributes()
    .u32(0, cgroup.fd)
    .u32(4, hooks[hook])
    .u32(8, BPF_F_QUERY_EFFECTIVE)
    .pointer(16, ids)
    .u32(24, most);
  attributes.call(BPF_PROG_QUERY, {
    doing: `list programs at ${hook} of cgroup ${cgroup.path}`,
    subject: `cgroup ${cgroup.path}`,
  });
  const count = attributes.written(24);
  const found = Array.from({ length: count }, (_, index) => infoOf(ids.readUInt32LE(index * 4)));
  return found.filter((info) => info !== undefined);
}

/** Undefined where the program has gone since it was listed. */
function infoOf(id: number): ProgramInfo | undefined {
  try {
    const fd = openProgram(id);
    try {
      return programInfo(fd);
    } finally {
      closeFd(fd);
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The id of a cgroup is the number of its directory's inode (kernfs, on machines of 64 bits). */
function cgroupNumber(path: string): bigint {
  return statSync(path, { bigint: true }).ino;
}
