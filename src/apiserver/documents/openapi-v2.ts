// OpenAPI v2 in protobuf: kubectl before 1.27 uses it for validation and explain (field numbers: gnostic openapiv2.proto).

import { isObject, type Json, type JsonObject, stringAt } from '../json.ts';
import type { Registry } from '../registry.ts';
import type { TypeTable } from '../schema/index.ts';
import { Definitions } from './definitions.ts';
import { Message } from './protobuf.ts';

/** Upstream's answer: kubectl asks for `v2@v1.0`, but Go cannot parse an "@" in a Content-Type. */
export const OPENAPI_V2_TYPE = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

/** Definitions of everything that is served. It has no paths, because no client of this project reads them here. */
export function openApiV2Json(registry: Registry, types: TypeTable): JsonObject {
  const definitions = new Definitions(types, '#/definitions/');
  for (const resource of registry.all()) definitions.add(resource);
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: 'v1.34.0' },
    paths: {},
    definitions: definitions.schemas,
  };
}

export function openApiV2(registry: Registry, types: TypeTable): Buffer {
  const json = openApiV2Json(registry, types);
  const definitions = new Message();
  for (const [name, schema] of Object.entries(json.definitions as JsonObject)) {
    definitions.message(1, namedSchema(name, schema));
  }
  const info = new Message().string(1, 'Kubernetes').string(2, 'v1.34.0');
  return new Message()
    .string(1, '2.0')
    .message(2, info)
    .message(8, new Message())
    .message(9, definitions)
    .done();
}

function namedSchema(name: string, schema: Json): Message {
  return new Message().string(1, name).message(2, schemaMessage(schema));
}

/** A schema with everything that v2 can express. The server checks combinations and rules itself. */
function schemaMessage(schema: Json): Message {
  const message = new Message();
  const reference = stringAt(schema, '$ref');
  if (reference !== undefined) return message.string(1, reference);
  if (!isObject(schema)) return message;
  message.string(2, stringAt(schema, 'format')).string(4, stringAt(schema, 'description'));
  for (const field of (schema.required ?? []) as string[]) message.string(19, field);
  const { additionalProperties, items, properties } = schema;
  if (isObject(additionalProperties))
    message.message(21, new Message().message(1, schemaMessage(additionalProperties)));
  const type = stringAt(schema, 'type');
  if (type !== undefined) message.message(22, new Message().string(1, type));
  if (isObject(items)) message.message(23, new Message().message(1, schemaMessage(items)));
  if (isObject(properties)) {
    const fields = new Message();
    for (const [name, child] of Object.entries(properties)) fields.message(1, namedSchema(name, child));
    message.message(25, fields);
  }
  for (const [name, value] of Object.entries(schema)) {
    // The value of an extension is YAML text, and JSON is YAML.
    if (extensions.has(name))
      message.message(
        31,
        new Message().string(1, name).message(2, new Message().string(2, JSON.stringify(value))),
      );
  }
  return message;
}

const extensions = new Set([
  'x-kubernetes-group-version-kind',
  'x-kubernetes-patch-merge-key',
  'x-kubernetes-patch-strategy',
  'x-kubernetes-preserve-unknown-fields',
]);
