import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import { Start } from './start.ts';

const alive = () => new AbortController().signal;

test('a start that failed once is tried again, so the agent does not stay unready', async () => {
  const clock = new FakeClock();
  const start = new Start(clock, silentLogger);
  let tries = 0;
  const running = start.run(async () => {
    tries += 1;
    if (tries === 1) throw new Error('the dump was interrupted');
  });
  await clock.advance(1);
  assert.match(start.notReady() ?? '', /could not start: the dump was interrupted/);
  await clock.advance(1_000);
  await running;
  await start.ready(alive());
  assert.equal(start.notReady(), undefined);
});

test('callers that wait for the start are told when the agent stops, and a caller that leaves blocks nothing', async () => {
  const start = new Start(new FakeClock(), silentLogger);
  void start.run(() => new Promise(() => {}));
  const caller = new AbortController();
  const left = start.ready(caller.signal);
  const waiting = start.ready(alive());
  caller.abort();
  await assert.rejects(left, { code: 'AGENT_STARTING' });
  start.stop();
  await assert.rejects(waiting, { code: 'AGENT_STARTING', message: /stopping/ });
});
