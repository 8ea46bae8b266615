// What `orbctl gc` says and frees.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { resources } from '#api';
import { OrbError } from '#base';
import { FakeClock } from '#base/testing';
import { FakeKube } from '#kube/testing';
import { type AskNodes, runGc } from './index.ts';

const plain = (_: string, text: string) => text;
const record = (name: string) => ({ pod: `ns/${name}`, podUid: `uid-${name}`, nic: 'eth0' });

const flags = { namespace: 'kube-system' };
/** No agent answers, unless a test says otherwise. */
let nodes: AskNodes;

let kube: FakeKube;
const clock = new FakeClock(Date.parse('2026-06-01T12:00:00Z'));

beforeEach(async () => {
  kube = new FakeKube();
  nodes = { ask: async () => 'unknown', problem: undefined };
  await kube.create(resources.nodes, { metadata: { name: 'node1' } });
  await pod('runs', 'Running');
  await pod('done', 'Succeeded');
  const metadata = { name: 'waits', namespace: 'ns' };
  const current = { uid: 'uid-waits', node: 'node1', ips: [] };
  await kube.create(resources.spiderEndpoints, {
    metadata,
    status: { current, ownerControllerType: 'Pod', ownerControllerName: 'waits' },
  });
  await pool('p', {
    '10.6.0.1': record('runs'),
    '10.6.0.2': record('gone'),
    '10.6.0.3': record('waits'),
    '10.6.0.4': { ...record('done'), nic: undefined },
  });
});

async function pod(name: string, phase: 'Running' | 'Succeeded'): Promise<void> {
  await kube.create(
    resources.pods,
    resources.pods.schema.parse({
      metadata: { name, namespace: 'ns', uid: `uid-${name}`, creationTimestamp: '2026-06-01T11:00:00Z' },
      spec: { nodeName: 'gone-node', containers: [] },
      status: { phase, podIPs: [{ ip: '10.244.0.1' }] },
    }),
  );
}

async function pool(name: string, records: object): Promise<void> {
  const spec = { subnet: '10.6.0.0/16', ips: ['10.6.0.1-10.6.0.9'], default: false, disable: false };
  await kube.create(resources.spiderIPPools, {
    metadata: { name },
    spec,
    status: { allocatedIPs: JSON.stringify(records) },
  });
}

async function held(): Promise<string[]> {
  const { status } = await kube.get(resources.spiderIPPools, { name: 'p' });
  return Object.keys(JSON.parse(status?.allocatedIPs ?? '{}') as object);
}

test('a dry run explains every verdict and writes nothing', async () => {
  const text = await runGc(kube, clock, nodes, { ...flags, dryRun: true, output: 'text' }, plain);
  assert.deepEqual(text.split('\n'), [
    'POOL  ADDRESS   HOLDER    NIC   SANDBOX  VERDICT  SINCE                 REASON',
    'p     10.6.0.1  ns/runs   eth0  -        keep     2026-06-01T11:00:00Z  pod ns/runs runs',
    'p     10.6.0.2  ns/gone   eth0  unknown  free     -                     pod ns/gone is gone, and it has no SpiderEndpoint',
    'p     10.6.0.3  ns/waits  eth0  unknown  wait     -                     pod ns/waits is gone, and the address is not fixed, but node node1 does not say whether its sandbox is gone',
    'p     10.6.0.4  ns/done   -     -        free     2026-06-01T11:00:00Z  pod ns/done has finished',
    '4 recorded addresses: 2 would be freed, 1 wait, 1 kept',
  ]);
  const writes = kube.calls.filter(({ verb }) => ['patch', 'updateStatus', 'delete'].includes(verb));
  assert.deepEqual(writes, []);
});

test('without --dry-run it frees what the table allows, with one write for the pool', async () => {
  const text = await runGc(kube, clock, nodes, { ...flags, dryRun: false, output: 'text' }, plain);
  assert.match(text, /^p +10\.6\.0\.2 .* freed /m);
  assert.match(text, /4 recorded addresses: 2 freed, 1 wait, 1 kept$/);
  assert.deepEqual(await held(), ['10.6.0.1', '10.6.0.3']);
  assert.equal(kube.count('patch', 'spiderippools'), 1);
});

test('as JSON it says the same, with the time at which a waiting address is judged again', async () => {
  const text = await runGc(kube, clock, nodes, { ...flags, dryRun: true, output: 'json' }, plain);
  const { addresses, unreadable } = JSON.parse(text) as { addresses: object[]; unreadable: object[] };
  assert.deepEqual(unreadable, []);
  assert.deepEqual(addresses[2], {
    ...{ pool: 'p', address: '10.6.0.3', pod: 'ns/waits', podUid: 'uid-waits', nic: 'eth0' },
    ...{ sandbox: 'unknown', verdict: 'wait', freed: false, since: null, until: '2026-06-01T12:01:00Z' },
    reason:
      'pod ns/waits is gone, and the address is not fixed, but node node1 does not say whether its sandbox is gone',
  });
  assert.equal((addresses[3] as { nic: unknown }).nic, null);
});

test('it shows what the node said: a sandbox that is gone frees the address, and one that lives keeps it', async () => {
  const asked: string[] = [];
  const says = (answer: 'gone' | 'alive') => ({
    ask: async (node: string | undefined, podUid: string) => {
      asked.push(`${node} ${podUid}`);
      return podUid === 'uid-gone' ? 'unknown' : answer;
    },
    problem: undefined,
  });
  nodes = says('alive');
  const kept = await runGc(kube, clock, nodes, { ...flags, dryRun: true, output: 'text' }, plain);
  assert.match(
    kept,
    /^p +10\.6\.0\.3 +ns\/waits +eth0 +alive +keep .*its sandbox still runs on node node1$/m,
  );
  assert.deepEqual(asked, ['undefined uid-gone', 'node1 uid-waits'], 'nothing depends on other answers');
  nodes = says('gone');
  const freed = await runGc(kube, clock, nodes, { ...flags, dryRun: false, output: 'text' }, plain);
  assert.match(freed, /^p +10\.6\.0\.3 +ns\/waits +eth0 +gone +freed /m);
  assert.deepEqual(await held(), ['10.6.0.1']);
});

test('it says why the nodes could not be asked', async () => {
  nodes = { ...nodes, problem: 'no controller leads' };
  const text = await runGc(kube, clock, nodes, { ...flags, dryRun: true, output: 'text' }, plain);
  assert.match(text, /^the nodes could not be asked: no controller leads$/m);
  const json = await runGc(kube, clock, nodes, { ...flags, dryRun: true, output: 'json' }, plain);
  assert.equal((JSON.parse(json) as { nodesUnasked: string }).nodesUnasked, 'no controller leads');
});

test('a pod that is made between the survey and the write keeps its address', async () => {
  kube.before = async ({ verb, plural, name }) => {
    if (verb !== 'get' || plural !== 'pods' || name !== 'gone') return;
    kube.before = () => {};
    await pod('gone', 'Running');
  };
  const text = await runGc(kube, clock, nodes, { ...flags, dryRun: false, output: 'text' }, plain);
  assert.match(text, /^p +10\.6\.0\.2 .* keep .*pod ns\/gone runs$/m);
  assert.ok((await held()).includes('10.6.0.2'));
});

test('a list that fails ends it before anything is judged', async () => {
  kube.before = ({ verb, plural }) => {
    if (verb === 'list' && plural === 'pods')
      throw new OrbError('KUBE_UNREACHABLE', { message: 'no answer' });
  };
  await assert.rejects(
    runGc(kube, clock, nodes, { ...flags, dryRun: false, output: 'text' }, plain),
    /no answer/,
  );
  assert.equal(kube.count('patch', 'spiderippools'), 0);
});

test('a pool whose records cannot be read is named and left alone', async () => {
  const spec = { subnet: '10.7.0.0/16', ips: [], default: false, disable: false };
  await kube.create(resources.spiderIPPools, {
    metadata: { name: 'bad' },
    spec,
    status: { allocatedIPs: '{' },
  });
  const text = await runGc(kube, clock, nodes, { ...flags, dryRun: false, output: 'text' }, plain);
  assert.match(text, /^pool bad is left alone: .*SpiderIPPool bad/m);
  assert.match(text, /2 freed/);
});

test('what a provider of an IaaS may have bound is left to the controller', async () => {
  await pool('bound', {
    '10.6.0.9': { ...record('gone'), iaas: { node: 'node1', parentNicMac: 'fa:16:3e:11:22:33' } },
  });
  const text = await runGc(kube, clock, nodes, { ...flags, dryRun: false, output: 'text' }, plain);
  assert.match(text, /^bound +10\.6\.0\.9 .* keep .*but the controller frees it, after the provider/m);
  const { status } = await kube.get(resources.spiderIPPools, { name: 'bound' });
  assert.match(status?.allocatedIPs ?? '', /10\.6\.0\.9/);
});
