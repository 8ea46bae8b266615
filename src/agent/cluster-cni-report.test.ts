import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type Node, resources } from '#api';
import { OrbError, silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import { FakeKube } from '#kube/testing';
import { CLUSTER_CNI_ANNOTATION, type CniFile } from '#plan/discovery';
import { ClusterCniReport } from './cluster-cni-report.ts';

const confOf = (type: string): CniFile[] => [
  { name: '10-net.conf', text: JSON.stringify({ name: 'net', type }) },
];
const said = (type: string) => JSON.stringify({ name: 'net', types: [type] });

/** A report that runs on a fake clock, and a Node that the watch delivers at once. */
async function running(stop: AbortSignal, files: () => CniFile[]) {
  const kube = new FakeKube();
  const clock = new FakeClock();
  const warnings: string[] = [];
  let known: Node | undefined;
  const log = { ...silentLogger, warn: (_: object, text: string) => void warnings.push(text) };
  const parts = { nodeName: 'n1', node: () => known, files: async () => files(), client: kube, clock, log };
  const done = new ClusterCniReport(parts).run(stop);
  const look = async (ms = 5_000) => {
    known = await kube.get(resources.nodes, { name: 'n1' }).catch(() => undefined);
    await clock.advance(ms);
    for (let i = 0; i < 20; i++) await turn();
    return (await kube.get(resources.nodes, { name: 'n1' })).metadata.annotations;
  };
  return { kube, look, warnings, done };
}

test('the Node is told the CNI configuration, again when it changes, and nothing else of it is touched', async () => {
  const stop = new AbortController();
  let files: CniFile[] = [];
  const { kube, look, done } = await running(stop.signal, () => files);
  const annotations = { 'example.com/own': 'kept' };
  await kube.create(resources.nodes, { metadata: { name: 'n1', annotations } });
  assert.deepEqual(await look(), { ...annotations, [CLUSTER_CNI_ANNOTATION]: '{"name":"","types":[]}' });
  files = confOf('calico');
  assert.deepEqual(await look(), { ...annotations, [CLUSTER_CNI_ANNOTATION]: said('calico') });
  const writes = kube.count('patch', 'nodes');
  await look();
  await look();
  assert.equal(kube.count('patch', 'nodes'), writes);
  files = confOf('flannel');
  assert.equal((await look())?.[CLUSTER_CNI_ANNOTATION], said('flannel'));
  const body = { metadata: { annotations: { [CLUSTER_CNI_ANNOTATION]: 'edited' } } };
  await kube.patch(resources.nodes, { name: 'n1' }, { type: 'merge', body });
  assert.equal((await look())?.[CLUSTER_CNI_ANNOTATION], said('flannel'));
  stop.abort();
  await done;
});

test('a refusal is logged once, and tried again', async () => {
  const stop = new AbortController();
  const { kube, look, warnings, done } = await running(stop.signal, () => confOf('calico'));
  await kube.create(resources.nodes, { metadata: { name: 'n1' } });
  kube.before = ({ verb }) => {
    if (verb === 'patch') throw new OrbError('KUBE_FORBIDDEN', { message: 'no' });
  };
  for (let i = 0; i < 4; i++) await look(60_000);
  assert.equal(warnings.length, 1);
  assert.ok(kube.count('patch', 'nodes') > 1);
  kube.before = () => {};
  assert.equal((await look(60_000))?.[CLUSTER_CNI_ANNOTATION], said('calico'));
  stop.abort();
  await done;
});
