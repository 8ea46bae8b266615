import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import { refusal } from '#net';
import { Follower, type FollowerParts } from './follower.ts';

type Records = ReturnType<FollowerParts['pods']['recordsOf']>;

/** A follower of one container, with the host links of its NICs. */
function scene() {
  const clock = new FakeClock();
  const told: string[] = [];
  const state: { links: string[]; outcome: boolean | Error } = { links: ['cali1'], outcome: true };
  const follower = new Follower({
    watch: {
      follow: (containerId, { fd }, hostLinks) =>
        told.push(`follow ${containerId} ${fd} ${hostLinks.join(' ')}`),
      forget: (containerId) => told.push(`forget ${containerId}`),
    },
    pods: {
      recordsOf: () =>
        state.links.map((hostLink) => ({
          netns: { path: '/run/netns/a', inode: 1 },
          coordinator: { plan: { hostLink } },
        })) as unknown as Records,
    },
    openNetns: async (path) => {
      told.push(`open ${path}`);
      if (state.outcome instanceof Error) throw state.outcome;
      return { fd: 7, id: `4:${state.outcome ? 1 : 2}`, close: () => told.push('close') };
    },
    clock,
    log: { ...silentLogger, warn: (_: object, text: string) => told.push(text) },
    begun: (containerId) => told.push(`begun ${containerId}`),
  });
  const pass = async () => {
    await clock.advance(2000);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { follower, told, state, pass };
}

const opened = ['open /run/netns/a'];

test('a sandbox is followed once, shortly after the record of its first NIC', async () => {
  const { follower, told, pass } = scene();
  for (let i = 0; i < 3; i++) follower.changed('a');
  await pass();
  follower.changed('a');
  await pass();
  assert.deepEqual(told, [...opened, 'follow a 7 cali1', 'close', 'begun a']);
});

test('a sandbox is followed again when it gets another link, and forgotten with its last record', async () => {
  const { follower, told, state, pass } = scene();
  await follower.follow('a');
  state.links = ['cali1', 'veth1'];
  follower.changed('a');
  await pass();
  state.links = [];
  follower.changed('a');
  await pass();
  assert.deepEqual(told, [
    ...[...opened, 'follow a 7 cali1', 'close', 'begun a'],
    ...[...opened, 'follow a 7 cali1 veth1', 'close', 'begun a'],
    'forget a',
  ]);
});

test('a sandbox that is gone or whose path has another namespace is skipped, and a failure to follow is logged', async () => {
  const { follower, told, state, pass } = scene();
  const refused = (errno: string) => refusal({ doing: 'open', subject: 'a', errno, words: errno });
  for (const outcome of [false, refused('ENOENT'), refused('EMFILE')]) {
    state.outcome = outcome;
    follower.changed('a');
    await pass();
  }
  const failed = 'the sandbox cannot be followed; the next periodic comparison finds its damage';
  assert.deepEqual(told, [...opened, 'close', ...opened, ...opened, failed]);
});

test('a sandbox whose records are deleted while its namespace is opened is not followed', async () => {
  const { follower, told, state } = scene();
  const following = follower.follow('a');
  state.links = [];
  await following;
  assert.deepEqual(told, [...opened, 'close']);
});
