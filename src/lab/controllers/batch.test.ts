// Jobs, CronJobs and disruption budgets, each as a plan.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Job, Pod } from '#api';
import { cronJobController } from './cron-job.ts';
import { disruptionBudgetController } from './disruption-budget.ts';
import { jobController } from './job.ts';
import { LabCluster, now, ready, shown, statusOf } from './plans-fixture.ts';

const later = (seconds: number) =>
  new Date(Date.parse(now) + seconds * 1000).toISOString().replace('.000', '');
const template = { spec: { restartPolicy: 'Never' as const, containers: [{ name: 'c', image: 'i' }] } };

function jobCluster(spec: Job['spec']) {
  const cluster = new LabCluster();
  cluster.put('jobs', { metadata: { name: 'a', creationTimestamp: now }, spec: { template, ...spec } });
  const plan = (at = now) => jobController.plan('default/a', cluster.state, at);
  const end = (phase: 'Succeeded' | 'Failed', count = 1, finishedAt = now) => {
    const running = cluster.state.pods.list().filter(({ status }) => status?.phase === undefined);
    for (const pod of running.slice(0, count)) {
      const state = { terminated: { exitCode: phase === 'Failed' ? 1 : 0, finishedAt } };
      const status = { name: 'c', image: 'i', imageID: '', ready: false, restartCount: 0, state };
      cluster.put('pods', { ...pod, status: { phase, containerStatuses: [status] } });
    }
  };
  return { cluster, plan, end };
}
const conditionsOf = (status: unknown) =>
  ((status as Job['status'])?.conditions ?? []).map(({ type, reason }) => `${type} ${reason}`);

test('a job runs as many pods at once as it may, until enough have succeeded', () => {
  const { cluster, plan, end } = jobCluster({ completions: 3, parallelism: 2 });
  cluster.perform(plan());
  assert.equal(cluster.state.pods.list().length, 2);
  end('Succeeded', 2);
  assert.deepEqual(shown(plan()), ['create pods a-']);
  cluster.perform(plan());
  end('Succeeded');
  const status = statusOf(plan(later(5)));
  assert.deepEqual(conditionsOf(status), ['Complete CompletionsReached']);
  assert.equal((status as Job['status'])?.completionTime, later(5));
  cluster.perform(plan(later(5)));
  assert.deepEqual(plan(later(9)), []);
});

test('a job with very many pods starts with some of them', () => {
  const { plan } = jobCluster({ parallelism: 2 ** 31 - 1 });
  assert.equal(plan().filter(({ verb }) => verb === 'create').length, 500);
});

test('a job waits after a failure, and fails after too many', () => {
  const { cluster, plan, end } = jobCluster({ backoffLimit: 1, completions: 1 });
  cluster.perform(plan());
  end('Failed');
  assert.deepEqual(shown(plan()), []);
  assert.deepEqual(shown(plan(later(2))), ['create pods a-']);
  cluster.perform(plan(later(2)));
  end('Failed');
  assert.deepEqual(conditionsOf(statusOf(plan(later(9)))), ['Failed BackoffLimitExceeded']);
});

test('a job that takes too long fails and its pods are deleted; a finished job is deleted after its time', () => {
  const { cluster, plan } = jobCluster({
    activeDeadlineSeconds: 10,
    completions: 1,
    ttlSecondsAfterFinished: 5,
  });
  cluster.perform(plan());
  assert.deepEqual(shown(plan(later(9))), []);
  const over = plan(later(10));
  assert.match(shown(over)[0] ?? '', /^delete pods a-/);
  assert.deepEqual(conditionsOf(statusOf(over)), ['Failed DeadlineExceeded']);
  cluster.perform(over);
  assert.deepEqual(shown(plan(later(14))), []);
  assert.deepEqual(shown(plan(later(15))), ['delete jobs a']);
});

test('a suspended job runs no pods', () => {
  const { cluster, plan } = jobCluster({ suspend: true, completions: 1 });
  cluster.perform(plan());
  assert.equal(cluster.state.pods.list().length, 0);
});

test('a cron job makes one job for each minute, and keeps the last finished ones', () => {
  const cluster = new LabCluster();
  const spec = {
    schedule: '* * * * *',
    concurrencyPolicy: 'Forbid' as const,
    jobTemplate: { spec: { template } },
    successfulJobsHistoryLimit: 0,
  };
  cluster.put('cronJobs', { metadata: { name: 'c', creationTimestamp: now }, spec });
  const plan = (seconds: number) => cronJobController.plan('default/c', cluster.state, later(seconds));
  assert.deepEqual(shown(plan(59)), []);
  const name = `create jobs c-${Date.parse(later(60)) / 60_000}`;
  assert.deepEqual(shown(plan(61)), [name]);
  cluster.perform(plan(61));
  assert.deepEqual(shown(plan(62)), []);
  assert.deepEqual(shown(plan(125)), [], 'the last one still runs');
  const [job] = cluster.state.jobs.list();
  assert.ok(job !== undefined);
  cluster.put('jobs', { ...job, status: { conditions: [{ type: 'Complete', status: 'True' }] } });
  assert.deepEqual(shown(plan(125)), [
    `create jobs c-${Date.parse(later(120)) / 60_000}`,
    `delete jobs ${job.metadata.name}`,
  ]);
});

test('a budget counts the ready pods against the pods its workload wants, and an eviction until its pod is gone', () => {
  const cluster = new LabCluster();
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'r', uid: 'uid-r', controller: true };
  cluster.put('replicaSets', { metadata: { name: 'r' }, spec: { replicas: 3, selector: {} } });
  const pod = (name: string): Pod =>
    ready({ metadata: { name, labels: { app: 'a' }, ownerReferences: [owner] }, spec: { containers: [] } });
  cluster.put('pods', pod('a'), pod('b'), pod('c'));
  const put = (spec: object, status: object = {}) =>
    cluster.put('podDisruptionBudgets', {
      metadata: { name: 'b', resourceVersion: '7' },
      spec: { selector: { matchLabels: { app: 'a' } }, ...spec },
      status,
    });
  const counts = () => {
    const { disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods } = (statusOf(
      disruptionBudgetController.plan('default/b', cluster.state, now),
    ) ?? {}) as Record<string, number>;
    return [disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods];
  };
  put({ minAvailable: '50%' });
  assert.deepEqual(counts(), [1, 3, 2, 3]);
  put({ maxUnavailable: 0 });
  assert.deepEqual(counts(), [0, 3, 3, 3]);
  put({ maxUnavailable: 1 }, { disruptedPods: { a: now, gone: now } });
  assert.deepEqual(counts(), [0, 2, 2, 3]);
  const [patch] = disruptionBudgetController.plan('default/b', cluster.state, now);
  assert.ok(patch?.verb === 'patch');
  assert.deepEqual((patch.body.status as { disruptedPods: object }).disruptedPods, { a: now, gone: null });
  assert.deepEqual(patch.body.metadata, { resourceVersion: '7' }, 'never over an eviction');
});
