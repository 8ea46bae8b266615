import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '#base/testing';
import { type NodeCheckParts, NodeCheckServer } from './node-check.ts';

/** An agent without pods, whose node has one drift. */
const server = new NodeCheckServer({
  nodeName: 'node1',
  pods: { containers: () => [] },
  node: { look: () => ['a rule is missing'], repair: () => ['a rule is missing'] },
  isBusy: () => false,
  report: { node: () => {} },
  clock: new FakeClock(),
} as unknown as NodeCheckParts);

const ask = (stdin: string) =>
  server.serve({ type: '', shimVersion: '', id: '', deadlineMs: 1000, variables: {}, stdin });

test('the node is compared, and repaired on request', async () => {
  for (const repair of [false, true]) {
    const { exitCode, stdout } = await ask(JSON.stringify({ repair }));
    const node = { name: 'node1', drift: ['a rule is missing'], repaired: repair };
    assert.deepEqual([exitCode, JSON.parse(stdout)], [0, { node, pods: [] }]);
  }
});

test('an unknown question is refused with the known ones', async () => {
  for (const stdin of ['', '{}', '{"repair":"yes"}']) {
    const { exitCode, stdout } = await ask(stdin);
    assert.deepEqual(
      [exitCode, stdout],
      [1, `question '${stdin}' is invalid; allowed: {"repair":false}, {"repair":true}`],
    );
  }
});
