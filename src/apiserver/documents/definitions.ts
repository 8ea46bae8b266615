// The names of schemas in OpenAPI documents, and the schemas in that form.

import { isObject, type Json, type JsonObject } from '../json.ts';
import type { Resource } from '../resource.ts';
import type { Schema, TypeTable } from '../schema/index.ts';

/** The name with the group's domain reversed, as upstream: `org.spiderpool.v2.Pool`. */
export function definitionName(resource: Resource): string {
  const group = resource.group === '' ? 'core' : resource.group;
  if (!resource.custom) return `io.k8s.api.${group.split('.')[0]}.${resource.version}.${resource.kind}`;
  return `${group.split('.').reverse().join('.')}.${resource.version}.${resource.kind}`;
}

/** Collects the definitions of resources; shared types become references. */
export class Definitions {
  readonly schemas: Record<string, JsonObject> = {};
  readonly #types: TypeTable;
  readonly #prefix: string;

  /** `prefix` is the target of references: `#/definitions/` or `#/components/schemas/`. */
  constructor(types: TypeTable, prefix: string) {
    this.#types = types;
    this.#prefix = prefix;
  }

  add(resource: Resource): void {
    const { group, version, kind } = resource;
    const schema = this.#body(resource.schema);
    this.schemas[definitionName(resource)] = {
      ...schema,
      'x-kubernetes-group-version-kind': [{ group, kind, version }],
    };
  }

  #node(schema: Schema): Json {
    const name = this.#types.nameOf(schema);
    if (name === undefined) return this.#body(schema);
    const full = `io.k8s.api.${name}`;
    if (this.schemas[full] === undefined) {
      this.schemas[full] = {};
      this.schemas[full] = this.#body(schema);
    }
    return { $ref: this.#prefix + full };
  }

  #body(schema: Schema): JsonObject {
    const body: JsonObject = {};
    for (const [key, value] of Object.entries(schema) as [string, Json][]) body[key] = value;
    if (schema.properties !== undefined) {
      const fields = Object.entries(schema.properties).map(
        ([field, child]) => [field, this.#node(child)] as const,
      );
      body.properties = Object.fromEntries(fields);
    }
    if (schema.items !== undefined) body.items = this.#node(schema.items);
    if (isObject(schema.additionalProperties))
      body.additionalProperties = this.#node(schema.additionalProperties as Schema);
    if (schema['x-kubernetes-int-or-string'] === true && body.type === undefined) {
      body.type = 'string';
      body.format = 'int-or-string';
    }
    return body;
  }
}
