// Kubernetes' own rules for structural schemas, run over the CRDs we generate.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { crdManifests } from '../manifests.ts';
import { type OpenApiSchema, structuralSchema } from './structural.ts';

/** What breaks a rule of "Specifying a structural schema" (Kubernetes, CustomResourceDefinitions), with its path. */
function breaches(schema: OpenApiSchema, path = ''): string[] {
  const found: string[] = [];
  const intOrString = schema['x-kubernetes-int-or-string'] === true;
  const preserved = schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (schema.type === undefined && !intOrString && !preserved) found.push(`${path}: no type`);
  if (schema.type !== undefined && intOrString) found.push(`${path}: type beside int-or-string`);
  if (schema.anyOf && !intOrString) found.push(`${path}: anyOf`);
  if (schema.properties && schema.additionalProperties)
    found.push(`${path}: properties and additionalProperties`);
  if (schema.type === 'array' && schema.items === undefined) found.push(`${path}: array without items`);
  if (schema.default !== undefined && schema.nullable) found.push(`${path}: nullable with a default`);
  for (const name of schema.required ?? []) {
    if (schema.properties?.[name] === undefined) found.push(`${path}: requires unknown ${name}`);
    if (schema.properties?.[name]?.default !== undefined)
      found.push(`${path}: requires ${name}, which has a default`);
  }
  for (const forbidden of [
    '$ref',
    'oneOf',
    'allOf',
    'not',
    'definitions',
    'patternProperties',
    'uniqueItems',
    'deprecated',
  ]) {
    if (forbidden in schema) found.push(`${path}: ${forbidden}`);
  }
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    if (field.description === undefined && path + name !== 'metadata')
      found.push(`${path}.${name}: no description`);
    found.push(...breaches(field, `${path}.${name}`));
  }
  if (schema.items) found.push(...breaches(schema.items, `${path}[]`));
  if (schema.additionalProperties) found.push(...breaches(schema.additionalProperties, `${path}{}`));
  return found;
}

/** Unbounded text, lists and maps that rules walk over make the server's cost estimate explode. */
function rulesBelowLists(schema: OpenApiSchema, bounded = true): string[] {
  const own = (schema['x-kubernetes-validations'] ?? []).filter(() => !bounded).map(({ rule }) => rule);
  const fields = Object.values(schema.properties ?? {}).flatMap((field) => rulesBelowLists(field, bounded));
  const items = schema.items ? rulesBelowLists(schema.items, bounded && schema.maxItems !== undefined) : [];
  const values = schema.additionalProperties ? rulesBelowLists(schema.additionalProperties, false) : [];
  return [...own, ...fields, ...items, ...values];
}

for (const crd of crdManifests()) {
  const version = crd.spec.versions[0];
  const schema = version?.schema?.openAPIV3Schema as OpenApiSchema;

  test(`the CRD of ${crd.spec.names.kind} is structural, and describes every field`, () => {
    assert.deepEqual(breaches(schema), []);
    assert.deepEqual(schema.properties?.metadata, { type: 'object' });
    assert.equal(crd.metadata.name, `${crd.spec.names.plural}.${crd.spec.group}`);
  });

  test(`the rules of ${crd.spec.names.kind} stay cheap: every list and map above them has bounds`, () => {
    assert.deepEqual(rulesBelowLists(schema), []);
  });

  test(`the columns of ${crd.spec.names.kind} show existing fields`, () => {
    for (const { jsonPath } of version?.additionalPrinterColumns ?? []) {
      assert.ok(fieldAt(schema, jsonPath), `${jsonPath} is no field`);
    }
  });
}

/** The schema that a JSONPath ends at. `['key']` enters a map. A filter chooses items of a list. */
function fieldAt(schema: OpenApiSchema, jsonPath: string): OpenApiSchema | undefined {
  // The schema leaves metadata to the server.
  if (jsonPath === '.metadata.creationTimestamp') return schema.properties?.metadata;
  const steps = jsonPath.match(/\.[A-Za-z0-9]+|\[\d+\]|\['[^']+'\]|\[\?\(@\.[^)]+\)\]/g) ?? [];
  return steps.reduce<OpenApiSchema | undefined>((at, step) => {
    if (step.startsWith('.')) return at?.properties?.[step.slice(1)];
    return step.startsWith("['") ? at?.additionalProperties : at?.items;
  }, schema);
}

test('a schema that is not structural is refused with the name of the field', () => {
  const described = (field: z.ZodType) => z.object({ spec: field.describe('x') });
  const cases: [z.ZodType, RegExp][] = [
    [described(z.union([z.string(), z.boolean()])), /\.spec is not structural: anyOf/],
    [described(z.tuple([z.string(), z.int()])), /\.spec is not structural|\.spec\[\]/],
    [z.strictObject({}), /additionalProperties: false/],
    [z.object({ spec: z.string() }), /\.spec is not structural: no description/],
    [
      described(
        z.discriminatedUnion('a', [z.object({ a: z.literal('x') }), z.object({ a: z.literal('y') })]),
      ),
      /\.spec is not structural: (oneOf|anyOf)/,
    ],
  ];
  for (const [schema, message] of cases) assert.throws(() => structuralSchema(schema), { message });
});

test('integers have only the requested bounds, and a field of number or text has its own form', () => {
  assert.deepEqual(structuralSchema(z.int()), { type: 'integer' });
  assert.deepEqual(structuralSchema(z.int().min(1)), { type: 'integer', minimum: 1 });
  const either = z.union([z.int(), z.string()]).meta({ 'x-kubernetes-int-or-string': true });
  assert.deepEqual(structuralSchema(either), {
    anyOf: [{ type: 'integer' }, { type: 'string' }],
    'x-kubernetes-int-or-string': true,
  });
});
