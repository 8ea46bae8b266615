// The chart: its version, its schema and what its templates read agree with its values.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import description from '../../package.json' with { type: 'json' };

const chart = join(import.meta.dirname, '../../deploy/chart');
const read = (name: string) => readFileSync(join(chart, name), 'utf8');

interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
}
type Values = { readonly [key: string]: unknown };

const values = parse(read('values.yaml')) as Values;
const schema = JSON.parse(read('values.schema.json')) as Schema & {
  readonly $defs: Readonly<Record<string, Schema>>;
};
const isMap = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const resolved = (each: Schema): Schema =>
  each.$ref === undefined ? each : (schema.$defs[each.$ref.replace('#/$defs/', '')] ?? {});

/** Paths of all values that the schema names, down to those with keys of users. */
function named(each: Schema, path: string): string[] {
  const { properties } = resolved(each);
  if (properties === undefined) return [path];
  return Object.entries(properties).flatMap(([key, of]) => named(of, path === '' ? key : `${path}.${key}`));
}

/** The value at the path, and whether it is there. */
function lookUp(path: string): { readonly found: boolean } {
  let at: unknown = values;
  for (const key of path.split('.')) {
    if (!isMap(at) || !(key in at)) return { found: false };
    at = at[key];
  }
  return { found: true };
}

test('the charts and their programs have the version of the package', () => {
  for (const name of ['Chart.yaml', '../chart-crds/Chart.yaml']) {
    const { version, appVersion } = parse(read(name)) as Record<string, string>;
    assert.deepEqual([version, appVersion], [description.version, description.version]);
  }
});

test('each value has a place in the schema, so that a mistyped one is refused', () => {
  const unknown: string[] = [];
  const visit = (value: unknown, each: Schema, path: string): void => {
    const { properties } = resolved(each);
    if (!isMap(value) || properties === undefined) return;
    for (const [key, inner] of Object.entries(value)) {
      const of = properties[key];
      if (of === undefined) unknown.push(`${path}${key}`);
      else visit(inner, of, `${path}${key}.`);
    }
  };
  visit(values, schema, '');
  assert.deepEqual(unknown, []);
});

test('each value of Spiderpool that the schema allows is honoured here, or refused with a sentence', () => {
  const refused = (parse(read('files/spiderpool-values.yaml')) as { value: string; because: string }[]).map(
    ({ value }) => value,
  );
  /** Keys that templates read without a default in values.yaml. */
  const optional = new Set([
    ...['enableIPv4', 'enableIPv6', 'enableStatefulSet', 'enableKubevirtStaticIP', 'enableSpiderSubnet'].map(
      (key) => `feature.${key}`,
    ),
    'ipam.subnetDefaultFlexibleIPNumber',
    ...['agent', 'controller'].flatMap((part) =>
      ['startup', 'liveness', 'readiness'].flatMap((probe) =>
        ['timeoutSeconds', 'successThreshold', 'initialDelaySeconds'].map(
          (key) => `${part}.healthChecking.${probe}Probe.${key}`,
        ),
      ),
    ),
  ]);
  const own = (path: string) =>
    path.replace(/^spiderpoolAgent\./, 'agent.').replace(/^spiderpoolController\./, 'controller.');
  const lost = named(schema, '').filter((path) => {
    const honoured = lookUp(own(path)).found || optional.has(own(path));
    return (
      !honoured &&
      !refused.some((value) => path === value || path.startsWith(`${value}.`) || value.startsWith(`${path}.`))
    );
  });
  assert.deepEqual(lost, []);
});

test('each sentence about a value of Spiderpool belongs to one that the schema lets through', () => {
  const refused = (parse(read('files/spiderpool-values.yaml')) as { value: string }[]).map(
    ({ value }) => value,
  );
  const unreachable = refused.filter((value) => {
    let at: Schema | undefined = schema;
    for (const key of value.split('.')) {
      const { properties, additionalProperties } = resolved(at ?? {});
      if (properties === undefined || additionalProperties !== false) return false;
      at = properties[key];
      if (at === undefined) return true;
    }
    return false;
  });
  assert.deepEqual(unreachable, []);
});

test('templates read only values that exist', () => {
  const texts = readdirSync(join(chart, 'templates')).map((name) => read(`templates/${name}`));
  const used = texts.flatMap((text) =>
    Array.from(text.matchAll(/\.Values\.([\w.]+)/g), ([, path = '']) => path),
  );
  const others = ['spiderpoolAgent', 'spiderpoolController', 'feature'];
  assert.ok(used.length > 20);
  assert.deepEqual(
    used.filter((path) => !lookUp(path).found && !others.includes(path)),
    [],
  );
});

test('the agent is told the folders of serviceMode where the chart mounts them', () => {
  const [settings, agent] = [read('templates/settings.yaml'), read('templates/agent.yaml')];
  const told = Array.from(settings.matchAll(/service(?:Cgroup|BpfFolder): (\S+)/g), ([, path = '']) => path);
  const mounted = Array.from(
    agent.matchAll(/name: (?:bpf|cgroups), mountPath: ([^,}]+)/g),
    ([, path = '']) => path,
  );
  assert.equal(told.length, 2);
  assert.ok(told.every((path) => mounted.some((folder) => path === folder || path.startsWith(`${folder}/`))));
});

test('the SpiderCoordinator of the chart has every value of it', () => {
  const { enabled: _, name: __, ...fields } = values.coordinator as Values;
  const [, block = ''] = /kind: SpiderCoordinator([\s\S]*?)kind:/.exec(read('templates/defaults.yaml')) ?? [];
  const written = Array.from(block.matchAll(/^ +(\w+): \{\{[^}]*\}\}$/gm), ([, key = '']) => key);
  assert.deepEqual(
    written.filter((key) => key !== 'name'),
    Object.keys(fields),
  );
});

test('the schema names the platforms whose folders are known', () => {
  const { enum: names } = (schema.properties?.platform ?? {}) as { readonly enum?: readonly string[] };
  assert.deepEqual(names, Object.keys(JSON.parse(read('files/platforms.json'))));
});
