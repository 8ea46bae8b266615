// A map of the kernel: hash tables, which are read and written in batches, and storage in sockets.

import { errnoOf } from '#net';
import { closeFd } from '../ffi/index.ts';
import {
  Attributes,
  BPF_BTF_LOAD,
  BPF_MAP_CREATE,
  BPF_MAP_DELETE_BATCH,
  BPF_MAP_LOOKUP_BATCH,
  BPF_MAP_LOOKUP_ELEM,
  BPF_MAP_UPDATE_BATCH,
  objectInfo,
  openPinned,
  pinObject,
} from './attributes.ts';

const kinds = { hash: 1, lru: 9, socket: 24 } as const;

export interface MapShape {
  /** At most 15 bytes. */
  readonly name: string;
  /** `lru` forgets what was used longest ago when it is full. `socket` has one value in each socket. */
  readonly kind: keyof typeof kinds;
  readonly keyBytes: number;
  /** A multiple of 4. */
  readonly valueBytes: number;
  /** 0 for `socket`. */
  readonly maxEntries: number;
}

/** Keys and values one after the other, as the kernel has them. */
export interface PackedEntries {
  readonly keys: Uint8Array;
  readonly values: Uint8Array;
}

/** A call works on so many entries at most, so that the event loop goes on between two calls. */
const BATCH = 4096;

export class BpfMap {
  readonly fd: number;
  readonly shape: MapShape;
  readonly #subject: string;

  private constructor(fd: number, shape: MapShape) {
    this.fd = fd;
    this.shape = shape;
    this.#subject = `BPF map ${shape.name}`;
  }

  static create(shape: MapShape): BpfMap {
    const attributes = new Attributes()
      .u32(0, kinds[shape.kind])
      .u32(4, shape.keyBytes)
      .u32(8, shape.valueBytes)
      .u32(12, shape.maxEntries)
      .u32(16, flagsOf(shape))
      .name(28, shape.name);
    const subject = `BPF map ${shape.name}`;
    const types = shape.kind === 'socket' ? loadTypes(shape.valueBytes / 4, subject) : undefined;
    if (types !== undefined) attributes.u32(48, types).u32(52, 1).u32(56, 2);
    try {
      return new BpfMap(attributes.call(BPF_MAP_CREATE, { doing: `create ${subject}`, subject }), shape);
    } finally {
      if (types !== undefined) closeFd(types);
    }
  }

  /** The map that is pinned there. Undefined if there is none, or one of another shape. */
  static pinned(path: string, shape: MapShape): BpfMap | undefined {
    try {
      const map = new BpfMap(openPinned(path), shape);
      if (map.#hasShape()) return map;
      map.close();
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
    return undefined;
  }

  /** linux/bpf.h, struct bpf_map_info. */
  #hasShape(): boolean {
    const info = objectInfo(this.fd, 24, this.#subject);
    const { kind, keyBytes, valueBytes, maxEntries } = this.shape;
    const wanted = [kinds[kind], keyBytes, valueBytes, maxEntries, flagsOf(this.shape)];
    return [0, 8, 12, 16, 20].every((offset, index) => info.readUInt32LE(offset) === wanted[index]);
  }

  pin(path: string): void {
    pinObject(this.fd, path);
  }

  /** Writes the entries; those that are there get the new value. E2BIG: the map is full. */
  async put({ keys, values }: PackedEntries): Promise<void> {
    const { keyBytes, valueBytes } = this.shape;
    for (let done = 0; done * keyBytes < keys.length; done += BATCH) {
      if (done > 0) await nextTurn();
      const some = keys.subarray(done * keyBytes, (done + BATCH) * keyBytes);
      this.#batch(some, 'write')
        .pointer(24, values.subarray(done * valueBytes, (done + BATCH) * valueBytes))
        .call(BPF_MAP_UPDATE_BATCH, { doing: `write to ${this.#subject}`, subject: this.#subject });
    }
  }

  /** Removes the entries. One that is not there is no error. */
  async remove(keys: Uint8Array): Promise<void> {
    const { keyBytes } = this.shape;
    for (let done = 0; done * keyBytes < keys.length; ) {
      if (done > 0) await nextTurn();
      const some = keys.subarray(done * keyBytes, (done + BATCH) * keyBytes);
      const attributes = this.#batch(some, 'remove');
      try {
        attributes.call(BPF_MAP_DELETE_BATCH, {
          doing: `remove from ${this.#subject}`,
          subject: this.#subject,
        });
        done += some.length / keyBytes;
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT') throw error;
        // The kernel ends at a missing key and tells how many it had removed.
        done += attributes.written(32) + 1;
      }
    }
  }

  #batch(keys: Uint8Array, doing: string): Attributes {
    const count = keys.length / this.shape.keyBytes;
    if (!Number.isInteger(count)) throw new RangeError(`cannot ${doing}: half a key of ${this.#subject}`);
    return new Attributes().pointer(16, keys).u32(32, count).u32(36, this.fd);
  }

  /** All entries. An entry that changes meanwhile may be missing or come twice. */
  entries(): PackedEntries {
    const { keyBytes, valueBytes } = this.shape;
    const found: { keys: Buffer[]; values: Buffer[] } = { keys: [], values: [] };
    const place = Buffer.alloc(4);
    for (let isFirst = true, isLast = false; !isLast; isFirst = false) {
      const keys = Buffer.alloc(BATCH * keyBytes);
      const values = Buffer.alloc(BATCH * valueBytes);
      const attributes = new Attributes().pointer(8, place).pointer(16, keys).pointer(24, values);
      if (!isFirst) attributes.pointer(0, place);
      attributes.u32(32, BATCH).u32(36, this.fd);
      try {
        attributes.call(BPF_MAP_LOOKUP_BATCH, {
          doing: `read ${this.#subject}`,
          subject: this.#subject,
        });
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT') throw error;
        isLast = true;
      }
      const count = attributes.written(32);
      found.keys.push(keys.subarray(0, count * keyBytes));
      found.values.push(values.subarray(0, count * valueBytes));
    }
    return { keys: Buffer.concat(found.keys), values: Buffer.concat(found.values) };
  }

  /** The entries of these keys that are there. A call of the kernel for each: for few of a large map. */
  entriesOf(keys: Uint8Array): PackedEntries {
    const { keyBytes, valueBytes } = this.shape;
    const found: { keys: Uint8Array[]; values: Uint8Array[] } = { keys: [], values: [] };
    for (let at = 0; at < keys.length; at += keyBytes) {
      const key = keys.subarray(at, at + keyBytes);
      const value = Buffer.alloc(valueBytes);
      try {
        new Attributes()
          .u32(0, this.fd)
          .pointer(8, key)
          .pointer(16, value)
          .call(BPF_MAP_LOOKUP_ELEM, { doing: `read ${this.#subject}`, subject: this.#subject });
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT') throw error;
        continue;
      }
      found.keys.push(key);
      found.values.push(value);
    }
    return { keys: Buffer.concat(found.keys), values: Buffer.concat(found.values) };
  }

  close(): void {
    closeFd(this.fd);
  }
}

/** BPF_F_NO_PREALLOC: memory for the entries that are there. A map `lru` needs all of it from the start. */
function flagsOf({ kind }: MapShape): number {
  return kind === 'lru' ? 0 : 1;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/**
 * The kernel wants the types of what is stored in sockets (bpf_local_storage.c, bpf_local_storage_map_check_btf). Loads
 * two: 1 is a 32-bit integer, 2 is a list of them (Documentation/bpf/btf.rst).
 */
function loadTypes(length: number, subject: string): number {
  const BTF_KIND_INT = 1 << 24;
  const BTF_KIND_ARRAY = 3 << 24;
  const strings = Buffer.from('\0u32\0');
  const integer = [1, BTF_KIND_INT, 4, 32];
  const list = [0, BTF_KIND_ARRAY, 0, 1, 1, length];
  const types = Buffer.from(Uint32Array.from([...integer, ...list]).buffer);
  const header = Buffer.from(
    Uint32Array.of(0x1_eb9f, 24, 0, types.length, types.length, strings.length).buffer,
  );
  const bytes = Buffer.concat([header, types, strings]);
  return new Attributes()
    .pointer(0, bytes)
    .u32(16, bytes.length)
    .call(BPF_BTF_LOAD, { doing: `describe the values of ${subject}`, subject });
}
