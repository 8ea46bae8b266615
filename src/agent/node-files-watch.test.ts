import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { OrbError, silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import type { PutFile } from '#node';
import { NodeFilesWatch } from './node-files-watch.ts';

/** A watch of files that the test has in `missing`, and what it did, in order. */
function watching(isReady = () => true) {
  const clock = new FakeClock();
  const missing = new Set(['bin/coordinator', 'net.d/lan']);
  const deeds: string[] = [];
  const logged: string[] = [];
  const say = (_: object, text: string) => void logged.push(text);
  const put = async (kind: string): Promise<PutFile[]> => {
    await turn();
    const due = [...missing].filter((path) => path.startsWith(kind));
    for (const path of due) missing.delete(path);
    deeds.push(...due);
    return due.map((path) => ({ path, was: 'absent' }));
  };
  const files = { putExecutables: () => put('bin'), putConf: () => put('net.d') };
  const watch = new NodeFilesWatch({
    ...{ files, isReady, clock, log: { ...silentLogger, info: say, warn: say, error: say } },
    putBack: () => void deeds.push('counted'),
  });
  const wait = async (ms: number) => {
    await clock.advance(ms);
    for (let i = 0; i < 20; i++) await turn();
  };
  return { watch, files, missing, deeds, logged, wait };
}

test('executables come first, and the configuration only when new pods are served', async () => {
  let isReady = false;
  const { watch, deeds } = watching(() => isReady);
  await watch.look();
  assert.deepEqual(deeds, ['bin/coordinator']);
  isReady = true;
  await watch.look();
  assert.deepEqual(deeds, ['bin/coordinator', 'net.d/lan']);
});

test('what vanishes is put back within some seconds, and is counted', async () => {
  const { watch, missing, deeds, logged, wait } = watching();
  const stop = new AbortController();
  const done = watch.run(stop.signal);
  await wait(0);
  deeds.length = 0;
  missing.add('net.d/lan');
  await wait(5_000);
  assert.deepEqual(deeds, ['net.d/lan', 'counted']);
  assert.match(logged.at(-1) ?? '', /was put back/);
  stop.abort();
  await done;
});

test('the watch slows down where another program replaces a file again and again', async () => {
  const { watch, missing, deeds, wait } = watching();
  const stop = new AbortController();
  const done = watch.run(stop.signal);
  for (let second = 0; second < 600; second++) {
    missing.add('bin/coordinator');
    await wait(1_000);
  }
  const count = deeds.filter((deed) => deed === 'counted').length;
  assert.ok(count >= 8 && count <= 40, `${count} times in ten minutes`);
  stop.abort();
  await done;
});

test('a failure is logged once, is the reason why the agent is not ready, and ends by itself', async () => {
  const { watch, files, logged } = watching();
  const works = files.putExecutables;
  files.putExecutables = async () => {
    throw new OrbError('NODE_FILES_NOT_PUT', { message: 'the folder is read-only' });
  };
  await watch.look();
  await watch.look();
  assert.deepEqual(logged, ['a CNI file of the node is missing']);
  assert.match(watch.problem ?? '', /read-only/);
  files.putExecutables = works;
  await watch.look();
  assert.equal(watch.problem, undefined);
});
