import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SpiderCoordinator } from '#api';
import { FakeNamespace } from '#net/testing';
import { NodeRepair } from './node-repair.ts';

/** A node as its agent finds it, with what the cluster's SpiderCoordinator says, where it is known. */
function scene(hostRuleTable: number | undefined, settingsKnown = true) {
  const node = new FakeNamespace({ peers: new Map() });
  const repair = new NodeRepair({
    node,
    families: [4],
    tuneSysctls: false,
    settingsKnown: () => settingsKnown,
    attachments: { all: () => [] },
    coordinator: () =>
      hostRuleTable === undefined ? undefined : ({ spec: { hostRuleTable } } as SpiderCoordinator),
  });
  const tables = () => node.rules().flatMap(({ priority, table }) => (priority === 1000 ? [table] : []));
  return { repair, tables };
}

test('the rule leads to the cluster’s table of pod routes, or to table 500 when the cluster names none', () => {
  for (const [named, table] of [
    [600, 600],
    [undefined, 500],
    [0, 500],
  ]) {
    const { repair, tables } = scene(named);
    repair.repair();
    assert.deepEqual(tables(), [table]);
  }
});

test('no rule is made before the cluster’s table is known, because nothing would remove it', () => {
  const { repair, tables } = scene(undefined, false);
  repair.repair();
  assert.deepEqual([repair.look(), tables()], [[], []]);
});

test('a table of the kernel is refused, because its rule would precede all other rules', () => {
  const { repair, tables } = scene(254);
  assert.throws(() => repair.repair(), { code: 'INPUT_INVALID', message: /^hostRuleTable 254 is invalid/ });
  assert.deepEqual(tables(), []);
});
