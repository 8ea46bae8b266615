// The end of the server: running requests are answered, and no connection holds it up.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { systemClock } from '#base';
import { testServer, token } from './server-fixture.ts';

/** Less than a connection stays open without a request. */
const limitMs = 30_000;

test('a request that runs is answered, and then neither its connection nor a silent one holds up the end', async () => {
  const began = Promise.withResolvers<void>();
  const goesOn = Promise.withResolvers<void>();
  let isStarted = false;
  const { start, stop } = testServer({
    validate: async () => {
      if (!isStarted) return;
      began.resolve();
      await goesOn.promise;
    },
  });
  const port = await start();
  isStarted = true;
  const silentClient = connect(port, '127.0.0.1').resume();
  await once(silentClient, 'connect');
  const agent = new Agent({ keepAlive: true });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const path = '/api/v1/namespaces/default/configmaps';
  const sent = request({ port, method: 'POST', path, headers, agent });
  sent.end(JSON.stringify({ metadata: { name: 'running' } }));
  await began.promise;
  const late = new AbortController();
  const closed = Promise.race([
    stop().then(() => 'closed'),
    systemClock.sleep(limitMs, late.signal).then(
      () => 'late',
      () => 'aborted',
    ),
  ]);
  try {
    goesOn.resolve();
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    assert.equal(answer.statusCode, 201);
    answer.resume();
    assert.equal(await closed, 'closed');
  } finally {
    late.abort();
    agent.destroy();
    silentClient.destroy();
  }
});
