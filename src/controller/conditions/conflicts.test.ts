// Writes of conditions that the server refuses, on an API server in memory.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { resources } from '#api';
import { OrbError, silentLogger, systemClock } from '#base';
import { FakeKube } from '#kube/testing';
import { Controllers, Informers } from '#reconcile';
import { addressKinds } from '../kinds.ts';
import { RecordChecks } from '../record-checks.ts';
import { conditionsController } from './conditions.ts';

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 500; turn++) {
    if (await isSo()) return;
    await sleep(10);
  }
  assert.fail(`never: ${what}`);
}

test('a pool whose conditions cannot be written is tried by itself, and others are written without it', async () => {
  const kube = new FakeKube();
  const names = Array.from({ length: 40 }, (_, at) => `p${at}`);
  for (const [at, name] of names.entries()) {
    const pool = resources.spiderIPPools.schema.parse({
      metadata: { name, uid: name },
      spec: { subnet: '10.6.0.0/16', ips: [`10.6.0.${at + 1}`] },
    });
    await kube.create(resources.spiderIPPools, pool);
  }
  kube.before = ({ verb, name }) => {
    if (verb === 'patch' && name === 'p3') throw new OrbError('KUBE_CONFLICT', { message: 'it has changed' });
  };
  const tries = () => kube.calls.filter(({ verb, name }) => verb === 'patch' && name === 'p3').length;
  const readyOf = async (status: string) => {
    const { items } = await kube.list(resources.spiderIPPools);
    const found = items.filter(({ status: now }) => now?.conditions?.[0]?.status === status);
    return found.map(({ metadata }) => metadata.name);
  };
  const shared = { client: kube, clock: systemClock, log: silentLogger };
  const informers = new Informers(shared, addressKinds);
  const stop = new AbortController();
  // The sixth conflict in a row waits for longer than the test takes.
  const backOff = { firstMs: 600_000, maximumMs: 600_000 };
  const controllers = new Controllers({
    ...{ ...shared, informers, backOff },
    controllers: [conditionsController(new RecordChecks())],
  });
  void informers.start();
  const running = controllers.run(stop.signal);
  try {
    await until('all others are ready', async () => (await readyOf('True')).length === 39);
    await until('the conflicts are tried at once', async () => tries() === 6);
    const body = { spec: { disable: true } };
    for (const name of ['p1', 'p7', 'p39'])
      await kube.patch(resources.spiderIPPools, { name }, { type: 'merge', body });
    await until('the disabled ones say so', async () => (await readyOf('False')).length === 3);
    assert.equal(tries(), 6, 'changes of other pools are no reason to try it again');
  } finally {
    stop.abort(new Error('the test is over'));
    await informers.stop();
    await running;
  }
});
