// What the leader is told about sandboxes: over real TLS, with a fake API server.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import type { FakeKube } from '#kube/testing';
import { CONTROLLER_LEASE } from '#plan/installation';
import { LeaderLink, LeaderToken, MOST_QUESTIONS } from '#pools';
import { agentToken, type Leader, lives, serverWithPool, startLeader } from './agents-fixture.ts';
import { NodeQuestions } from './node-questions.ts';

const none = new Map<string, never>();
const clock = new FakeClock();
const account = { namespace: 'kube-system', name: 'orbweaver-agent' };
const lease = { namespace: 'kube-system', name: CONTROLLER_LEASE };
let kube: FakeKube;
let leader: Leader;
let links: LeaderLink[];

beforeEach(async () => {
  links = [];
  kube = await serverWithPool(1);
  leader = await startLeader(kube);
});
afterEach(async () => {
  for (const link of links) link.close();
  await leader[Symbol.asyncDispose]();
});

/** The link of an agent whose token is bound to the node; of a client with any other token. */
function linkOf(node: string | undefined, token?: string): LeaderLink {
  const own = new LeaderToken({ client: kube, clock, account, ...(node !== undefined && { node }) });
  const options = { client: kube, clock, log: silentLogger, lease };
  const link = new LeaderLink({ ...options, token: async () => token ?? own.get() });
  links.push(link);
  return link;
}

/** Asks until the agent's first request has arrived. */
async function untilAsked(node: string, podUid: string): Promise<string> {
  for (let tries = 0; tries < 2000; tries++) {
    const answer = await leader.questions.ask(node, podUid);
    if (answer !== 'unknown') return answer;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`nobody says anything about ${node}`);
}

/** An agent that says the same of every pod. */
async function agentThatSays(link: LeaderLink, says: 'alive' | 'gone', signal = lives): Promise<void> {
  let answers: ReadonlyMap<string, 'alive' | 'gone'> = none;
  while (!signal.aborted) {
    const asked = await link.questions(answers, signal).catch(() => undefined);
    if (asked === undefined) return;
    answers = new Map(asked.map((uid) => [uid, says]));
  }
}

test('the agent of a node is asked about its pods, and each node answers for itself', async () => {
  void agentThatSays(linkOf('node1'), 'alive');
  void agentThatSays(linkOf('node2'), 'gone');
  assert.equal(await untilAsked('node1', 'a'), 'alive');
  assert.equal(await untilAsked('node2', 'a'), 'gone');
  const all = Array.from({ length: 2 * MOST_QUESTIONS }, (_, i) => leader.questions.ask('node1', `a${i}`));
  assert.deepEqual(new Set(await Promise.all(all)), new Set(['alive']));
});

test('an agent says nothing about another node, and nothing that it was not asked', async () => {
  const [own, other] = [linkOf('node1'), linkOf('node2')];
  const first = own.questions(none, lives);
  const others = other.questions(none, lives);
  const asked = (async () => untilAsked('node1', 'a'))();
  assert.deepEqual(await first, ['a']);
  // The agent of node2 answers the question that node1 was asked, and one that nobody asked.
  const lies = other.questions(
    new Map([
      ['a', 'gone'],
      ['b', 'gone'],
    ]),
    lives,
  );
  assert.deepEqual(await others, [], 'a newer request of the node ends the older one');
  void own.questions(new Map([['a', 'alive']]), lives).catch(() => {});
  assert.equal(await asked, 'alive');
  void lies.catch(() => {});
});

test('a token that is bound to no node, and one that is no agent’s, are not believed', async () => {
  await assert.rejects(linkOf(undefined).questions(none, lives), /status 403: the token is bound to no node/);
  const foreign = agentToken.replace('orbweaver-agent', 'default');
  await assert.rejects(linkOf('node1', `${foreign}#node1`).questions(none, lives), /status 401/);
  await assert.rejects(linkOf('node1', foreign).sandbox({ node: 'node1', podUid: 'a' }, lives), /status 401/);
});

test('who holds a token of the agents asks the leader, as orbctl does', async () => {
  void agentThatSays(linkOf('node1'), 'alive');
  await untilAsked('node1', 'a');
  assert.equal(await linkOf(undefined).sandbox({ node: 'node1', podUid: 'a' }, lives), 'alive');
  assert.equal(await linkOf(undefined).sandbox({ node: 'node2', podUid: 'a' }, lives), 'unknown');
  void agentThatSays(linkOf('node2'), 'gone');
  await untilAsked('node2', 'a');
  assert.equal(
    await linkOf(undefined).sandbox({ podUid: 'a' }, lives),
    'alive',
    'one of two agents knows it',
  );
  await assert.rejects(linkOf(undefined).sandbox({ node: '', podUid: 'a' }, lives), /status 400.*node/s);
});

test('an agent that goes, and a leader that leads no more, end the questions', async () => {
  const leaves = new AbortController();
  const agent = linkOf('node1');
  const waits = agent.questions(none, leaves.signal);
  const asked = untilAsked('node1', 'a');
  assert.deepEqual(await waits, ['a']);
  void agent.questions(new Map([['a', 'alive']]), leaves.signal).catch(() => {});
  assert.equal(await asked, 'alive');
  leaves.abort();
  // Its connection is closed; it may take a moment until the leader sees it.
  let said = '';
  for (let tries = 0; said !== 'unknown' && tries < 2000; tries++)
    said = await leader.questions.ask('node1', 'b');
  assert.equal(said, 'unknown');
  void agentThatSays(linkOf('node1'), 'gone');
  assert.equal(await untilAsked('node1', 'a'), 'gone');
  await leader.stumble();
  assert.equal(await leader.questions.ask('node1', 'c'), 'unknown');
});

test('an agent that does not answer is given up after two seconds, and holds up no other question', async () => {
  const time = new FakeClock();
  const questions = new NodeQuestions(time);
  assert.equal(await questions.ask('node1', 'a'), 'unknown', 'no agent has come yet');
  const waits = questions.exchange('node1', none, lives);
  const first = questions.ask('node1', 'a');
  assert.deepEqual(await waits, ['a']);
  const second = questions.ask('node1', 'b');
  await time.advance(2000);
  assert.deepEqual(await Promise.all([first, second]), ['unknown', 'unknown']);
  assert.equal(await questions.ask('node1', 'c'), 'unknown', 'it is not asked again');
  // A late answer counts for no question, and the agent is asked again from now on.
  const again = questions.exchange('node1', new Map([['a', 'gone']]), lives);
  const third = questions.ask('node1', 'a');
  assert.deepEqual(await again, ['a']);
  void questions.exchange('node1', new Map([['a', 'alive']]), lives);
  assert.equal(await third, 'alive');
});

test('an agent that is asked nothing comes again after a time, and questions about a node are limited', async () => {
  const time = new FakeClock();
  const questions = new NodeQuestions(time);
  const waits = questions.exchange('node1', none, lives);
  await time.advance(25_000);
  assert.deepEqual(await waits, []);
  const many = Array.from({ length: 3 * MOST_QUESTIONS }, (_, i) => questions.ask('node1', `a${i}`));
  assert.equal(await many.at(-1), 'unknown');
  assert.equal(await questions.ask('node1', 'x'.repeat(200)), 'unknown');
  assert.equal((await questions.exchange('node1', none, lives)).length, MOST_QUESTIONS);
  await time.advance(2000);
  assert.deepEqual(new Set(await Promise.all(many)), new Set(['unknown']));
});
