// Fields of a spec that this version does not know. A newer Spiderpool may have them (docs/adr/0031).

import { type CustomKind, type OpenApiSchema, structuralSchema } from '#api';

/** Enough to see what it is about. A message stays short. */
const MOST_NAMED = 10;

/** Schemas are made once for each kind. */
const schemas = new WeakMap<CustomKind, OpenApiSchema>();

/** The paths of the unknown fields in the spec of an object, in the notation of `kubectl explain`. */
export function unknownFields(kind: CustomKind, spec: unknown): string[] {
  const schema = schemas.get(kind) ?? structuralSchema(kind.schema);
  schemas.set(kind, schema);
  return below(schema.properties?.spec, spec, 'spec');
}

/** One sentence for all unknown fields. Undefined if there are none. */
export function unknownFieldsText(fields: readonly string[]): string | undefined {
  if (fields.length === 0) return undefined;
  const rest = fields.length - MOST_NAMED;
  const named = fields.slice(0, MOST_NAMED).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
  return `this version does not know ${named}: stored, but without effect`;
}

function below(schema: OpenApiSchema | undefined, value: unknown, path: string): string[] {
  if (schema === undefined || typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => below(schema.items, item, `${path}[${index}]`));
  }
  const { properties } = schema;
  if (properties === undefined) return [];
  return Object.entries(value).flatMap(([name, field]) => {
    if (!Object.hasOwn(properties, name)) return [`${path}.${name}`];
    return below(properties[name], field, `${path}.${name}`);
  });
}
