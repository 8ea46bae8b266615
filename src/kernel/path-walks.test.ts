import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { PathWalks } from './path-walks.ts';

const patient = { threads: 2, patienceMs: 60_000 };
const impatient = { threads: 2, patienceMs: 5 };
const keep = () => {};

test('a path that hangs is abandoned, and a result that arrives later is discarded', async () => {
  const walks = new PathWalks(impatient);
  const answer = Promise.withResolvers<number>();
  const discarded: number[] = [];
  const given = walks.run(
    '/mnt/dead/a',
    () => answer.promise,
    (fd) => discarded.push(fd),
  );
  await assert.rejects(given, { code: 'NETNS_UNREACHABLE', message: /\/mnt\/dead\/a does not answer/ });
  answer.resolve(7);
  await sleep(1);
  assert.deepEqual(discarded, [7]);
});

test('a path that hangs is not opened a second time, so it costs one thread', async () => {
  const walks = new PathWalks(impatient);
  const hang = () => new Promise<never>(() => {});
  await assert.rejects(walks.run('/mnt/dead/a', hang, keep));
  const walked = () => assert.fail('walked again');
  await assert.rejects(walks.run('/mnt/dead/a', walked, keep), {
    message: /earlier request for it still waits/,
  });
  assert.equal(await walks.run('/run/netns/b', async () => 'found', keep), 'found');
});

test('many requests for one path use one thread, and requests for other paths go on', async () => {
  const walks = new PathWalks(patient);
  let atOnce = 0;
  const answer = Promise.withResolvers<void>();
  const slow = () => {
    atOnce += 1;
    return answer.promise.finally(() => (atOnce -= 1));
  };
  const many = Array.from({ length: 8 }, () => walks.run('/slow', slow, keep));
  await walks.run('/run/netns/b', async () => {}, keep);
  assert.equal(atOnce, 1);
  answer.resolve();
  await Promise.all(many);
  assert.equal(atOnce, 0);
});

test('when every thread hangs, other requests are told which paths hang', async () => {
  const walks = new PathWalks(impatient);
  const hang = () => new Promise<never>(() => {});
  await assert.rejects(walks.run('/a', hang, keep));
  await assert.rejects(walks.run('/b', hang, keep));
  await assert.rejects(walks.run('/c', hang, keep), {
    message: /the request waits for a free thread: \/a, \/b/,
  });
});

test('a refusal of the kernel frees the thread for the next request', async () => {
  const walks = new PathWalks({ threads: 1, patienceMs: 60_000 });
  const refused = () => Promise.reject(new Error('ENOENT'));
  for (let i = 0; i < 3; i++) await assert.rejects(walks.run('/a', refused, keep), /ENOENT/);
  assert.equal(await walks.run('/a', async () => 1, keep), 1);
});
