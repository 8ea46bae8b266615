import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { serveHealth } from '#program';
import { AgentMetrics } from './metrics.ts';

const load = { running: () => 3, waiting: () => 2, stuck: () => 4, queuedDels: () => 1 };

test('requests are counted by type, verb and outcome, and running and waiting requests are measured at the scrape', async () => {
  const metrics = new AgentMetrics(load);
  metrics.served('coordinator', 'ADD', 'ok', 0.02);
  metrics.served('coordinator', 'ADD', 'error', 0.5);
  const text = await metrics.registry.metrics();
  assert.match(text, /^orbweaver_cni_requests_total\{type="coordinator",verb="ADD",outcome="ok"\} 1$/m);
  assert.match(text, /^orbweaver_cni_request_duration_seconds_count\{.*verb="ADD".*\} 2$/m);
  assert.match(text, /^orbweaver_cni_requests_running 3$/m);
  assert.match(text, /^orbweaver_cni_requests_waiting 2$/m);
  assert.match(text, /^orbweaver_cni_requests_stuck 4$/m);
  assert.match(text, /^orbweaver_del_queue_length 1$/m);
});

test('allocations and their failures have the metric names of Spiderpool’s dashboards', async () => {
  const metrics = new AgentMetrics(load);
  metrics.ipam.allocated(0.01);
  metrics.ipam.allocationFailed('IPPOOL_EXHAUSTED', 0.01);
  metrics.ipam.allocationFailed('INTERNAL', 0.01);
  metrics.ipam.wrote(5);
  const text = await metrics.registry.metrics();
  assert.match(text, /^spiderpool_ipam_allocation_counts 3$/m);
  assert.match(text, /^spiderpool_ipam_allocation_failure_counts 2$/m);
  assert.match(text, /^spiderpool_ipam_allocation_err_ip_used_out_counts 1$/m);
  assert.match(text, /^spiderpool_ipam_allocation_err_internal_counts 1$/m);
  assert.match(text, /^orbweaver_ipam_pool_writes_total 1$/m);
  assert.match(text, /^orbweaver_ipam_pool_operations_total 5$/m);
});

test('address conflicts are counted by their consequence', async () => {
  const metrics = new AgentMetrics(load);
  metrics.addressConflict('quarantined');
  const text = await metrics.registry.metrics();
  assert.match(text, /^orbweaver_address_conflicts_total\{outcome="quarantined"\} 1$/m);
});

test('repairs are counted by scope, reason and result, comparisons and objects by scope', async () => {
  const metrics = new AgentMetrics(load);
  metrics.repair.compared('pod');
  metrics.repair.compared('pod');
  metrics.repair.drifted('pod', 3);
  metrics.repair.repaired('pod', 'drift', 'repaired');
  metrics.repair.repaired('node', 'start', 'failed');
  const text = await metrics.registry.metrics();
  assert.match(text, /^orbweaver_comparisons_total\{scope="pod"\} 2$/m);
  assert.match(text, /^orbweaver_drift_objects_total\{scope="pod"\} 3$/m);
  assert.match(text, /^orbweaver_repairs_total\{scope="pod",reason="drift",result="repaired"\} 1$/m);
  assert.match(text, /^orbweaver_repairs_total\{scope="node",reason="start",result="failed"\} 1$/m);
});

test('two agents in one process have separate counters', () => {
  assert.doesNotThrow(() => [new AgentMetrics(load), new AgentMetrics(load)]);
});

test('liveness always succeeds, and readiness says what the agent waits for', async () => {
  const state: { reason: string | undefined } = { reason: 'the agent is still reading the cluster' };
  const server = await serveHealth(0, new AgentMetrics(load).registry, () => state.reason);
  const { port } = server.address() as AddressInfo;
  const ask = async (path: string, method = 'GET') => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method });
    return [answer.status, await answer.text()] as const;
  };
  assert.equal((await ask('/v1/runtime/liveness'))[0], 200);
  assert.deepEqual(await ask('/v1/runtime/readiness'), [500, 'the agent is still reading the cluster\n']);
  state.reason = undefined;
  assert.equal((await ask('/v1/runtime/readiness'))[0], 200);
  assert.match((await ask('/metrics'))[1], /^orbweaver_cni_requests_running 3$/m);
  assert.deepEqual([(await ask('/elsewhere'))[0], (await ask('/metrics', 'POST'))[0]], [404, 405]);
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});
