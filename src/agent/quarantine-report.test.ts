import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type Node, resources } from '#api';
import { OrbError, silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import { parseAddress } from '#ip';
import { FakeKube } from '#kube/testing';
import { QUARANTINE_ANNOTATION, QUARANTINE_MS, quarantinesOf } from '#plan/ipam';
import { QuarantineReport } from './quarantine-report.ts';

const conflict = (address: string, outcome: 'quarantined' | 'kept' = 'quarantined') => ({
  ...{ pod: { namespace: 'ns', name: 'p', uid: 'u' }, nic: 'eth0', mac: '02:00:00:00:00:01' },
  ...{ address: parseAddress(address), outcome },
});

test('the Node tells what is in quarantine and at which machine, until it ends, and nothing else of it is touched', async () => {
  const stop = new AbortController();
  const kube = new FakeKube();
  const clock = new FakeClock();
  await kube.create(resources.nodes, {
    metadata: { name: 'n1', annotations: { 'example.com/own': 'kept' } },
  });
  let known: Node = await kube.get(resources.nodes, { name: 'n1' });
  const report = new QuarantineReport({
    nodeName: 'n1',
    node: () => known,
    client: kube,
    clock,
    log: silentLogger,
  });
  const done = report.run(stop.signal);
  const pass = async (ms = 0) => {
    await clock.advance(ms);
    for (let i = 0; i < 20; i++) await turn();
    known = await kube.get(resources.nodes, { name: 'n1' });
    return quarantinesOf([known], 0).map(({ address: _, ...rest }) => rest);
  };
  assert.deepEqual(await pass(), []);
  report.note(conflict('10.6.0.2', 'kept'));
  assert.deepEqual(await pass(), [], 'a kept address is not in quarantine');
  const untilMs = clock.now() + QUARANTINE_MS;
  report.note(conflict('10.6.0.1'));
  assert.deepEqual(await pass(), [{ mac: '02:00:00:00:00:01', untilMs, node: 'n1' }]);
  assert.equal(known.metadata.annotations?.['example.com/own'], 'kept');
  const writes = kube.count('patch', 'nodes');
  await pass(QUARANTINE_MS / 2);
  assert.equal(kube.count('patch', 'nodes'), writes, 'nothing is written twice');
  await pass(QUARANTINE_MS);
  assert.equal(known.metadata.annotations?.[QUARANTINE_ANNOTATION], undefined);
  stop.abort(new Error('the test is over'));
  await done;
});

test('a refused write is tried again, and a thousand conflicts make a short annotation', async () => {
  const stop = new AbortController();
  const kube = new FakeKube();
  const clock = new FakeClock();
  await kube.create(resources.nodes, { metadata: { name: 'n1' } });
  const node = await kube.get(resources.nodes, { name: 'n1' });
  const report = new QuarantineReport({
    nodeName: 'n1',
    node: () => node,
    client: kube,
    clock,
    log: silentLogger,
  });
  for (let i = 0; i < 1000; i++) report.note(conflict(`10.6.${Math.floor(i / 250)}.${i % 250}`));
  let refusals = 2;
  kube.before = ({ verb }) => {
    if (verb === 'patch' && refusals-- > 0) throw new OrbError('KUBE_UNREACHABLE', { message: 'no answer' });
  };
  const done = report.run(stop.signal);
  for (let i = 0; i < 5; i++) {
    await clock.advance(5_000);
    for (let turns = 0; turns < 20; turns++) await turn();
  }
  const written = await kube.get(resources.nodes, { name: 'n1' });
  assert.equal(quarantinesOf([written], clock.now()).length, 32);
  stop.abort(new Error('the test is over'));
  await done;
});
