import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import type { RuntimeFolders } from '#plan/installation';
import { RuntimeFoldersWatch } from './runtime-folders-watch.ts';

const right: RuntimeFolders = { binFolders: ['/opt/cni/bin'], confFolder: '/etc/cni/net.d' };
const set = { binFolder: '/opt/cni/bin', confFolder: '/etc/cni/net.d' };

test('a difference is logged once, told as long as it lasts, and ends by itself', async () => {
  const clock = new FakeClock();
  const logged: string[] = [];
  const told: string[] = [];
  let answer: RuntimeFolders | undefined | Error = { ...right, binFolders: ['/usr/lib/cni'] };
  const say = (_: object, text: string) => void logged.push(text);
  const watch = new RuntimeFoldersWatch({
    ask: async () => {
      if (answer instanceof Error) throw answer;
      return answer;
    },
    ...{ set, clock, log: { ...silentLogger, warn: say, info: say } },
    tell: (message) => void told.push(message),
  });
  const stop = new AbortController();
  const done = watch.run(stop.signal);
  const wait = async () => {
    await clock.advance(300_000);
    for (let i = 0; i < 10; i++) await turn();
  };
  await wait();
  await wait();
  assert.equal(watch.differ, true);
  assert.equal(logged.length, 1);
  assert.match(logged[0] ?? '', /looks for CNI executables in \/usr\/lib\/cni/);
  assert.ok(told.length >= 2);
  // What was known stays known while the runtime does not answer.
  answer = new Error('connect ECONNREFUSED');
  await wait();
  await wait();
  assert.deepEqual([watch.differ, logged.length], [true, 2]);
  answer = right;
  await wait();
  assert.equal(watch.differ, false);
  answer = undefined;
  await wait();
  assert.deepEqual([watch.differ, logged.length], [false, 3]);
  stop.abort();
  await done;
});
