// Reads the protobuf wire format (protobuf.dev "Encoding"), without groups: nothing uses them any more.

import { badRequest } from '../status.ts';

/** A varint as a number, or any other value as its bytes. */
export type WireValue = bigint | Uint8Array;

/** One field on the wire. */
export interface WireField {
  readonly number: number;
  readonly value: WireValue;
}

/** The last value of each field. The last value counts where a field is not a list. */
export function fieldsByNumber(bytes: Uint8Array): Map<number, WireValue> {
  return new Map([...wireFields(bytes)].map(({ number, value }) => [number, value]));
}

/** The fields of a message in order; throws 400 for bytes that are not a message. */
export function* wireFields(bytes: Uint8Array): Generator<WireField> {
  const reader = new Reader(bytes);
  while (!reader.atEnd) {
    const tag = Number(reader.varint());
    const [number, wireType] = [Math.floor(tag / 8), tag % 8];
    if (wireType === 0) yield { number, value: reader.varint() };
    else if (wireType === 1) yield { number, value: reader.bytes(8) };
    else if (wireType === 5) yield { number, value: reader.bytes(4) };
    else if (wireType === 2) yield { number, value: reader.bytes(Number(reader.varint())) };
    else throw broken(`wire type ${wireType} of field ${number}`);
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) break;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw broken('a number without an end');
  }

  bytes(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw broken('a field that is longer than its message');
    const found = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return found;
  }
}

/** The 400 for a body that is not protobuf, or that is another message. */
export function broken(what: string): Error {
  return badRequest(`the body of the request is not valid protobuf: ${what}`);
}
