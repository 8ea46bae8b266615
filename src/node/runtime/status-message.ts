// The two messages of CRI that we need, in protobuf (cri-api, runtime/v1/api.proto).

import { ByteReader } from '#base';

/** `StatusRequest { bool verbose = 1; }` with `verbose` true. */
export const statusRequest = Uint8Array.of(0x08, 0x01);

/** Field numbers of `StatusResponse` and of an entry of a map. */
const INFO_FIELD = 2;
const KEY_FIELD = 1;
const VALUE_FIELD = 2;

/** `info` of a `StatusResponse`. Throws RangeError if the bytes are no message. */
export function readStatusInfo(response: Uint8Array): Map<string, string> {
  const info = new Map<string, string>();
  const text = new TextDecoder();
  for (const { field, bytes } of fieldsOf(response)) {
    if (field !== INFO_FIELD || bytes === undefined) continue;
    const entry = new Map(Array.from(fieldsOf(bytes), (one) => [one.field, text.decode(one.bytes)]));
    info.set(entry.get(KEY_FIELD) ?? '', entry.get(VALUE_FIELD) ?? '');
  }
  return info;
}

interface Field {
  readonly field: number;
  /** The content of a text, a record or a list; undefined for a number. */
  readonly bytes: Uint8Array | undefined;
}

/** The fields of a message, in order (protobuf, "Encoding"). */
function* fieldsOf(message: Uint8Array): Generator<Field> {
  const reader = new ByteReader(message, 'little');
  while (reader.remaining > 0) {
    const tag = varint(reader);
    const field = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        varint(reader);
        yield { field, bytes: undefined };
        break;
      case 1:
        reader.take(8);
        yield { field, bytes: undefined };
        break;
      case 2:
        yield { field, bytes: reader.take(varint(reader)) };
        break;
      case 5:
        reader.take(4);
        yield { field, bytes: undefined };
        break;
      default:
        throw new RangeError(`wire type ${tag % 8} at byte ${reader.offset}`);
    }
  }
}

/** Lengths and tags are below 2^32. A larger number is only skipped, so it need not be exact. */
function varint(reader: ByteReader): number {
  let value = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    const byte = reader.u8();
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return value;
  }
  throw new RangeError(`a number without an end at byte ${reader.offset}`);
}
