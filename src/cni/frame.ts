// The frame in which the shim and the agent talk: a text head and binary-safe fields.
//
//   OWCNI <protocol>\n   then per field   <name> <length in bytes>\n<value>\n   and at the end   end 0\n\n
//
// A queued DEL is a file that holds a request frame byte for byte. The same code reads both.

import { OrbError } from '#base';

/**
 * The newest protocol version. The version before it is served too, so that shims and agents can be upgraded
 * separately.
 */
export const FRAME_PROTOCOL = 1;

/** A frame: its protocol and its fields by name. */
export interface Frame {
  readonly protocol: number;
  readonly fields: ReadonlyMap<string, Buffer>;
}

/** The maximum size of a frame. The shim limits stdin to 4 MiB. */
const MAXIMUM_BYTES = 16 * 1024 * 1024;
/** The maximum length of `<name> <length>\n`. Names are short, and lengths have at most 8 digits. */
const MAXIMUM_LINE_BYTES = 256;
const LINE_FEED = 10;

const damaged = (what: string) => new OrbError('FRAME_DAMAGED', { message: `damaged frame: ${what}` });

/** The bytes of a frame. */
export function encodeFrame(
  fields: Iterable<readonly [string, string | Buffer]>,
  protocol = FRAME_PROTOCOL,
): Buffer {
  const parts: (string | Buffer)[] = [`OWCNI ${protocol}\n`];
  for (const [name, value] of fields) {
    parts.push(`${name} ${Buffer.byteLength(value)}\n`, value, '\n');
  }
  parts.push('end 0\n\n');
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
}

/** Collects received bytes until the frame is complete. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #size = 0;

  /**
   * The frame after its last byte was received; undefined until then.
   * @throws OrbError FRAME_DAMAGED for bytes that cannot become a frame
   */
  push(chunk: Buffer): Frame | undefined {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size > MAXIMUM_BYTES) throw damaged(`more than ${MAXIMUM_BYTES} bytes`);
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#size);
    this.#chunks = [bytes];
    return decodeWhole(bytes);
  }
}

/**
 * The frame in `bytes`, which must hold one complete frame.
 * @throws OrbError FRAME_DAMAGED
 */
export function decodeFrame(bytes: Buffer): Frame {
  const frame = decodeWhole(bytes);
  if (frame === undefined) throw damaged('it ends early');
  return frame;
}

function decodeWhole(bytes: Buffer): Frame | undefined {
  let offset = 0;
  const line = (): string | undefined => {
    const end = bytes.indexOf(LINE_FEED, offset);
    if (end === -1) {
      if (bytes.length - offset > MAXIMUM_LINE_BYTES)
        throw damaged(`a line of more than ${MAXIMUM_LINE_BYTES} bytes`);
      return undefined;
    }
    const text = bytes.toString('latin1', offset, end);
    offset = end + 1;
    return text;
  };

  const head = line();
  if (head === undefined) return undefined;
  const protocol = /^OWCNI ([0-9]{1,4})$/.exec(head)?.[1];
  if (protocol === undefined) throw damaged(`it begins with "${head.slice(0, 40)}"`);
  const fields = new Map<string, Buffer>();
  for (;;) {
    const head = line();
    if (head === undefined) return undefined;
    const [, name, digits] = /^([a-zA-Z0-9_:.-]+) ([0-9]{1,8})$/.exec(head) ?? [];
    if (name === undefined) throw damaged(`"${head.slice(0, 40)}" is not a field`);
    const end = offset + Number(digits);
    if (end >= bytes.length) return undefined;
    if (bytes[end] !== LINE_FEED) throw damaged(`field ${name} is longer than ${digits} bytes`);
    const value = bytes.subarray(offset, end);
    offset = end + 1;
    if (name === 'end') {
      if (offset !== bytes.length) throw damaged('there are bytes after its end');
      return { protocol: Number(protocol), fields };
    }
    if (fields.has(name)) throw damaged(`field ${name} appears twice`);
    fields.set(name, value);
  }
}
