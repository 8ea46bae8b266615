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
    coordinator: () =>
      hostRuleTable === undefined ? undefined : ({ spec: { hostRuleTable } } as SpiderCoordinator),
  });
  const tables = () => node.rules().flatMap(({ priority, table }) => (priority === 1000 ? [table] : []));
  return { repair, tables };
}

test('the rule leads to the cluster’s table of routes to pods, 500 where it names none', () => {
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

test('no rule is made while the cluster’s table is not known: nobody would take it away again', () => {
  const { repair, tables } = scene(undefined, false);
  repair.repair();
  assert.deepEqual([repair.look(), tables()], [[], []]);
});

test('a table of the kernel’s own is refused: its rule would go before those of everybody else', () => {
  const { repair, tables } = scene(254);
  assert.throws(() => repair.repair(), { code: 'INPUT_INVALID', message: /^hostRuleTable 254 is invalid/ });
  assert.deepEqual(tables(), []);
});
