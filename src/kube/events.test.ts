import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources } from '#api';
import { type Logger, silentLogger, systemClock } from '#base';
import { EventRecorder } from './events.ts';
import { FakeKube } from './testing/fake-kube.ts';

test('while the server does not answer, at most a thousand Events wait, and the rest is logged', async () => {
  const client = new FakeKube();
  const answer = Promise.withResolvers<void>();
  client.before = () => answer.promise;
  const told: unknown[] = [];
  const log: Logger = { ...silentLogger, warn: (fields: object) => void told.push(fields) };
  const recorder = new EventRecorder({ client, clock: systemClock, log, component: 'test' });
  const pod = { metadata: { namespace: 'default', name: 'a', uid: 'u' } };
  for (let nth = 0; nth < 1003; nth++) {
    recorder.record(resources.pods, pod as never, { type: 'Normal', reason: 'Many', message: String(nth) });
  }
  assert.equal(told.length, 3);
  assert.match(JSON.stringify(told), /"note":"1002".*1000 Events wait already/);
  answer.resolve();
  await recorder.settled();
  assert.equal(client.count('create', 'events'), 1000);
  recorder.record(resources.pods, pod as never, { type: 'Normal', reason: 'Many', message: 'again' });
  await recorder.settled();
  assert.equal(client.count('create', 'events'), 1001);
});
