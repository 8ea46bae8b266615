import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { NodeReport, PodReport } from '#api';
import { FakeClock } from '#base/testing';
import { type NodeCheckParts, NodeCheckServer } from './node-check.ts';

/** What a comparison of each pod finds, by container. Undefined for a sandbox that is gone. */
type Found = Readonly<Record<string, { drift?: string[]; lost?: string[]; error?: string } | undefined>>;

/** An agent whose node has one drift. `done` lists what it does to its pods. */
function scene({ found = {}, busy = [] }: { found?: Found; busy?: string[] } = {}) {
  const done: string[] = [];
  const clock = new FakeClock();
  const compared = (containerId: string) => {
    const { drift: differences = [], lost = [], error } = found[containerId] ?? {};
    if (error !== undefined) throw new Error(error);
    return { differences, lost, repairable: lost.length === 0 };
  };
  const pods = {
    containers: () => Object.keys(found),
    podOf: (containerId: string) => ({ namespace: 'shop', name: `${containerId}-pod` }),
    recordsOf: () => [{ interfaceName: 'eth0' }],
    enter: async (containerId: string) =>
      found[containerId] && { close: () => done.push(`leave ${containerId}`) },
    look: (containerId: string) => {
      done.push(`look ${containerId}`);
      return compared(containerId);
    },
    repair: (containerId: string) => {
      done.push(`repair ${containerId}`);
      const recorded = nextTurn().then(() => void done.push(`record ${containerId}`));
      return { state: compared(containerId), recorded };
    },
  };
  const server = new NodeCheckServer({
    nodeName: 'node1',
    pods,
    node: { look: () => ['a rule is missing'], repair: () => ['a rule is missing'] },
    isBusy: (containerId: string) => busy.includes(containerId),
    report: { node: () => {}, pod: () => done.push('report') },
    clock,
  } as unknown as NodeCheckParts);
  const ask = (stdin: string) =>
    server.serve({ type: '', shimVersion: '', id: '', deadlineMs: 1000, variables: {}, stdin });
  const podsOf = async (repair: boolean) => {
    const { stdout } = await ask(JSON.stringify({ repair }));
    return (JSON.parse(stdout) as NodeReport).pods;
  };
  return { done, clock, busy, ask, podsOf };
}

/** A pod of the report with nothing to tell. */
const pod = (containerId: string, more: Partial<PodReport> = {}): PodReport => ({
  ...{ namespace: 'shop', name: `${containerId}-pod`, containerId, interfaces: ['eth0'] },
  ...{ drift: [], lost: [], repaired: false },
  ...more,
});

test('the node is compared, and repaired on request', async () => {
  const { ask } = scene();
  for (const repair of [false, true]) {
    const { exitCode, stdout } = await ask(JSON.stringify({ repair }));
    const node = { name: 'node1', drift: ['a rule is missing'], repaired: repair };
    assert.deepEqual([exitCode, JSON.parse(stdout)], [0, { node, pods: [] }]);
  }
});

test('an unknown question is refused with the known ones', async () => {
  const { ask } = scene();
  for (const stdin of ['', '{}', '{"repair":"yes"}']) {
    const { exitCode, stdout } = await ask(stdin);
    assert.deepEqual(
      [exitCode, stdout],
      [1, `question '${stdin}' is invalid; allowed: {"repair":false}, {"repair":true}`],
    );
  }
});

test('pods are compared and reported by name, without those whose sandbox is gone', async () => {
  const { done, podsOf } = scene({ found: { b: { drift: ['a route is missing'] }, gone: undefined, a: {} } });
  assert.deepEqual(await podsOf(false), [pod('a'), pod('b', { drift: ['a route is missing'] })]);
  assert.deepEqual(done, ['look b', 'leave b', 'look a', 'leave a']);
});

test('a pod is repaired, recorded and reported, and one that lost its NIC is left alone', async () => {
  const drift = ['a route is missing'];
  const { done, podsOf } = scene({ found: { a: { drift }, b: { drift, lost: ['eth0 is missing'] } } });
  assert.deepEqual(await podsOf(true), [
    pod('a', { drift, repaired: true }),
    pod('b', { drift, lost: ['eth0 is missing'] }),
  ]);
  const steps = 'repair a, leave a, report, record a, repair b, leave b, report, record b';
  assert.equal(done.join(', '), steps);
});

test('a pod that cannot be compared is reported with the error, and the others are compared', async () => {
  const { done, podsOf } = scene({ found: { a: { error: 'EPERM' }, b: {} } });
  assert.deepEqual(await podsOf(false), [pod('a', { error: 'EPERM' }), pod('b')]);
  assert.deepEqual(done, ['look a', 'leave a', 'look b', 'leave b']);
});

test('the check of a pod waits for a verb of the pod, and at most ten seconds', async () => {
  for (const ends of [true, false]) {
    const { clock, done, busy, podsOf } = scene({ found: { a: {} }, busy: ['a'] });
    const answer = podsOf(false);
    for (let waitedMs = 0; waitedMs < 9000; waitedMs += 50) {
      await nextTurn();
      await clock.advance(50);
    }
    assert.deepEqual(done, []);
    if (ends) busy.pop();
    for (let waitedMs = 0; waitedMs < 2000; waitedMs += 50) {
      await nextTurn();
      await clock.advance(50);
    }
    const error = 'another request for this pod is still running';
    assert.deepEqual(await answer, [pod('a', ends ? {} : { error })]);
    assert.deepEqual(done, ends ? ['look a', 'leave a'] : ['leave a']);
  }
});
