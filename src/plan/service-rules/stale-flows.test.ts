import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '#ip';
import type { PacketEntry } from './packet-entries.ts';
import { type Flow, staleFlows } from './stale-flows.ts';

const place = (address: string, port = 53) => ({ address: parseAddress(address), port });
const flow = (to: string, from: string): Flow => ({
  to: { ...place(to), protocol: 'UDP' },
  from: place(from),
});

const entry: PacketEntry = {
  frontend: { ...place('10.96.0.10'), protocol: 'UDP' },
  claim: 'ClusterIP',
  service: 'kube-system/dns',
  backends: { ready: [place('10.244.0.1')], draining: [place('10.244.0.2')], affinitySeconds: 0 },
  outside: [place('10.244.0.3')],
  sources: undefined,
  local: [],
};
const entryOf = (key: string) => (key === 'UDP 10.96.0.10:53' ? entry : undefined);
const stale = (one: Flow, gone: readonly string[] = []) =>
  staleFlows([one], entryOf, new Set(gone)).length === 1;

test('a flow ends when its backend is gone, and stays while the backend is ready, ends soon, or serves outside', () => {
  assert.equal(stale(flow('10.96.0.10', '10.244.0.9')), true);
  for (const backend of ['10.244.0.1', '10.244.0.2', '10.244.0.3'])
    assert.equal(stale(flow('10.96.0.10', backend)), false);
});

test('a flow that began before there were endpoints ends, because nothing translates it', () => {
  assert.equal(stale(flow('10.96.0.10', '10.96.0.10')), true);
});

test('flows of others stay, and those of a Service that is gone end if they were translated', () => {
  assert.equal(stale(flow('192.0.2.1', '192.0.2.1')), false);
  assert.equal(stale(flow('192.0.2.1', '10.244.0.9')), false);
  assert.equal(stale(flow('10.96.0.11', '10.244.0.9'), ['UDP 10.96.0.11:53']), true);
  assert.equal(stale(flow('10.96.0.11', '10.96.0.11'), ['UDP 10.96.0.11:53']), false);
});
