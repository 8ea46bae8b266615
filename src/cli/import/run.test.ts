// Imports from Whereabouts and host-local as commands: dry run, there, again, and back.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { foreignResources, NETWORK_STATUS_ANNOTATION, resources, type SpiderIPPool } from '#api';
import { OrbError } from '#base';
import { FakeKube } from '#kube/testing';
import { orbweaverPrograms } from '#plan/testing';
import type { MigrateAction } from '../migrate.ts';
import { runImport } from './index.ts';

const { networkAttachmentDefinitions: definitions, spiderIPPools } = resources;
const lan = { cniVersion: '0.3.1', type: 'macvlan', ipam: { type: 'whereabouts', range: '10.6.0.0/24' } };
/** As a user wrote it. */
const lanText = JSON.stringify(lan, undefined, 2);
const POOL = 'whereabouts-10-6-0-1-24';
const folder = mkdtempSync(join(tmpdir(), 'import-'));
let kube: FakeKube;
let nowMs: number;
/** Runs while the command waits. */
let meanwhile: () => Promise<void>;

after(() => rmSync(folder, { recursive: true }));

beforeEach(async () => {
  kube = new FakeKube();
  nowMs = 1_000_000;
  meanwhile = async () => {};
  for (const object of orbweaverPrograms().daemonSets) await kube.create(resources.daemonSets, object);
  await kube.create(definitions, {
    metadata: { name: 'lan', namespace: 'default' },
    spec: { config: lanText },
  });
  await kube.create(foreignResources.whereaboutsPools, {
    metadata: { name: '10.6.0.0-24', namespace: 'kube-system' },
    spec: {
      range: '10.6.0.0/24',
      allocations: {
        '1': { id: 's1', podref: 'default/a', ifname: 'net1' },
        '2': { id: 's2', podref: 'default/gone', ifname: 'net1' },
      },
    },
  });
  await pod('a', '10.6.0.1');
});

async function pod(name: string, ip: string): Promise<void> {
  const shown = JSON.stringify([{ name: 'default/lan', interface: 'net1', ips: [ip] }]);
  await kube.create(resources.pods, {
    metadata: {
      ...{ name, namespace: 'default', uid: `uid-${name}` },
      annotations: { [NETWORK_STATUS_ANNOTATION]: shown },
    },
    spec: { nodeName: 'node1', containers: [{ name: 'c' }] },
    status: { phase: 'Running' },
  });
}

async function run(
  action: MigrateAction,
  more: { source?: 'whereabouts' | 'host-local'; data?: string[]; output?: 'text' | 'json' | 'values' } = {},
) {
  const lines: string[] = [];
  const say = (text: string) => lines.push(...text.split('\n'));
  // Time passes only while somebody waits.
  const sleep = async (ms: number) => {
    nowMs += ms;
    await meanwhile();
  };
  const clock = { now: () => nowMs, monotonic: () => nowMs, sleep };
  const parts = { client: kube, clock, paint: (_: string, text: string) => text, say };
  const { source = 'whereabouts', data = [], output = 'text' } = more;
  const exitCode = await runImport(parts, source, { action, output, data, settleSeconds: 120 });
  return { exitCode, lines };
}

const poolNamed = (name = POOL) => kube.get(spiderIPPools, { name });
const definitionNow = () => kube.get(definitions, { namespace: 'default', name: 'lan' });
const recordsOf = ({ status }: SpiderIPPool) =>
  JSON.parse(status?.allocatedIPs ?? '{}') as Readonly<Record<string, object>>;

test('a dry run changes nothing, and lists networks, pools, and addresses of unknown holders', async () => {
  const made = kube.calls.length;
  const { exitCode, lines } = await run('dry-run');
  assert.equal(exitCode, 0);
  assert.deepEqual([...new Set(kube.calls.slice(made).map(({ verb }) => verb))], ['list']);
  assert.deepEqual(lines, [
    '1 network of whereabouts, 1 pool of Orbweaver',
    'networks:',
    '  NETWORK      CHANGE                               POOLS',
    `  default/lan  ipam whereabouts becomes spiderpool  ${POOL}`,
    'pools:',
    '  POOL                     SUBNET       ADDRESSES            STATE   RECORDED  TO RECORD  LEFT OUT',
    `  ${POOL}  10.6.0.0/24  10.6.0.1-10.6.0.254  wanted  0         1          1`,
    'addresses of unknown holders, which the pools leave out:',
    '  10.6.0.2 is in IPPool kube-system/10.6.0.0-24, and pod default/gone does not show it',
    'before you begin:',
    '  configurations in files of the nodes, as in /etc/cni/net.d, are not seen: change them by hand',
    'nothing stands in the way',
  ]);
  const json = JSON.parse((await run('dry-run', { output: 'json' })).lines.join('\n')) as {
    readonly pools: readonly { readonly leftOut: unknown }[];
  };
  assert.deepEqual(json.pools[0]?.leftOut, ['10.6.0.2']);
});

test('the pool opens last, when it knows also what Whereabouts gave after the switch', async () => {
  let sawClosed = false;
  meanwhile = async () => {
    // A pod that read the old definition gets an address of Whereabouts.
    sawClosed = (await poolNamed()).spec?.disable === true;
    await pod('late', '10.6.0.3');
  };
  const { exitCode, lines } = await run('apply');
  assert.equal(exitCode, 0);
  assert.ok(sawClosed);
  assert.deepEqual(lines, [
    `SpiderIPPool ${POOL} is made, and gives out no address yet`,
    'NetworkAttachmentDefinition default/lan is switched',
    'waiting 120 s: a pod that was starting may still get an address of whereabouts',
    `SpiderIPPool ${POOL} is open: 2 addresses recorded, 1 left out`,
    'left out: 10.6.0.2 is in IPPool kube-system/10.6.0.0-24, and pod default/gone does not show it',
    'new pods get their addresses from Orbweaver',
  ]);
  const pool = await poolNamed();
  assert.equal(pool.spec?.disable, false);
  assert.deepEqual(pool.spec.excludeIPs, ['10.6.0.2']);
  assert.deepEqual(recordsOf(pool), {
    '10.6.0.1': { pod: 'default/a', podUid: 'uid-a', nic: 'net1' },
    '10.6.0.3': { pod: 'default/late', podUid: 'uid-late', nic: 'net1' },
  });
  assert.match((await definitionNow()).spec?.config ?? '', /"ipam":\{"type":"spiderpool"/);
});

test('an import that is cut off after any write goes on, and a second one adds what is new', async () => {
  for (let writes = 0; writes < 6; writes++) {
    let left = writes;
    kube.before = ({ verb }) => {
      if (!['create', 'patch', 'updateStatus'].includes(verb) || left-- > 0) return;
      kube.before = () => {};
      throw new OrbError('KUBE_UNREACHABLE', { message: 'cut off' });
    };
    await run('apply').catch(() => {});
    kube.before = () => {};
    assert.equal((await run('apply')).exitCode, 0);
    assert.deepEqual(Object.keys(recordsOf(await poolNamed())), ['10.6.0.1'], `after ${writes} writes`);
    assert.equal((await run('back')).exitCode, 0);
    assert.equal((await definitionNow()).spec?.config, lanText);
    await kube.delete(spiderIPPools, { name: POOL });
  }
  await run('apply');
  await pod('inline', '10.6.0.4');
  const before = await definitionNow();
  const { lines } = await run('apply');
  assert.equal(lines[0], `SpiderIPPool ${POOL} is open: 1 address recorded`);
  assert.deepEqual(await definitionNow(), before);
});

test('an import that another command took back meanwhile opens no pool', async () => {
  meanwhile = async () => {
    meanwhile = async () => {};
    assert.equal((await run('back')).exitCode, 0);
  };
  const { exitCode, lines } = await run('apply');
  assert.equal(exitCode, 1);
  assert.deepEqual(lines.slice(-2), [
    'in the way:',
    '  default/lan was changed meanwhile: repeat the command',
  ]);
  assert.equal((await poolNamed()).spec?.disable, true);
  assert.equal((await run('apply')).exitCode, 0);
});

test('a network that is made during the wait gets its pool with the next command', async () => {
  meanwhile = async () => {
    meanwhile = async () => {};
    const ipam = { type: 'whereabouts', range: '10.7.0.0/24' };
    const config = JSON.stringify({ cniVersion: '0.3.1', type: 'macvlan', ipam });
    await kube.create(definitions, { metadata: { name: 'new', namespace: 'default' }, spec: { config } });
  };
  const { exitCode, lines } = await run('apply');
  assert.equal(exitCode, 1);
  assert.equal(lines.at(-1), '  default/new was changed meanwhile: repeat the command');
  assert.equal((await run('apply')).exitCode, 0);
});

test('from host-local, a folder of the node itself is read after the wait', async () => {
  const ipam = { type: 'host-local', subnet: '10.6.0.0/24' };
  const config = JSON.stringify({ cniVersion: '1.0.0', name: 'live', type: 'macvlan', ipam });
  const ref = { namespace: 'default', name: 'lan' };
  await kube.patch(definitions, ref, { type: 'merge', body: { spec: { config } } });
  const live = join(folder, 'live-node', 'live');
  mkdirSync(live, { recursive: true });
  meanwhile = async () => writeFileSync(join(live, '10.6.0.7'), '0123\r\nnet1');
  const data = [`node1=${join(folder, 'live-node')}`];
  assert.equal((await run('apply', { source: 'host-local', data })).exitCode, 0);
  assert.deepEqual((await poolNamed('host-local-10-6-0-2-24')).spec?.excludeIPs, ['10.6.0.7']);
});

test('the way back closes the pool first, and Whereabouts knows the addresses that Orbweaver gave', async () => {
  await run('apply');
  const pool = await poolNamed();
  const records = { ...recordsOf(pool), '10.6.0.9': { pod: 'default/new', podUid: 'uid-new', nic: 'net1' } };
  const status = { ...pool.status, allocatedIPs: JSON.stringify(records) };
  await kube.updateStatus(spiderIPPools, { ...pool, status });
  const { exitCode, lines } = await run('back');
  assert.equal(exitCode, 0);
  assert.deepEqual(lines, [
    `SpiderIPPool ${POOL} is closed: new pods of its networks wait`,
    'IPPool kube-system/10.6.0.0-24 of Whereabouts knows 1 address more',
    'NetworkAttachmentDefinition default/lan has its old configuration',
    'new pods get their addresses from whereabouts',
  ]);
  const [theirs] = (await kube.list(foreignResources.whereaboutsPools)).items;
  assert.deepEqual(theirs?.spec.allocations['9'], {
    ...{ id: 'uid-new', podref: 'default/new', ifname: 'net1' },
  });
  assert.equal(Object.keys(theirs?.spec.allocations ?? {}).length, 3);
  const { metadata, spec } = await definitionNow();
  assert.equal(spec?.config, lanText);
  assert.deepEqual(Object.keys(metadata.annotations ?? {}), []);
  assert.equal((await run('apply')).exitCode, 0);
});

test('a definition that was changed after the import is not overwritten on the way back', async () => {
  await run('apply');
  const config = ((await definitionNow()).spec?.config ?? '').replace('macvlan', 'ipvlan');
  const ref = { namespace: 'default', name: 'lan' };
  await kube.patch(definitions, ref, { type: 'merge', body: { spec: { config } } });
  const { exitCode, lines } = await run('back');
  assert.equal(exitCode, 1);
  assert.deepEqual(lines, [
    'in the way:',
    '  default/lan was changed after the import: give it the IPAM of its annotation orbweaver.io/before-import by hand',
  ]);
  assert.equal((await definitionNow()).spec?.config, config);
  assert.equal((await poolNamed()).spec?.disable, false);
});

test('a definition that somebody changed meanwhile is not overwritten', async () => {
  kube.before = async ({ verb, plural }) => {
    if (verb !== 'patch' || plural !== 'network-attachment-definitions') return;
    kube.before = () => {};
    const now = await definitionNow();
    await kube.update(definitions, { ...now, metadata: { ...now.metadata, labels: { other: 'kept' } } });
  };
  await assert.rejects(run('apply'), { code: 'KUBE_CONFLICT' });
  assert.equal((await run('apply')).exitCode, 0);
  assert.deepEqual((await definitionNow()).metadata.labels, { other: 'kept' });
});

test('while something stands in the way, nothing is changed', async () => {
  await pod('b', '10.6.0.1');
  const { exitCode, lines } = await run('apply');
  assert.equal(exitCode, 1);
  assert.deepEqual(lines, [
    'in the way:',
    '  10.6.0.1 is shown by pods default/a and default/b: restart one of them first',
  ]);
  assert.equal((await kube.list(spiderIPPools)).items.length, 0);
  assert.equal((await definitionNow()).spec?.config, lanText);
});

test('from host-local, the pool opens when the files of every node with such pods were read', async () => {
  const ipam = { type: 'host-local', subnet: '10.6.0.0/24' };
  const config = JSON.stringify({ cniVersion: '1.0.0', name: 'lan-net', type: 'macvlan', ipam });
  await kube.patch(
    definitions,
    { namespace: 'default', name: 'lan' },
    { type: 'merge', body: { spec: { config } } },
  );
  const source = 'host-local';
  const first = await run('apply', { source });
  assert.equal(first.exitCode, 1);
  assert.match(
    first.lines.at(-1) ?? '',
    /copy \/var\/lib\/cni\/networks of each node, .*: --data node1=FOLDER$/,
  );
  const name = 'host-local-10-6-0-2-24';
  assert.equal((await poolNamed(name)).spec?.disable, true);

  mkdirSync(join(folder, 'node1', 'lan-net'), { recursive: true });
  for (const [file, content] of Object.entries({
    '10.6.0.1': '0123\r\nnet1',
    '10.6.0.5': '4567\r\nnet1',
    lock: '',
    'last_reserved_ip.0': '10.6.0.5',
  }))
    writeFileSync(join(folder, 'node1', 'lan-net', file), content);
  const { exitCode, lines } = await run('apply', { source, data: [`node1=${join(folder, 'node1')}`] });
  assert.equal(exitCode, 0);
  assert.deepEqual(lines, [
    `SpiderIPPool ${name} is open: 1 address recorded, 1 left out`,
    'left out: 10.6.0.5 is in file lan-net/10.6.0.5 of node node1, and no pod shows it',
    'new pods get their addresses from Orbweaver',
  ]);

  const current = { uid: 'uid-a', node: 'node1', ips: [] };
  await kube.create(resources.spiderEndpoints, {
    metadata: { name: 'a', namespace: 'default' },
    status: { current, ownerControllerType: 'None', ownerControllerName: 'a' },
  });
  const back = await run('back', { source });
  assert.equal(back.exitCode, 1);
  assert.deepEqual(back.lines, [
    `SpiderIPPool ${name} is closed: new pods of its networks wait`,
    'in the way:',
    '  pod default/a has 10.6.0.1 from Orbweaver, and host-local would give it again: delete the pod',
  ]);
  await kube.delete(resources.spiderEndpoints, { namespace: 'default', name: 'a' });
  assert.equal((await run('back', { source })).exitCode, 0);
  assert.equal((await definitionNow()).spec?.config, config);
});

test('wrong words, and a cluster without such networks, are errors that say so', async () => {
  await assert.rejects(run('dry-run', { source: 'host-local' }), { code: 'MIGRATION_SOURCE_MISSING' });
  await assert.rejects(run('dry-run', { output: 'values' }), /--output values is for --from spiderpool/);
  await assert.rejects(run('dry-run', { data: ['a=b'] }), /--data is for --from host-local/);
  const source = 'host-local';
  await assert.rejects(run('dry-run', { source, data: ['a'] }), /"a" does not have the form NODE=FOLDER/);
  const nowhere = join(folder, 'none');
  await assert.rejects(
    run('dry-run', { source, data: [`n=${nowhere}`] }),
    /the folder cannot be read: ENOENT/,
  );
});
