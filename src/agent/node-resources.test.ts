import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type Node, resources } from '#api';
import { OrbError, silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import { FakeKube } from '#kube/testing';
import type { Amounts } from '#plan/openstack';
import { NodeResources } from './node-resources.ts';

const name = 'openstack.orbweaver.io/addresses';

async function scene(status: Node['status']) {
  const stop = new AbortController();
  const kube = new FakeKube();
  const clock = new FakeClock();
  await kube.create(resources.nodes, { metadata: { name: 'n1' } });
  let known: Node = await kube.get(resources.nodes, { name: 'n1' });
  known = await kube.updateStatus(resources.nodes, { ...known, status });
  let wanted: Amounts = new Map();
  const report = new NodeResources({
    ...{ nodeName: 'n1', node: () => known, client: kube, clock, log: silentLogger },
    amounts: async () => wanted,
  });
  const done = report.run(stop.signal);
  return {
    kube,
    report,
    want: (amount?: number | 'unknown') => {
      wanted = new Map(amount === undefined ? [] : [[name, amount]]);
      report.changed();
    },
    pass: async (ms: number) => {
      for (let i = 0; i < 20; i++) await turn();
      await clock.advance(ms);
      for (let i = 0; i < 20; i++) await turn();
      known = await kube.get(resources.nodes, { name: 'n1' });
      return known.status;
    },
    end: async () => {
      stop.abort(new Error('the test is over'));
      await done;
    },
  };
}

test('the Node says at once how many there are, and nothing else of its status is touched', async () => {
  const capacity = { cpu: '4', 'example.com/own': '2' };
  const { want, pass, kube, end } = await scene({ capacity, allocatable: { cpu: '3' } });
  await pass(0);
  want(5);
  assert.deepEqual(await pass(200), {
    capacity: { ...capacity, [name]: '5' },
    allocatable: { cpu: '3', [name]: '5' },
  });
  const writes = kube.count('patch', 'nodes');
  want('unknown');
  await pass(60_000);
  assert.equal(kube.count('patch', 'nodes'), writes, 'what is not known is left');
  want();
  assert.deepEqual(await pass(200), { capacity, allocatable: { cpu: '3' } });
  await end();
});

test('what kubelet removes when it starts comes back, and a refused write is tried again', async () => {
  const { want, pass, kube, end } = await scene({ capacity: { [name]: '0' } });
  let isRefused = true;
  kube.before = async ({ verb }) => {
    if (verb === 'patch' && isRefused) throw new OrbError('KUBE_FORBIDDEN', { message: 'no right' });
  };
  await pass(0);
  want(3);
  assert.equal((await pass(200))?.capacity?.[name], '0');
  isRefused = false;
  assert.equal((await pass(60_000))?.capacity?.[name], '3');
  await end();
});
