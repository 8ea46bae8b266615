// The label selectors of a pool: what admission refuses, with field and text, and what a stored pool may keep.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LabelSelector } from '#api';
import { filterReason } from './filters.ts';
import { parsePool } from './pool.ts';
import { poolObject } from './pool-fixture.ts';
import { selectorIssues } from './selector-issues.ts';

const subnet = '10.6.0.0/16';
const names = ['podAffinity', 'namespaceAffinity', 'nodeAffinity'] as const;
const long = (length: number) => 'a'.repeat(length);
const KEY =
  'not a label key: optional DNS prefix of at most 253 characters and "/", then a name of at most 63 characters';
const VALUE = 'not a label value: at most 63 alphanumerics, "-", "_" or "."';

type Expression = NonNullable<LabelSelector['matchExpressions']>[number];

const labels = (key: string, value = 'v'): LabelSelector => ({ matchLabels: { [key]: value } });
const expression = (key: string, operator: Expression['operator'], values?: string[]): LabelSelector => ({
  matchExpressions: [{ key, operator, ...(values && { values }) }],
});

function said(selector: LabelSelector, name: (typeof names)[number]): string[] {
  const issues = selectorIssues({ subnet, default: false, disable: false, [name]: selector }, undefined);
  return issues.map(({ field, message }) => `${field}: ${message}`);
}

const prefix = `${long(63)}.${long(63)}.${long(63)}.${long(61)}`;

for (const [what, selector, expected] of [
  ['a key with a blank', labels('a b'), [`matchLabels: ${KEY}`]],
  ['an empty key', labels(''), [`matchLabels: ${KEY}`]],
  ['a name of 64 characters', labels(long(64)), [`matchLabels: ${KEY}`]],
  ['a prefix of 254 characters', labels(`a${prefix}/n`), [`matchLabels: ${KEY}`]],
  ['an empty prefix', labels('/n'), [`matchLabels: ${KEY}`]],
  ['a prefix in upper case', labels('Example.org/n'), [`matchLabels: ${KEY}`]],
  ['two prefixes', labels('a/b/c'), [`matchLabels: ${KEY}`]],
  ['a value with a slash', labels('zone', 'z/1'), [`matchLabels[zone]: ${VALUE}`]],
  ['a value of 64 characters', labels('zone', long(64)), [`matchLabels[zone]: ${VALUE}`]],
  ['a value that ends with a dot', labels('zone', 'z.'), [`matchLabels[zone]: ${VALUE}`]],
  ['a wrong key in an expression', expression('a b', 'Exists'), [`matchExpressions[0].key: ${KEY}`]],
  [
    'a wrong value in an expression',
    expression('zone', 'In', ['z1', 'z 2']),
    [`matchExpressions[0].values[1]: ${VALUE}`],
  ],
  [
    'NotIn without values',
    expression('zone', 'NotIn'),
    ["matchExpressions[0].values: must be specified when `operator` is 'In' or 'NotIn'"],
  ],
  [
    'Exists with values',
    expression('zone', 'Exists', ['z1']),
    ["matchExpressions[0].values: may not be specified when `operator` is 'Exists' or 'DoesNotExist'"],
  ],
] as const) {
  test(`a selector with ${what} is refused, whatever it selects`, () => {
    for (const name of names) {
      assert.deepEqual(
        said(selector, name),
        expected.map((text) => `spec.${name}.${text}`),
      );
    }
  });
}

test('the longest keys and values are accepted, and an empty value', () => {
  for (const name of names) {
    assert.deepEqual(said(labels(`${prefix}/${long(63)}`, long(63)), name), []);
    assert.deepEqual(said(labels('A_b.c-d', ''), name), []);
    assert.deepEqual(said(expression('zone', 'NotIn', ['', 'z1']), name), []);
    assert.deepEqual(said(expression('zone', 'DoesNotExist', []), name), []);
  }
});

test('a stored selector may be written again, and not changed to another wrong one', () => {
  const spec = { subnet, default: false, disable: false, nodeAffinity: labels('a b') };
  assert.deepEqual(selectorIssues({ ...spec, disable: true }, spec), []);
  assert.equal(selectorIssues({ ...spec, nodeAffinity: labels('a c') }, spec).length, 1);
  assert.equal(selectorIssues({ ...spec, podAffinity: labels('a b') }, spec).length, 1);
});

test('a stored pool with a wrong selector is read, and serves nobody by it', () => {
  const context = {
    podLabels: {},
    namespace: { name: 'shop', labels: {} },
    node: { name: 'n1', labels: {} },
    networks: new Map<string, string>(),
    agentNamespace: 'kube-system',
  };
  for (const selector of [labels('a b'), expression('zone', 'In')]) {
    const reason = filterReason(parsePool(poolObject('old', { nodeAffinity: selector })), 'eth0', 4, context);
    assert.match(reason ?? '', /Node selector/);
  }
});
