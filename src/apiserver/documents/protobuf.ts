// The parts of the protobuf wire format that OpenAPI v2 needs (protobuf.dev "Encoding"): strings and messages.

/** Writes fields of one message. */
export class Message {
  readonly #parts: Buffer[] = [];

  string(field: number, text: string | undefined): this {
    if (text !== undefined) this.#bytes(field, Buffer.from(text));
    return this;
  }

  message(field: number, message: Message | undefined): this {
    if (message !== undefined) this.#bytes(field, message.done());
    return this;
  }

  bool(field: number, value: boolean): this {
    this.#parts.push(Buffer.from([field << 3, value ? 1 : 0]));
    return this;
  }

  done(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #bytes(field: number, bytes: Buffer): void {
    this.#parts.push(varint((field << 3) | 2), varint(bytes.length), bytes);
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}
