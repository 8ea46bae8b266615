// When a controller is ready, and so when its webhooks answer: what objects are checked against must be known.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ResourceType, resources } from '#api';
import { OrbError, silentLogger, systemClock } from '#base';
import { noProvider } from '#iaas/testing';
import { FakeKube } from '#kube/testing';
import { defaultAutomaticPools } from '#plan/subnet';
import { type RunningController, startController } from './controller.ts';

let kube: FakeKube;
let running: RunningController;

beforeEach(async () => {
  kube = new FakeKube();
});
afterEach(() => running.stop());

/** Lists of the kind fail with `error`, until a test says otherwise. */
function unlisted({ plural }: ResourceType, error: OrbError): void {
  kube.before = (call) => {
    if (call.verb === 'list' && call.plural === plural) throw error;
  };
}

async function start(): Promise<void> {
  running = await startController({
    ...{ client: kube, clock: systemClock, log: silentLogger, namespace: 'kube-system', identity: 'one' },
    leaseTimes: { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 },
    ...{ coordinatorName: 'default', readYaml: () => undefined, automaticPools: defaultAutomaticPools },
    ...{ healthPort: 0, webhookPort: undefined, invalidAnnotations: 'warn' },
    ...{ kindsVersion: undefined, defaults: [], commits: undefined, iaas: noProvider },
  });
}

async function readiness(): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${running.healthPort}/v1/runtime/readiness`);
  return answer.ok ? 'ready' : await answer.text();
}

async function untilReady(): Promise<void> {
  for (let tries = 0; tries < 400; tries += 1) {
    if ((await readiness()) === 'ready') return;
    await sleep(25);
  }
  assert.fail(`not ready: ${await readiness()}`);
}

/** Resolves when the kind was asked for that often, and the answer had time to count. */
async function asked({ plural }: ResourceType, times: number): Promise<void> {
  for (let tries = 0; kube.count('list', plural) < times; tries += 1) {
    assert.ok(tries < 400, `${plural} were not listed`);
    await sleep(25);
  }
  await sleep(50);
}

const reading = /^the controller is still reading the cluster/;
const broken = new OrbError('KUBE_UNREACHABLE', { message: 'the connection broke' });

for (const type of [
  resources.spiderMultusConfigs,
  resources.networkAttachmentDefinitions,
  resources.spiderIPPools,
]) {
  test(`it is not ready while the ${type.kind}s that exist cannot be listed`, async () => {
    unlisted(type, broken);
    await start();
    await asked(type, 2);
    assert.match(await readiness(), reading);
    kube.before = () => {};
    await untilReady();
  });
}

for (const type of [resources.networkAttachmentDefinitions, resources.spiderMultusConfigs]) {
  test(`it becomes ready in a cluster that does not have the kind ${type.kind}`, async () => {
    unlisted(type, new OrbError('KUBE_NOT_FOUND', { message: 'the server has no such kind' }));
    await start();
    await untilReady();
  });
}
