// The attributes of a bpf(2) command (linux/bpf.h, union bpf_attr): fields at offsets, in the machine's byte order. All
// machines that Orbweaver runs on are little-endian.

import { callBpf, pointerTo } from '../ffi/index.ts';

/** Commands, as linux/bpf.h numbers them. */
export const BPF_MAP_CREATE = 0;
export const BPF_MAP_LOOKUP_ELEM = 1;
export const BPF_PROG_LOAD = 5;
export const BPF_OBJ_PIN = 6;
export const BPF_OBJ_GET = 7;
export const BPF_PROG_GET_FD_BY_ID = 13;
export const BPF_OBJ_GET_INFO_BY_FD = 15;
export const BPF_PROG_QUERY = 16;
export const BPF_BTF_LOAD = 18;
export const BPF_MAP_LOOKUP_BATCH = 24;
export const BPF_MAP_UPDATE_BATCH = 26;
export const BPF_MAP_DELETE_BATCH = 27;
export const BPF_LINK_CREATE = 28;
export const BPF_LINK_UPDATE = 29;

/** Enough for every command that is used here. The kernel refuses bytes that it does not know unless they are 0. */
const ATTRIBUTE_BYTES = 72;

/** An action and its object, for errors. */
export interface Doing {
  readonly doing: string;
  readonly subject: string;
}

export class Attributes {
  readonly #bytes = Buffer.alloc(ATTRIBUTE_BYTES);
  // The attributes hold only addresses, so the buffers are kept here until the call is over.
  readonly #pointedTo: Uint8Array[] = [];

  u32(offset: number, value: number): this {
    this.#bytes.writeUInt32LE(value, offset);
    return this;
  }

  pointer(offset: number, to: Uint8Array): this {
    this.#pointedTo.push(to);
    this.#bytes.writeBigUInt64LE(pointerTo(to), offset);
    return this;
  }

  /** A path or a name that ends with a NUL byte elsewhere in memory. */
  path(offset: number, path: string): this {
    return this.pointer(offset, Buffer.from(`${path}\0`));
  }

  /** A name of at most 15 bytes inside the attributes (BPF_OBJ_NAME_LEN). */
  name(offset: number, name: string): this {
    this.#bytes.write(name.slice(0, 15), offset, 'latin1');
    return this;
  }

  /** Makes the call. Returns a descriptor or 0. Throws KERNEL_REFUSED. */
  call(command: number, { doing, subject }: Doing): number {
    return callBpf(command, this.#bytes, doing, subject);
  }

  /** What the kernel wrote there during the call. */
  written(offset: number): number {
    return this.#bytes.readUInt32LE(offset);
  }
}

/** BPF_OBJ_GET_INFO_BY_FD: the first `length` bytes of what the kernel tells of a map, program or link. */
export function objectInfo(fd: number, length: number, subject: string): Buffer {
  const info = Buffer.alloc(length);
  new Attributes()
    .u32(0, fd)
    .u32(4, length)
    .pointer(8, info)
    .call(BPF_OBJ_GET_INFO_BY_FD, { doing: `look at ${subject}`, subject });
  return info;
}

/** BPF_OBJ_PIN: gives the object a path in a file system of type bpf, so that it outlives this process. */
export function pinObject(fd: number, path: string): void {
  new Attributes()
    .path(0, path)
    .u32(8, fd)
    .call(BPF_OBJ_PIN, { doing: `pin ${path}`, subject: path });
}

/** BPF_OBJ_GET: opens what is pinned there. */
export function openPinned(path: string): number {
  return new Attributes().path(0, path).call(BPF_OBJ_GET, { doing: `open ${path}`, subject: path });
}
