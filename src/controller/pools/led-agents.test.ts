// Pools that the leader writes for agents: over real TLS, against a fake API server.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Logger, OrbError, silentLogger } from '#base';
import type { FakeCall, FakeKube } from '#kube/testing';
import { CONTROLLER_LEASE } from '#plan/installation';
import {
  agentToken,
  allocate,
  type Leader,
  lives,
  release,
  serverWithPool,
  startAgent,
  startLeader,
  tellLeader,
} from './agents-fixture.ts';

const isWrite = ({ verb }: FakeCall) => verb === 'updateStatus';

describe('agents with a leader', () => {
  test('requests of many agents that come together share a few writes, and the lowest addresses are given', async () => {
    const kube = await serverWithPool(40);
    await using _leader = await startLeader(kube);
    // The first write lasts until the other requests have come.
    kube.before = async (call) => {
      if (!isWrite(call)) return;
      kube.before = () => {};
      await new Promise((resolve) => setTimeout(resolve, 500));
    };
    const agents = Array.from({ length: 20 }, () => startAgent(kube));
    const given = await Promise.all(
      agents.flatMap(({ submit }, i) => [submit(allocate(`a${i}`)), submit(allocate(`b${i}`))]),
    );
    assert.equal(new Set(given).size, 40);
    assert.equal(Object.keys(await kube.holders()).length, 40);
    assert.ok(kube.count('updateStatus', 'spiderippools') <= 20);
    for (const agent of agents) agent.stop();
  });

  test('an agent knows what it got before its own watch does, and what it released', async () => {
    const kube = await serverWithPool(3);
    await using _leader = await startLeader(kube);
    const agent = startAgent(kube);
    await agent.copy.read();
    assert.equal(await agent.submit(allocate('a')), '10.6.1.1');
    assert.deepEqual(agent.led.length, 1);
    assert.equal(agent.writer.ledger.addressesOf('a').length, 1);
    assert.equal(await agent.submit(release('a')), '10.6.1.1');
    assert.equal(agent.writer.ledger.addressesOf('a').length, 0);
    await agent.copy.read();
    assert.equal(agent.writer.ledger.records.size, 0);
    agent.stop();
  });

  test('a repeated request gets the address that its owner has', async () => {
    const kube = await serverWithPool(3);
    await using _leader = await startLeader(kube);
    const agent = startAgent(kube);
    assert.equal(await agent.submit(allocate('a')), '10.6.1.1');
    assert.equal(await agent.submit(allocate('a')), '10.6.1.1');
    assert.deepEqual(await kube.holders(), { '10.6.1.1': 'a' });
    agent.stop();
  });

  test('a full pool refuses, and the agent then knows the newest records', async () => {
    const kube = await serverWithPool(1);
    await using _leader = await startLeader(kube);
    const [one, other] = [startAgent(kube), startAgent(kube)];
    await other.copy.read();
    await one.submit(allocate('a'));
    assert.equal(await other.submit(allocate('b')), 'all IP addresses used out');
    assert.equal(other.writer.ledger.free.count, 0n);
    one.stop();
    other.stop();
  });

  test('an address that an agent has in quarantine is given to no agent', async () => {
    const kube = await serverWithPool(3);
    await using _leader = await startLeader(kube);
    const { LeaderLink } = await import('#pools');
    const { FakeClock } = await import('#base/testing');
    const link = new LeaderLink({
      ...{ client: kube, clock: new FakeClock(), log: silentLogger, token: async () => agentToken },
      lease: { namespace: 'kube-system', name: CONTROLLER_LEASE },
    });
    const quarantined = new Map([['10.6.1.1', 60_000]]);
    await link.commit('p', { operation: release('nobody'), quarantined }, lives);
    const agent = startAgent(kube);
    assert.equal(await agent.submit(allocate('a')), '10.6.1.2');
    link.close();
    agent.stop();
  });
});

describe('agents without a leader that answers', () => {
  test('without a Lease, the agent writes by itself', async () => {
    const kube = await serverWithPool(3);
    const agent = startAgent(kube);
    assert.equal(await agent.submit(allocate('a')), '10.6.1.1');
    assert.equal(agent.led.length, 0);
  });

  test('an ADD that ends during the agent’s own write leaves its address to the next release of the pod', async () => {
    const kube = await serverWithPool(3);
    const agent = startAgent(kube);
    await agent.copy.read();
    const caller = new AbortController();
    const written = Promise.withResolvers<void>();
    kube.before = async (call) => {
      if (!isWrite(call)) return;
      kube.before = () => {};
      caller.abort(new OrbError('DEADLINE_PASSED', { message: 'late' }));
      await written.promise;
    };
    await assert.rejects(agent.submit(allocate('a'), caller.signal), { code: 'DEADLINE_PASSED' });
    // The DEL comes while the write is under way, and asks all pools in doubt.
    assert.ok(agent.writer.doubtful);
    const released = agent.submit(release('a'));
    written.resolve();
    assert.equal(await released, '10.6.1.1');
    assert.deepEqual(await kube.holders(), {});
  });

  test('when the leader dies after the write and before the answer, the agent finds its own record', async () => {
    const kube = await serverWithPool(5);
    await using leader = await startLeader(kube);
    const agent = startAgent(kube);
    await agent.submit(allocate('a'));
    const written = Promise.withResolvers<void>();
    kube.before = async (call) => {
      if (!isWrite(call)) return;
      kube.before = () => {};
      // The write goes on, and the answer is lost.
      setImmediate(() => {
        leader.die();
        written.resolve();
      });
      await written.promise;
    };
    assert.equal(await agent.submit(allocate('b')), '10.6.1.2');
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(await kube.holders(), { '10.6.1.1': 'a', '10.6.1.2': 'b' });
    assert.equal(agent.led.length, 1);
  });

  test('a leader that does not answer in time is left alone for a while, and asked again after it', async () => {
    const kube = await serverWithPool(5);
    await using _leader = await startLeader(kube);
    const agent = startAgent(kube);
    await agent.submit(allocate('a'));
    const hold = Promise.withResolvers<void>();
    kube.before = async (call) => {
      if (!isWrite(call)) return;
      kube.before = () => {};
      await hold.promise;
    };
    const waiting = agent.submit(allocate('b'));
    await new Promise((resolve) => setTimeout(resolve, 100));
    await agent.clock.advance(5000);
    assert.equal(await waiting, '10.6.1.2');
    await agent.submit(allocate('c'));
    assert.equal(agent.led.length, 1);
    hold.resolve();
    await agent.clock.advance(2000);
    await agent.submit(allocate('d'));
    assert.equal(agent.led.length, 2);
    assert.equal(new Set(Object.values(await kube.holders())).size, 4);
    agent.stop();
  });

  test('the token of somebody else is refused, and the log says once that the agent writes by itself', async () => {
    const kube = await serverWithPool(5);
    await using _leader = await startLeader(kube);
    const said: string[] = [];
    const log: Logger = { ...silentLogger, warn: (_fields: object, text: string) => void said.push(text) };
    for (const token of ['default/default@orbweaver-controller', 'kube-system/orbweaver-agent@other', 'x']) {
      said.length = 0;
      const agent = startAgent(kube, { token, log });
      await agent.submit(allocate(`a-${token}`));
      await agent.clock.advance(2000);
      await agent.submit(allocate(`b-${token}`));
      assert.equal(agent.led.length, 0);
      assert.deepEqual(said, ['the leading controller does not answer; this agent writes pools by itself']);
      agent.stop();
      await Promise.all(['a', 'b'].map((pod) => agent.submit(release(`${pod}-${token}`))));
    }
  });

  test('an address whose request ended during the write stays until the release of the pod', async () => {
    const kube = await serverWithPool(5);
    await using _leader = await startLeader(kube);
    const agent = startAgent(kube);
    const caller = new AbortController();
    kube.before = async (call) => {
      if (!isWrite(call)) return;
      kube.before = () => {};
      caller.abort(new OrbError('DEADLINE_PASSED', { message: 'late' }));
      await new Promise((resolve) => setTimeout(resolve, 50));
    };
    await assert.rejects(agent.submit(allocate('a'), caller.signal), { code: 'DEADLINE_PASSED' });
    assert.ok(agent.writer.doubtful);
    assert.equal(await agent.submit(release('a')), '10.6.1.1');
    assert.deepEqual(await kube.holders(), {});
    agent.stop();
  });
});

test('with two leaders, deaths and lost answers, a pod has what its agent was told, and no address has two pods', async () => {
  const step = fc.record({ agent: fc.nat({ max: 3 }), verb: fc.constantFrom('allocate', 'release') });
  const accident = fc.constantFrom(
    'none',
    'refused write',
    'lost answer',
    'lost connections',
    'other leader',
  );
  // Each round has at most one request of each pod.
  const round = fc.record({ steps: fc.array(step, { maxLength: 8 }), accident });
  await fc.assert(
    fc.asyncProperty(fc.array(round, { maxLength: 6 }), async (rounds) => {
      const kube = await serverWithPool(8);
      await using one = await startLeader(kube);
      await using other = await startLeader(kube);
      const agents = Array.from({ length: 4 }, () => startAgent(kube));
      for (const { steps, accident: happens } of rounds) {
        if (happens === 'other leader') await tellLeader(kube, one.annotations);
        if (happens === 'refused write' || happens === 'lost answer') failNextWrite(kube, happens);
        if (happens === 'lost connections') cutDuringNextWrite(kube, [one, other]);
        const told = await Promise.allSettled(
          steps.map(async ({ agent, verb }, pod) =>
            agents[agent]?.submit(verb === 'allocate' ? allocate(`pod${pod}`) : release(`pod${pod}`)),
          ),
        );
        kube.before = () => {};
        await new Promise((resolve) => setTimeout(resolve, 20));
        const holders = await kube.holders();
        for (const [pod, { verb }] of steps.entries()) {
          const held = Object.keys(holders).filter((address) => holders[address] === `pod${pod}`);
          const answer = told[pod];
          if (answer?.status !== 'fulfilled') continue;
          assert.deepEqual(held, verb === 'allocate' ? [answer.value] : []);
        }
        for (const agent of agents) await agent.clock.advance(2000);
        await tellLeader(kube, other.annotations);
      }
      for (const { stop } of agents) stop();
    }),
    { numRuns: 15 },
  );
});

/** All connections to the leaders break while the next write of a pool is under way. */
function cutDuringNextWrite(kube: FakeKube, leaders: readonly Leader[]): void {
  kube.before = async (call) => {
    if (!isWrite(call)) return;
    kube.before = () => {};
    await Promise.all(leaders.map((leader) => leader.stumble()));
    await new Promise((resolve) => setTimeout(resolve, 5));
  };
}

/** The next write of a pool fails, before it is done or after it. */
function failNextWrite(kube: FakeKube, accident: 'refused write' | 'lost answer'): void {
  const fail = () => {
    throw new OrbError('KUBE_UNREACHABLE', { message: 'connection reset' });
  };
  const updateStatus = kube.updateStatus.bind(kube);
  kube.updateStatus = async (type, object) => {
    kube.updateStatus = updateStatus;
    if (accident === 'refused write') fail();
    await updateStatus(type, object);
    return fail();
  };
}
