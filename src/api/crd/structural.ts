// Converts our schemas to the structural OpenAPI v3 schemas that Kubernetes requires in a CustomResourceDefinition.

import { z } from 'zod';
import { OrbError } from '#base';

/** An OpenAPI v3 schema of Kubernetes, without the rules, keys and formats that we do not use. */
export interface OpenApiSchema {
  description?: string;
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  format?: string;
  default?: unknown;
  nullable?: boolean;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  minItems?: number;
  maxItems?: number;
  properties?: Record<string, OpenApiSchema>;
  required?: string[];
  additionalProperties?: OpenApiSchema;
  items?: OpenApiSchema;
  anyOf?: OpenApiSchema[];
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-map-type'?: string;
  'x-kubernetes-validations'?: readonly { rule: string; message: string }[];
}

/** zod's conversion of a schema. */
type Draft = Readonly<Record<string, unknown>>;

/** Keys that are copied unchanged, in this order. */
const keptFields = [
  'description',
  'type',
  'format',
  'default',
  'nullable',
  'enum',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'pattern',
  'minItems',
  'maxItems',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-map-type',
  'x-kubernetes-validations',
];
const translatedFields = [
  'properties',
  'required',
  'additionalProperties',
  'items',
  'anyOf',
  'x-kubernetes-int-or-string',
];

/**
 * The structural schema of `schema` as clients write it: a field with a default is not required. If a structural schema
 * cannot express a field, an error names the field. (Kubernetes, "Specifying a structural schema")
 */
export function structuralSchema(schema: z.ZodType): OpenApiSchema {
  return translate(z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input' }) as Draft, '');
}

function translate(draft: Draft, path: string): OpenApiSchema {
  const unknown = Object.keys(draft).find(
    (key) => !keptFields.includes(key) && !translatedFields.includes(key),
  );
  if (unknown !== undefined && draft[unknown] !== undefined) throw refusal(path, unknown);
  if (draft['x-kubernetes-int-or-string'] === true) return intOrString(draft);
  if (draft.anyOf !== undefined) throw refusal(path, 'anyOf');
  const kept = keptFields.filter((key) => draft[key] !== undefined && !isIntegerBound(key, draft[key]));
  const translated: OpenApiSchema = Object.fromEntries(kept.map((key) => [key, draft[key]]));
  if (draft.type === 'object') return { ...translated, ...objectParts(draft, path) };
  if (draft.type === 'array') return { ...translated, items: translate(draft.items as Draft, `${path}[]`) };
  return draft.type === undefined ? { ...translated, ...anything } : translated;
}

const anything: OpenApiSchema = { 'x-kubernetes-preserve-unknown-fields': true };

function objectParts(draft: Draft, path: string): OpenApiSchema {
  const fields = Object.entries((draft.properties ?? {}) as Record<string, Draft>);
  const others = draft.additionalProperties;
  if (others === false) throw refusal(path, 'additionalProperties: false');
  if (fields.length === 0)
    return isEmpty(others) ? anything : { additionalProperties: translate(others as Draft, `${path}{}`) };
  if (!isEmpty(others)) throw refusal(path, 'properties together with additionalProperties');
  const required = draft.required as string[] | undefined;
  return {
    properties: Object.fromEntries(fields.map(([name, field]) => [name, property(field, `${path}.${name}`)])),
    ...(required !== undefined && { required }),
  };
}

function property(draft: Draft, path: string): OpenApiSchema {
  const translated = translate(draft, path);
  if (translated.description === undefined) throw refusal(path, 'no description');
  return translated;
}

/** The API server accepts exactly this form. */
function intOrString({ description }: Draft): OpenApiSchema {
  return {
    ...(description !== undefined && { description: description as string }),
    anyOf: [{ type: 'integer' }, { type: 'string' }],
    'x-kubernetes-int-or-string': true,
  };
}

/** zod limits every integer to the numbers that are exact in JavaScript. The API has no such rule. */
function isIntegerBound(key: string, value: unknown): boolean {
  return (
    (key === 'minimum' && value === Number.MIN_SAFE_INTEGER) ||
    (key === 'maximum' && value === Number.MAX_SAFE_INTEGER)
  );
}

/**
 * Open objects produce `additionalProperties: {}`. In Kubernetes, pruning and preserving unknown fields decide this.
 */
function isEmpty(value: unknown): boolean {
  return (
    value === undefined ||
    value === true ||
    (typeof value === 'object' && value !== null && Object.keys(value).length === 0)
  );
}

function refusal(path: string, what: string): OrbError {
  return new OrbError('INTERNAL', {
    message: `schema of ${path || 'the whole object'} is not structural: ${what}`,
  });
}
