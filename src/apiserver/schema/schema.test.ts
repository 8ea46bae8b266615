import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../json.ts';
import { applyDefaults } from './defaults.ts';
import { patternFault, patternOf } from './pattern.ts';
import { prune } from './prune.ts';
import { RuleEngine } from './rules.ts';
import type { Schema } from './schema.ts';
import { validate } from './validate.ts';

const rules = new RuleEngine();
const text: Schema = { type: 'string' };
const whole: Schema = { type: 'integer' };
const object = (properties: Record<string, Schema>, more: Schema = {}): Schema => {
  return { type: 'object', properties, ...more };
};
const causes = (schema: Schema, value: Json, old?: Json) =>
  validate(schema, value, old, rules).map(({ field, reason }) => `${field} ${reason}`);

test('pruning drops the fields that the schema does not name, at every depth, and reports each path', () => {
  const schema = object({
    list: { type: 'array', items: object({ a: text }) },
    map: { type: 'object', additionalProperties: object({ a: text }) },
    free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { known: object({}) } },
    embedded: { type: 'object', 'x-kubernetes-embedded-resource': true },
  });
  const value = {
    list: [{ a: '1', b: '2' }],
    map: { any: { a: '1', b: '2' } },
    free: { x: { y: 1 }, known: { z: 1 } },
    embedded: { apiVersion: 'v1', kind: 'K', metadata: { name: 'n', strange: 1 }, spec: {} },
    more: 1,
  };
  const unknown = prune(schema, value, object({ name: text }));
  assert.deepEqual(unknown.sort(), [
    'embedded.metadata.strange',
    'embedded.spec',
    'free.known.z',
    'list[0].b',
    'map.any.b',
    'more',
  ]);
  assert.deepEqual(value, {
    list: [{ a: '1' }],
    map: { any: { a: '1' } },
    free: { x: { y: 1 }, known: {} },
    embedded: { apiVersion: 'v1', kind: 'K', metadata: { name: 'n' } },
  } as never);
});

test('defaults fill absent fields, and null fields that are not nullable; no objects are created for them', () => {
  const child = object({ port: { ...whole, default: 80 } });
  const schema = object({
    a: { ...text, default: 'x' },
    b: { ...text, default: 'x' },
    nothing: { ...text, default: 'x', nullable: true },
    child,
    list: { type: 'array', items: child },
    made: object({}, { default: { deep: [] } }),
  });
  const value: Json = { b: null, nothing: null, list: [{}, { port: 1 }] };
  applyDefaults(schema, value);
  assert.deepEqual(value, {
    a: 'x',
    b: 'x',
    nothing: null,
    list: [{ port: 80 }, { port: 1 }],
    made: { deep: [] },
  });
  const other: Json = {};
  applyDefaults(schema, other);
  assert.notEqual(other.made, value.made);
});

test('each kind of wrong value is reported with field and reason', () => {
  const schema = object(
    {
      count: { ...whole, minimum: 1, maximum: 9, multipleOf: 2 },
      open: { type: 'number', minimum: 0, exclusiveMinimum: true },
      name: { ...text, minLength: 2, maxLength: 4, pattern: '^[a-z]*$' },
      ip: { ...text, format: 'ipv4' },
      mode: { ...text, enum: ['a', 'b'] },
      set: { type: 'array', items: text, 'x-kubernetes-list-type': 'set', maxItems: 2 },
      map: {
        type: 'array',
        items: object({ k: text }),
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['k'],
      },
      either: { 'x-kubernetes-int-or-string': true },
    },
    { required: ['name'] },
  );
  const good = {
    count: 2,
    open: 0.5,
    name: 'ab',
    ip: '10.0.0.1',
    mode: 'a',
    set: ['x', 'y'],
    map: [{ k: '1' }, { k: '2' }],
    either: '1',
  };
  assert.deepEqual(causes(schema, good), []);
  const wrong: [Record<string, Json>, string][] = [
    [{ count: 0 }, 'count FieldValueInvalid'],
    [{ count: 10 }, 'count FieldValueInvalid'],
    [{ count: 3 }, 'count FieldValueInvalid'],
    [{ count: 2.5 }, 'count FieldValueTypeInvalid'],
    [{ count: '2' }, 'count FieldValueTypeInvalid'],
    [{ count: null }, 'count FieldValueTypeInvalid'],
    [{ open: 0 }, 'open FieldValueInvalid'],
    [{ name: 'a' }, 'name FieldValueInvalid'],
    [{ name: 'abcde' }, 'name FieldValueTooLong'],
    [{ name: 'A1' }, 'name FieldValueInvalid'],
    [{ ip: '10.0.0.256' }, 'ip FieldValueInvalid'],
    [{ mode: 'c' }, 'mode FieldValueNotSupported'],
    [{ set: ['x', 'x'] }, 'set[1] FieldValueDuplicate'],
    [{ set: ['x', 'y', 'z'] }, 'set FieldValueTooMany'],
    [{ map: [{ k: '1' }, { k: '1' }] }, 'map[1] FieldValueDuplicate'],
    [{ either: true }, 'either FieldValueTypeInvalid'],
  ];
  for (const [change, cause] of wrong) assert.deepEqual(causes(schema, { ...good, ...change }), [cause]);
  assert.deepEqual(causes(schema, {}), ['name FieldValueRequired']);
});

test('allOf, anyOf, oneOf and not are checked', () => {
  const [a, b]: Schema[] = [{ required: ['a'] }, { required: ['b'] }];
  assert.ok(a !== undefined && b !== undefined);
  const base = object({ a: text, b: text });
  const count = (more: Schema, value: Json) => causes({ ...base, ...more }, value).length;
  const both = { a: '', b: '' };
  assert.deepEqual([count({ oneOf: [a, b] }, { a: '' }), count({ oneOf: [a, b] }, both)], [0, 1]);
  assert.deepEqual([count({ anyOf: [a, b] }, both), count({ anyOf: [a, b] }, {})], [0, 1]);
  assert.deepEqual([count({ allOf: [a, b] }, both), count({ allOf: [a, b] }, {})], [0, 2]);
  assert.deepEqual([count({ not: a }, { b: '' }), count({ not: a }, { a: '' })], [0, 1]);
});

test('a rule on oldSelf runs on updates only, and items of a map list are matched by key', () => {
  const fixed = { 'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'is immutable' }] };
  const schema = object({
    once: { ...text, ...fixed },
    items: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['k'],
      items: object({ k: text, v: { ...whole, ...fixed } }),
    },
  });
  assert.deepEqual(causes(schema, { once: 'a' }), []);
  assert.deepEqual(causes(schema, { once: 'b' }, { once: 'a' }), ['once FieldValueInvalid']);
  const was = {
    items: [
      { k: 'a', v: 1 },
      { k: 'b', v: 2 },
    ],
  };
  assert.deepEqual(
    causes(
      schema,
      {
        items: [
          { k: 'b', v: 2 },
          { k: 'a', v: 1 },
          { k: 'c', v: 3 },
        ],
      },
      was,
    ),
    [],
  );
  assert.deepEqual(causes(schema, { items: [{ k: 'b', v: 1 }] }, was), ['items[0].v FieldValueInvalid']);
});

test('a rule with optionalOldSelf runs on creation too, and sees no old value', () => {
  const rule = { rule: 'oldSelf.hasValue() || self == "first"', optionalOldSelf: true };
  const schema: Schema = { ...text, 'x-kubernetes-validations': [rule] };
  assert.deepEqual(causes(schema, 'first').length, 0);
  assert.deepEqual(causes(schema, 'second').length, 1);
  assert.deepEqual(causes(schema, 'second', 'first').length, 0);
});

test('a failed rule reports its messageExpression and the field that it names', () => {
  const rule = {
    rule: 'self.low <= self.high',
    message: 'wrong',
    messageExpression: '"low " + string(self.low) + " is too high"',
    fieldPath: '.low',
    reason: 'FieldValueForbidden',
  };
  const schema = object({ low: whole, high: whole }, { 'x-kubernetes-validations': [rule] });
  const [cause] = validate(schema, { low: 3, high: 2 }, undefined, rules);
  assert.deepEqual([cause?.field, cause?.reason], ['low', 'FieldValueForbidden']);
  assert.match(cause?.message ?? '', /low 3 is too high$/);
  assert.match(rules.fault('self.low <=') ?? '', /./);
});

test('patterns may escape any character, as in Go; a pattern that JavaScript cannot compile is an error', () => {
  assert.ok(patternOf('^a\\_b$').test('a_b'));
  assert.ok(patternOf('^\\p{L}$').test('é'));
  assert.equal(patternFault('^[a-z]+$'), undefined);
  assert.match(patternFault('(?i)a') ?? '', /group/);
});
