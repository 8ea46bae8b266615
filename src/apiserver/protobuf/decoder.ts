// Request bodies in protobuf, as kubectl create sends them since 1.32: made into the JSON that the rest of the server works on.

import { isObject, type Json, type JsonObject } from '../json.ts';
import { fieldSchema, type Schema } from '../schema/schema.ts';
import type { TypeTable } from '../schema/type-text.ts';
import { badRequest, unsupportedMediaType } from '../status.ts';
import { fieldNumbers, type NumberedField } from './field-numbers.ts';
import { wireFields } from './wire.ts';

export const protobufType = 'application/vnd.kubernetes.protobuf';

/** `k8s` and a NUL, then a runtime.Unknown (k8s.io/apimachinery runtime/serializer/protobuf). */
const magic = Buffer.from('k8s\0');

export class ProtobufDecoder {
  readonly #types: TypeTable;
  readonly #numbers = fieldNumbers();

  constructor(types: TypeTable) {
    this.#types = types;
  }

  /** The object of a body; 415 for a kind or a field whose numbers are not known here, so that nothing is lost unseen. */
  decode(body: Uint8Array): JsonObject {
    if (!magic.equals(body.subarray(0, magic.length)))
      throw badRequest('the body of the request is not valid protobuf: it does not begin with "k8s"');
    const unknown = new Map([...wireFields(body.subarray(magic.length))].map((it) => [it.number, it.value]));
    const typeMeta = new Map([...wireFields(bytesOf(unknown.get(1)))].map((it) => [it.number, it.value]));
    const [apiVersion, kind] = [textOf(typeMeta.get(1)), textOf(typeMeta.get(2))];
    if (!this.#numbers.has(kind)) throw notRead(`${kind} of ${apiVersion}`);
    const object = this.#message(this.#types.get(kind), bytesOf(unknown.get(2)));
    return { apiVersion, kind, ...object };
  }

  #message(schema: Schema, bytes: Uint8Array): JsonObject {
    const type = this.#types.nameOf(schema) ?? 'a type without a name';
    const numbers = this.#numbers.get(type);
    if (numbers === undefined) throw notRead(type);
    const fields = new Map<string, Json>();
    for (const { number, value } of wireFields(bytes)) {
      const field = numbers.get(number);
      const child = field === undefined ? undefined : fieldSchema(schema, field.name);
      if (field === undefined || child === undefined) throw notRead(`field ${number} of ${type}`);
      // Creating leaves the status to others, and nothing but creating reads protobuf.
      if (field.name !== 'status') this.#add(fields, field, child, value);
    }
    return Object.fromEntries(fields);
  }

  #add(fields: Map<string, Json>, field: NumberedField, schema: Schema, value: bigint | Uint8Array): void {
    const before = fields.get(field.name);
    if (schema.items !== undefined) {
      const list = Array.isArray(before) ? before : [];
      list.push(this.#value(schema.items, value) ?? null);
      fields.set(field.name, list);
    } else if (typeof schema.additionalProperties === 'object') {
      const entry = new Map([...wireFields(bytesOf(value))].map((it) => [it.number, it.value]));
      const key = textOf(entry.get(1));
      if (key === '__proto__') throw badRequest('a field may not be named __proto__');
      const map = isObject(before) ? before : {};
      map[key] = this.#value(schema.additionalProperties, entry.get(2) ?? new Uint8Array()) ?? null;
      fields.set(field.name, map);
    } else {
      const content = this.#value(schema, value);
      const isZero = content === '' || content === 0 || content === false;
      if (content !== undefined && (field.isPointer || !isZero)) fields.set(field.name, content);
    }
  }

  /** One value; undefined for a time that is not set. */
  #value(schema: Schema, value: bigint | Uint8Array): Json | undefined {
    if (schema['x-kubernetes-int-or-string'] === true) return intOrString(bytesOf(value));
    switch (schema.type) {
      case 'boolean':
        return numberOf(value) !== 0;
      case 'integer':
        return numberOf(value);
      case 'string':
        if (schema.format === 'byte') return Buffer.from(bytesOf(value)).toString('base64');
        return schema.format === 'date-time' ? time(bytesOf(value)) : textOf(value);
      default:
        return this.#message(schema, bytesOf(value));
    }
  }
}

function intOrString(bytes: Uint8Array): Json {
  const fields = new Map([...wireFields(bytes)].map((it) => [it.number, it.value]));
  return numberOf(fields.get(1) ?? 0n) === 0 ? numberOf(fields.get(2) ?? 0n) : textOf(fields.get(3));
}

/** A meta/v1 Time: seconds and nanoseconds, of which RFC 3339 in the API shows the former. */
function time(bytes: Uint8Array): string | undefined {
  const seconds = [...wireFields(bytes)].find((it) => it.number === 1);
  if (seconds === undefined) return undefined;
  return new Date(numberOf(seconds.value) * 1000).toISOString().replace('.000', '');
}

function numberOf(value: bigint | Uint8Array): number {
  if (typeof value !== 'bigint') throw badRequest('the body of the request is not valid protobuf: no number');
  return Number(BigInt.asIntN(64, value));
}

function bytesOf(value: bigint | Uint8Array | undefined): Uint8Array {
  if (typeof value === 'bigint') throw badRequest('the body of the request is not valid protobuf: no bytes');
  return value ?? new Uint8Array();
}

function textOf(value: bigint | Uint8Array | undefined): string {
  return Buffer.from(bytesOf(value)).toString();
}

function notRead(what: string): Error {
  return unsupportedMediaType(`${what} is not read in ${protobufType} here: send application/json`);
}
