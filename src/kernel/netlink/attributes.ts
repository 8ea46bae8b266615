// Netlink attributes: type, length, value, padded to four bytes (netlink.h, `struct nlattr`).

import { ByteReader, ByteWriter } from '#base';
import { type Address, addressBytes, addressFromBytes } from '#ip';
import type { Mac } from '#net';
import { macBytes, macFromBytes } from '../ethernet.ts';

const NLA_F_NESTED = 0x8000;
/** Nested and byte-order bits are flags of the type, not part of it. */
const NLA_TYPE_MASK = 0x3fff;

/** Writes a message's family header and its attributes; numbers are in the machine's byte order. */
export class MessageBody {
  readonly writer = new ByteWriter('little');

  bytes(type: number, value: Uint8Array): this {
    this.writer
      .u16(value.length + 4)
      .u16(type)
      .put(value)
      .align(4);
    return this;
  }

  u8(type: number, value: number): this {
    this.writer.u16(5).u16(type).u8(value).align(4);
    return this;
  }

  u16(type: number, value: number): this {
    this.writer.u16(6).u16(type).u16(value).align(4);
    return this;
  }

  u32(type: number, value: number): this {
    this.writer.u16(8).u16(type).u32(value);
    return this;
  }

  /** Text with its closing NUL. */
  text(type: number, value: string): this {
    return this.bytes(type, Buffer.from(`${value}\0`));
  }

  address(type: number, value: Address): this {
    return this.bytes(type, addressBytes(value));
  }

  mac(type: number, value: Mac): this {
    return this.bytes(type, macBytes(value));
  }

  /** An attribute whose value `build` writes. */
  nested(type: number, build: () => void): this {
    const start = this.writer.length;
    this.writer.u16(0).u16(type | NLA_F_NESTED);
    build();
    this.writer.u16At(start, this.writer.length - start);
    return this;
  }
}

/** The attributes of a message, by type. If a type occurs twice, the last one counts. */
export class Attributes {
  readonly #values = new Map<number, Uint8Array>();

  constructor(bytes: Uint8Array) {
    for (const [type, value] of eachAttribute(bytes)) this.#values.set(type, value);
  }

  bytes(type: number): Uint8Array | undefined {
    return this.#values.get(type);
  }

  u8(type: number): number | undefined {
    return this.#values.get(type)?.[0];
  }

  u16(type: number): number | undefined {
    return this.#read(type, 2)?.u16();
  }

  u32(type: number): number | undefined {
    return this.#read(type, 4)?.u32();
  }

  /** Text without its closing NUL. */
  text(type: number): string | undefined {
    const value = this.#values.get(type);
    return value === undefined ? undefined : textOf(value);
  }

  address(type: number): Address | undefined {
    const value = this.#values.get(type);
    return value === undefined ? undefined : addressFromBytes(value);
  }

  /** A MAC address. Undefined if the link-layer address has another format (a tunnel's). */
  mac(type: number): Mac | undefined {
    const value = this.#values.get(type);
    return value?.length === 6 ? macFromBytes(value) : undefined;
  }

  nested(type: number): Attributes | undefined {
    const value = this.#values.get(type);
    return value === undefined ? undefined : new Attributes(value);
  }

  #read(type: number, length: number): ByteReader | undefined {
    const value = this.#values.get(type);
    return value === undefined || value.length < length ? undefined : new ByteReader(value, 'little');
  }
}

/** Every attribute in `bytes`. A broken attribute ends the iteration, as in the kernel's own parser. */
function* eachAttribute(bytes: Uint8Array): Generator<[type: number, value: Uint8Array]> {
  let offset = 0;
  while (offset + 4 <= bytes.length) {
    const length = u16At(bytes, offset);
    if (length < 4 || offset + length > bytes.length) return;
    yield [u16At(bytes, offset + 2) & NLA_TYPE_MASK, bytes.subarray(offset + 4, offset + length)];
    offset += (length + 3) & ~3;
  }
}

function u16At(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] ?? 0) | ((bytes[offset + 1] ?? 0) << 8);
}

function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('utf8');
}
