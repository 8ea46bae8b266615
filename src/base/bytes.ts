// Reads and writes binary records: netlink in the machine's byte order, packets in network byte order.

/**
 * Netlink uses the machine's byte order (little on every machine that we support). Packets use network byte order
 * (big).
 */
export type ByteOrder = 'little' | 'big';

/** Reads a record from front to back. A read past the end throws a RangeError. */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #little: boolean;
  offset = 0;

  constructor(bytes: Uint8Array, order: ByteOrder) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#little = order === 'little';
  }

  get remaining(): number {
    return this.bytes.length - this.offset;
  }

  u8(): number {
    return this.#view.getUint8(this.#step(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#step(2), this.#little);
  }

  u32(): number {
    return this.#view.getUint32(this.#step(4), this.#little);
  }

  i32(): number {
    return this.#view.getInt32(this.#step(4), this.#little);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#step(8), this.#little);
  }

  /** The next `length` bytes. They share the record's memory. */
  take(length: number): Uint8Array {
    const at = this.#step(length);
    if (this.offset > this.bytes.length)
      throw new RangeError(`the record ends before the value at byte ${this.offset}`);
    return this.bytes.subarray(at, at + length);
  }

  skip(length: number): void {
    this.#step(length);
  }

  #step(length: number): number {
    const at = this.offset;
    this.offset = at + length;
    return at;
  }
}

/** Writes a record of unknown length. {@link ByteWriter.done} returns it. */
export class ByteWriter {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  readonly #little: boolean;
  length = 0;

  constructor(order: ByteOrder) {
    this.#little = order === 'little';
  }

  u8(value: number): this {
    const at = this.#grow(1);
    this.#view.setUint8(at, value);
    return this;
  }

  u16(value: number): this {
    const at = this.#grow(2);
    this.#view.setUint16(at, value, this.#little);
    return this;
  }

  u32(value: number): this {
    const at = this.#grow(4);
    this.#view.setUint32(at, value, this.#little);
    return this;
  }

  i32(value: number): this {
    const at = this.#grow(4);
    this.#view.setInt32(at, value, this.#little);
    return this;
  }

  /** Overwrites the 16 bits at `offset`, for lengths and checksums that are known only later. */
  u16At(offset: number, value: number): this {
    this.#view.setUint16(offset, value, this.#little);
    return this;
  }

  /** Overwrites the 32 bits at `offset`. */
  u32At(offset: number, value: number): this {
    this.#view.setUint32(offset, value, this.#little);
    return this;
  }

  put(bytes: Uint8Array): this {
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** Adds zeros up to the next multiple of `alignment`. */
  align(alignment: number): this {
    const over = this.length % alignment;
    if (over !== 0) this.#grow(alignment - over);
    return this;
  }

  /** A copy of the written bytes. */
  done(): Uint8Array {
    return this.#bytes.slice(0, this.length);
  }

  /** Makes room for `length` bytes. This may move the record, so callers read its memory only after this call. */
  #grow(length: number): number {
    const at = this.length;
    this.length = at + length;
    if (this.length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.length, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}
