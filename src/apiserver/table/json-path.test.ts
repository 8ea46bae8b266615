import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonPath } from './json-path.ts';

const object = {
  metadata: { name: 'n', annotations: { 'example.org/a.b': 'dotted' } },
  spec: {
    list: [
      { type: 'A', value: 1 },
      { type: 'B', value: 2 },
      { type: 'B', value: 3 },
    ],
    map: { x: 1, y: 2 },
  },
};
const cases: readonly [path: string, found: unknown[]][] = [
  ['.metadata.name', ['n']],
  ['{.metadata.name}', ['n']],
  [".metadata.annotations['example.org/a.b']", ['dotted']],
  ['.metadata.annotations.example\\.org/a\\.b', ['dotted']],
  ['.spec.list[0].value', [1]],
  ['.spec.list[-1].value', [3]],
  ['.spec.list[*].value', [1, 2, 3]],
  ['.spec.map.*', [1, 2]],
  ['.spec.list[?(@.type=="B")].value', [2, 3]],
  [".spec.list[?(@.type!='B')].value", [1]],
  ['.spec.list[?(@.value==2)].type', ['B']],
  ['.spec.list[9].value', []],
  ['.spec.missing.value', []],
  ['.constructor', []],
  ['.spec.list[?(@.type=~"B")]', []],
];

test('a path finds fields, items, whole lists and filtered items, and an unsupported path finds nothing', () => {
  for (const [path, found] of cases) assert.deepEqual(jsonPath(path)(object), found, path);
});
