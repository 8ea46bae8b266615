// The alerts of deploy/alerts: promtool lets time pass over made-up series, and each alert fires where it should alone.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { promtool } from './programs.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
}
interface PrometheusRule {
  readonly apiVersion: string;
  readonly kind: string;
  readonly spec: { readonly groups: readonly { readonly name: string; readonly rules: Rule[] }[] };
}
interface AlertTest {
  readonly alertname: string;
  readonly exp_alerts?: readonly unknown[];
}

const cases = join(import.meta.dirname, 'alerts.yaml');
const manifest = parse(
  readFileSync(join(import.meta.dirname, '../../deploy/alerts/orbweaver.yaml'), 'utf8'),
) as PrometheusRule;
const rules = manifest.spec.groups.flatMap((group) => group.rules);
let folder: string;

/** What promtool says of rules with this change, and whether it is content. */
function tried(change: (rule: Rule) => Rule = (rule) => rule): {
  readonly isGood: boolean;
  readonly said: string;
} {
  const groups = manifest.spec.groups.map((group) => ({ ...group, rules: group.rules.map(change) }));
  writeFileSync(join(folder, 'rules.yaml'), stringify({ groups }));
  const check = spawnSync(promtool(), ['check', 'rules', 'rules.yaml'], { cwd: folder, encoding: 'utf8' });
  if (check.status !== 0) return { isGood: false, said: check.stdout + check.stderr };
  const run = spawnSync(promtool(), ['test', 'rules', 'alerts.yaml'], { cwd: folder, encoding: 'utf8' });
  return { isGood: run.status === 0, said: run.stdout + run.stderr };
}

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'orbweaver-alerts-'));
  copyFileSync(cases, join(folder, 'alerts.yaml'));
});
after(() => rmSync(folder, { recursive: true }));

test('each alert fires when its cause lasts, and not before', () => {
  assert.equal(manifest.kind, 'PrometheusRule');
  const { isGood, said } = tried();
  assert.ok(isGood, said);
});

test('each alert has a case where it fires and one where it does not', () => {
  const { tests } = parse(readFileSync(cases, 'utf8')) as { tests: { alert_rule_test: AlertTest[] }[] };
  const all = tests.flatMap((one) => one.alert_rule_test);
  const named = (fires: boolean) =>
    new Set(
      all.filter(({ exp_alerts = [] }) => exp_alerts.length > 0 === fires).map(({ alertname }) => alertname),
    );
  const names = rules.map(({ alert }) => alert).toSorted();
  assert.deepEqual([...named(true)].toSorted(), names);
  assert.deepEqual([...named(false)].toSorted(), names);
});

for (const { alert } of rules) {
  test(`the cases notice when ${alert} never fires`, () => {
    const { isGood } = tried((rule) => (rule.alert === alert ? { ...rule, expr: 'vector(1) < 0' } : rule));
    assert.equal(isGood, false);
  });
}
