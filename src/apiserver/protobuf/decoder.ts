// Request bodies in protobuf, as typed Go clients send them. They become JSON, which the rest of the server reads.

import { MAXIMUM_DEPTH, refuseUnfit } from '../http/index.ts';
import { isObject, type Json, type JsonObject } from '../json.ts';
import { badRequest, unsupportedMediaType } from '../status.ts';
import { type Message, type MessageField, MessageTable } from './message-table.ts';
import { bytesOf, decodeScalar, isZero, textOf } from './scalars.ts';
import { broken, fieldsByNumber, type WireValue, wireFields } from './wire.ts';

export const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf';

/** `k8s` and a NUL, then a runtime.Unknown (k8s.io/apimachinery runtime/serializer/protobuf). */
const magic = Buffer.from('k8s\0');

export class ProtobufDecoder {
  readonly #table = new MessageTable();

  /**
   * The object of a body; throws 415 for a kind that this decoder does not read.
   * It leaves out an unknown field of a newer client, as kube-apiserver does, and adds a text to `warnings`.
   */
  decode(body: Uint8Array, warnings: string[]): JsonObject {
    if (!magic.equals(body.subarray(0, magic.length))) throw broken('it does not begin with "k8s"');
    const unknown = fieldsByNumber(body.subarray(magic.length));
    const typeMeta = fieldsByNumber(bytesOf(unknown.get(1)));
    const [apiVersion, kind] = [textOf(typeMeta.get(1)), textOf(typeMeta.get(2))];
    const message = this.#table.ofKind(apiVersion, kind);
    if (message === undefined) {
      const what = `${kind} of ${apiVersion}`;
      throw unsupportedMediaType(
        `this server does not read ${what} in ${PROTOBUF_TYPE}: send application/json`,
      );
    }
    const object = new Reading(this.#table, warnings).message(message, bytesOf(unknown.get(2)), 0);
    return { apiVersion, kind, ...object };
  }
}

/** One body. */
class Reading {
  readonly #table: MessageTable;
  readonly #warnings: string[];

  constructor(table: MessageTable, warnings: string[]) {
    this.#table = table;
    this.#warnings = warnings;
  }

  message(message: Message, bytes: Uint8Array, depth: number): JsonObject {
    if (depth > MAXIMUM_DEPTH)
      throw badRequest(`the body of the request is nested more than ${MAXIMUM_DEPTH} deep`);
    const object: JsonObject = {};
    for (const { number, value } of wireFields(bytes)) {
      const field = message.fields.get(number);
      if (field !== undefined) this.#add(object, field, value, depth);
      else if (!isZero(value)) this.#warnings.push(`unknown field ${number} of ${message.name}`);
    }
    // Go's JSON has null for a required list or map that is not set.
    for (const { name, type, keepsZero } of message.fields.values()) {
      if (keepsZero && /^[[{]/.test(type)) object[name] ??= null;
    }
    return object;
  }

  #add(object: JsonObject, { name, type, keepsZero }: MessageField, value: WireValue, depth: number): void {
    const before = object[name];
    const inner = type.slice(1, -1);
    if (type.startsWith('[')) {
      const list = Array.isArray(before) ? before : [];
      list.push(this.#value(inner, value, depth) ?? null);
      object[name] = list;
    } else if (type.startsWith('{')) {
      const entry = fieldsByNumber(bytesOf(value));
      const map = isObject(before) ? before : {};
      const key = textOf(entry.get(1));
      if (key === '__proto__') throw badRequest('a field may not be named __proto__');
      map[key] = this.#value(inner, entry.get(2), depth) ?? null;
      object[name] = map;
    } else {
      const content = this.#value(type, value, depth);
      if (name === '...') Object.assign(object, content);
      else if (content !== undefined && (keepsZero || (content !== '' && content !== 0 && content !== false)))
        object[name] = content;
    }
  }

  /** One value; undefined for a time that is not set. A value that is absent on the wire is its type's zero. */
  #value(type: string, value: WireValue | undefined, depth: number): Json | undefined {
    if (type.startsWith('schema')) return this.#schemaOr(type, bytesOf(value), depth);
    const message = this.#table.get(type);
    if (message !== undefined) return this.message(message, bytesOf(value), depth + 1);
    const content = decodeScalar(type, value);
    if (type === 'rawJson' && content !== undefined) refuseUnfit(content, depth);
    return content;
  }

  /** A schema in a CustomResourceDefinition, or its alternative (apiextensions/v1 JSONSchemaPropsOr...). */
  #schemaOr(type: string, bytes: Uint8Array, depth: number): Json {
    const fields = [...wireFields(bytes)];
    const schemas = this.#table.get('apiextensions/v1.JSONSchemaProps') as Message;
    const schema = (value: WireValue) => this.message(schemas, bytesOf(value), depth + 1);
    const [flag, list] = [fields.find((it) => it.number === 1), fields.filter((it) => it.number === 2)];
    if (type === 'schemaOrBool') {
      const [only] = list;
      return only === undefined ? flag?.value === 1n : schema(only.value);
    }
    if (flag !== undefined) return schema(flag.value);
    return list.map(({ value }) => (type === 'schemaOrList' ? schema(value) : textOf(value)));
  }
}
