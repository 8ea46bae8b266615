import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { serveHealth } from '#program';
import { AgentMetrics } from './metrics.ts';
import type { CountedAttachment } from './pod-metrics.ts';

const load = {
  running: () => 3,
  waiting: () => 2,
  stuck: () => 4,
  queuedDels: () => 1,
  attachments: () => [] as CountedAttachment[],
  memoryLimit: () => 1000,
  nearMemoryLimit: () => true,
  foldersDiffer: () => false,
  filesMissing: () => false,
  servesSockets: () => true,
  socketServiceEntries: () => 7,
  servesPackets: () => true,
  packetServiceEntries: () => 9,
  socketServiceCounts: () => [{ protocol: 'UDP', outcome: 'refused' as const, count: 5 }],
};

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
  assert.match(text, /^orbweaver_memory_limit_bytes 1000$/m);
  assert.match(text, /^orbweaver_memory_near_limit 1$/m);
  assert.match(text, /^orbweaver_socket_services_on 1$/m);
  assert.match(text, /^orbweaver_socket_services_entries 7$/m);
  assert.match(text, /^orbweaver_packet_services_on 1$/m);
  assert.match(text, /^orbweaver_packet_services_entries 9$/m);
  const refused = /^orbweaver_socket_services_sockets_total\{protocol="UDP",outcome="refused"\} 5$/m;
  assert.match(text, refused);
  assert.match(await metrics.registry.metrics(), refused);
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

test('durations have the average, the extremes and the latest since the start, and waits are those of addresses', async () => {
  const metrics = new AgentMetrics(load);
  for (const seconds of [0.2, 0.1, 0.3]) metrics.ipam.allocated(seconds);
  metrics.waited('spiderpool', 'ADD', 2);
  metrics.waited('coordinator', 'ADD', 9);
  metrics.ipam.releaseFailed('DEADLINE_PASSED', 1);
  const text = await metrics.registry.metrics();
  const value = (name: string) => Number(new RegExp(`^spiderpool_ipam_${name} (.*)$`, 'm').exec(text)?.[1]);
  const kinds = ['average', 'max', 'min', 'latest'].map((kind) =>
    value(`allocation_${kind}_duration_seconds`),
  );
  assert.deepEqual(
    kinds.map((seconds) => seconds.toFixed(1)),
    ['0.2', '0.3', '0.1', '0.3'],
  );
  assert.equal(value('allocation_max_limit_duration_seconds'), 2);
  assert.equal(value('allocation_limit_duration_seconds_count'), 1);
  assert.equal(value('release_err_retries_exhausted_counts'), 1);
});

test('pods of the node are counted by pool, without old sandboxes and unfinished ADDs, and not without limit', async () => {
  const of = (name: string, more: object = {}): CountedAttachment => ({
    pod: { namespace: 'ns', name, uid: name },
    ipam: {
      ...{ state: 'done', netConf: {}, result: {} },
      addresses: ['10.6.0.1/16', '10.6.0.2/16'].map((address) => ({ address, pool: 'p', nic: 'eth0' })),
    },
    ...more,
  });
  const intended = of('c');
  const all = [
    of('a'),
    of('b', { supersededBy: 'newer' }),
    { ...intended, ipam: { ...of('c').ipam, state: 'intended' } },
  ];
  const text = await new AgentMetrics({
    ...load,
    attachments: () => all as CountedAttachment[],
  }).registry.metrics();
  assert.deepEqual(text.match(/^orbweaver_pod_addresses.*$/gm), [
    'orbweaver_pod_addresses{namespace="ns",pod="a",pool="p"} 2',
  ]);
  const many = Array.from({ length: 3_000 }, (_, index) => of(`p${index}`));
  const bounded = await new AgentMetrics({ ...load, attachments: () => many }).registry.metrics();
  assert.equal(bounded.match(/^orbweaver_pod_addresses\{/gm)?.length, 2_000);
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
