import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { afterEach, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createNetns, type NetnsHandle, primeThreads, removeNetns } from '#kernel';
import { DriftWatch } from './drift-watch.ts';

const names = ['node', 'old', 'new'].map((name) => `ow-drift-${process.pid}-${name}`);
const [nodeName = '', , newName = ''] = names;
let handles: NetnsHandle[];
let told: string[];
let watch: DriftWatch;

before(primeThreads);
beforeEach(() => {
  handles = names.map((name) => createNetns(`/run/netns/${name}`));
  told = [];
  watch = new DriftWatch(at(0), {
    pod: (containerId) => told.push(containerId),
    node: () => {},
    nodeAddresses: () => {},
    nodeRuleset: () => {},
    everything: () => {},
  });
});
afterEach(() => {
  watch.close();
  for (const handle of handles) handle.close();
  for (const name of names) removeNetns(`/run/netns/${name}`);
});

function at(i: number): NetnsHandle {
  const handle = handles[i];
  assert.ok(handle);
  return handle;
}

async function untilTold(): Promise<void> {
  for (let i = 0; i < 500 && told.length === 0; i++) await sleep(10);
}

test('an event in a sandbox is reported with its sandbox', async () => {
  watch.follow('new', at(2), []);
  execFileSync('ip', ['-n', newName, 'link', 'set', 'lo', 'up']);
  await untilTold();
  assert.deepEqual([...new Set(told)], ['new']);
});

test("an event on the node's link is reported with its pod until the pod is forgotten", async () => {
  watch.follow('new', at(2), ['cali1']);
  execFileSync('ip', ['-n', nodeName, 'link', 'add', 'cali1', 'type', 'veth', 'peer', 'name', 'cali2']);
  await untilTold();
  assert.deepEqual([...new Set(told)], ['new']);
  watch.forget('new');
  told.length = 0;
  execFileSync('ip', ['-n', nodeName, 'link', 'set', 'cali1', 'mtu', '1400']);
  await sleep(200);
  assert.deepEqual(told, []);
});
