// Programs for the socket calls of a cgroup: loading them.

import { isOrbError, OrbError } from '#base';
import { errnoOf } from '#net';
import { closeFd } from '../ffi/index.ts';
import { Attributes, BPF_PROG_GET_FD_BY_ID, BPF_PROG_LOAD, objectInfo } from './attributes.ts';
import type { BpfMap } from './map.ts';

/** linux/bpf.h, enum bpf_attach_type: when a program runs. Answers come first: programs are attached in this order. */
export const hooks = {
  sock_release: 34,
  recvmsg4: 19,
  recvmsg6: 20,
  getpeername4: 29,
  getpeername6: 30,
  sendmsg4: 14,
  sendmsg6: 15,
  connect4: 10,
  connect6: 11,
} as const;

export type Hook = keyof typeof hooks;

export const allHooks = Object.keys(hooks) as readonly Hook[];

/** A compiled program. */
export interface ProgramCode {
  /** Instructions of 8 bytes, as base64. */
  readonly instructions: string;
  /** By the name of a map: the instructions that name it. */
  readonly maps: Readonly<Record<string, readonly number[]>>;
}

/** linux/bpf.h, enum bpf_prog_type. */
const BPF_PROG_TYPE_CGROUP_SOCK = 9;
const BPF_PROG_TYPE_CGROUP_SOCK_ADDR = 18;
const BPF_PSEUDO_MAP_FD = 1;
const INSTRUCTION_BYTES = 8;
/** The verifier's words on a refused program. It keeps the end if they are more. */
const LOG_BYTES = 1 << 16;

/** The verifier stops with EAGAIN when a signal waits for the thread (verifier.c, do_check). libbpf repeats it 5 times. */
const ATTEMPTS = 20;

/** Loads a program that uses these maps. Returns its descriptor. Throws KERNEL_REFUSED with the verifier's last words. */
export function loadProgram(hook: Hook, code: ProgramCode, maps: ReadonlyMap<string, BpfMap>): number {
  const instructions = Buffer.from(code.instructions, 'base64');
  for (const [name, users] of Object.entries(code.maps)) {
    const map = maps.get(name);
    if (map === undefined) throw new RangeError(`program ${hook} uses the unknown map ${name}`);
    for (const index of users) nameMap(instructions, index * INSTRUCTION_BYTES, map.fd);
  }
  const load = (log?: Buffer) => {
    const attributes = new Attributes()
      .u32(0, hook === 'sock_release' ? BPF_PROG_TYPE_CGROUP_SOCK : BPF_PROG_TYPE_CGROUP_SOCK_ADDR)
      .u32(4, instructions.length / INSTRUCTION_BYTES)
      .pointer(8, instructions)
      .path(16, 'Apache-2.0')
      .name(48, `ow_${hook}`)
      .u32(68, hooks[hook]);
    if (log !== undefined) attributes.u32(24, 1).u32(28, log.length).pointer(32, log);
    return attributes.call(BPF_PROG_LOAD, {
      doing: `load BPF program ${hook}`,
      subject: `BPF program ${hook}`,
    });
  };
  for (let attempt = 1; ; attempt++) {
    try {
      return load();
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN' || attempt === ATTEMPTS) throw explained(hook, error, load);
    }
  }
}

/** linux/bpf.h: the second register field of a 64-bit load says that its number is a descriptor. */
function nameMap(instructions: Buffer, offset: number, fd: number): void {
  const target = instructions.readUInt8(offset + 1) & 0x0f;
  instructions.writeUInt8(target | (BPF_PSEUDO_MAP_FD << 4), offset + 1);
  instructions.writeUInt32LE(fd, offset + 4);
}

/** The same error with what the verifier says. It is asked only then, for its log slows the load down. */
function explained(hook: Hook, error: unknown, load: (log: Buffer) => number): unknown {
  if (!isOrbError(error, 'KERNEL_REFUSED')) return error;
  const log = Buffer.alloc(LOG_BYTES);
  try {
    closeFd(load(log));
    return error;
  } catch {
    const lines = log.toString('latin1', 0, log.indexOf(0)).trim().split('\n');
    const said = [error.said, ...lines.filter((line) => !line.startsWith('processed ')).slice(-3)].join('; ');
    return new OrbError('KERNEL_REFUSED', {
      message: `cannot load BPF program ${hook}`,
      subject: `BPF program ${hook}`,
      said,
    });
  }
}

/** What the kernel tells of a program (linux/bpf.h, struct bpf_prog_info). */
export interface ProgramInfo {
  readonly id: number;
  /** As its loader named it, cut at 15 bytes. */
  readonly name: string;
}

export function programInfo(fd: number): ProgramInfo {
  const info = objectInfo(fd, 80, 'BPF program');
  const name = info.subarray(64, 80);
  return { id: info.readUInt32LE(4), name: name.toString('latin1', 0, name.indexOf(0)) };
}

/** A descriptor of the program with this id. ENOENT: it has gone. */
export function openProgram(id: number): number {
  return new Attributes()
    .u32(0, id)
    .call(BPF_PROG_GET_FD_BY_ID, { doing: `open BPF program ${id}`, subject: `BPF program ${id}` });
}
