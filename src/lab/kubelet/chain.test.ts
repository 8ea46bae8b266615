import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type NetConfList, parseNetConfList } from '#api';
import { OrbError } from '#base';
import type { Attachment } from './attachment.ts';
import { Chain } from './chain.ts';
import type { PluginCall } from './plugin.ts';
import { ResultCache } from './result-cache.ts';

const attachment: Attachment = {
  containerId: 'c1',
  netns: '/run/netns/c1',
  interface: 'eth0',
  args: [
    ['IgnoreUnknown', '1'],
    ['K8S_POD_NAME', 'web'],
  ],
  capabilityArgs: { mac: '02:00:00:00:00:01', ips: ['10.6.0.9'] },
};

function list(cniVersion: string, more: object = {}): NetConfList {
  const plugins = [
    { type: 'first', capabilities: { mac: true } },
    { type: 'second', own: 1 },
  ];
  return parseNetConfList(JSON.stringify({ cniVersion, name: 'lan', plugins, ...more }), { subject: 'test' });
}

/** Plugins that answer with what `answers` says, and remember how they were called. */
function chainOf(t: TestContext, answers: (call: PluginCall) => unknown) {
  const folder = mkdtempSync(join(tmpdir(), 'chain-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const calls: PluginCall[] = [];
  const run = (call: PluginCall) => {
    calls.push(call);
    return Promise.resolve().then(() => answers(call));
  };
  return { chain: new Chain(run, new ResultCache(folder)), calls, folder };
}

const addresses = { first: '10.6.0.9/16', second: '10.6.0.10/16' };

function result({ verb, type }: PluginCall): unknown {
  if (verb !== 'ADD') return undefined;
  return { cniVersion: '1.0.0', ips: [{ address: addresses[type as 'first' | 'second'] }] };
}

test('ADD gives each plugin its name, the version, the CNI variables and the previous result', async (t) => {
  const { chain, calls } = chainOf(t, result);
  const added = await chain.add(list('1.0.0'), attachment);
  assert.deepEqual(added.ips, [{ address: '10.6.0.10/16' }]);
  assert.deepEqual(calls[0]?.variables, {
    CNI_CONTAINERID: 'c1',
    CNI_NETNS: '/run/netns/c1',
    CNI_IFNAME: 'eth0',
    CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAME=web',
  });
  assert.deepEqual(calls[0].conf, {
    type: 'first',
    capabilities: { mac: true },
    name: 'lan',
    cniVersion: '1.0.0',
    runtimeConfig: { mac: '02:00:00:00:00:01' },
  });
  assert.deepEqual(calls[1]?.conf, {
    type: 'second',
    own: 1,
    name: 'lan',
    cniVersion: '1.0.0',
    prevResult: { cniVersion: '1.0.0', ips: [{ address: '10.6.0.9/16' }] },
  });
});

test('an unknown version is passed to the plugin unchanged, so that its error names the version', async (t) => {
  const { chain, calls } = chainOf(t, () => undefined);
  await chain.add(list('9.9'), attachment).catch(() => {}); // what the plugin says of it
  assert.equal(calls[0]?.conf.cniVersion, '9.9');
});

test('a result is passed on in the version of the configuration, whatever version the plugin used', async (t) => {
  const { chain, calls } = chainOf(t, (call) => ({ ...(result(call) as object), cniVersion: '1.1.0' }));
  await chain.add(list('0.4.0'), attachment);
  assert.deepEqual(calls[1]?.conf.prevResult, {
    cniVersion: '0.4.0',
    ips: [{ version: '4', address: '10.6.0.9/16' }],
  });
});

test('DEL and CHECK get the final result of ADD, and DEL runs in reverse order and removes the result', async (t) => {
  const { chain, calls, folder } = chainOf(t, result);
  await chain.add(list('1.0.0'), attachment);
  const [file = ''] = readdirSync(folder);
  assert.equal(file, 'lan-c1-eth0');
  const cached = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { readonly kind: string };
  assert.equal(cached.kind, 'cniCacheV1');
  await chain.check(list('1.0.0'), attachment);
  await chain.del(list('1.0.0'), attachment);
  assert.deepEqual(
    calls.slice(2).map(({ verb, type }) => `${verb} ${type}`),
    ['CHECK first', 'CHECK second', 'DEL second', 'DEL first'],
  );
  const final = { cniVersion: '1.0.0', ips: [{ address: '10.6.0.10/16' }] };
  for (const { conf } of calls.slice(2)) assert.deepEqual(conf.prevResult, final);
  assert.deepEqual(readdirSync(folder), []);
});

test('DEL without a cached result runs without prevResult', async (t) => {
  const { chain, calls } = chainOf(t, () => undefined);
  await chain.del(list('1.0.0'), attachment);
  assert.deepEqual(
    calls.map(({ type, conf }) => [type, 'prevResult' in conf]),
    [
      ['second', false],
      ['first', false],
    ],
  );
});

test('DEL stops at the first error and keeps the cached result for the next attempt', async (t) => {
  let fails = true;
  const { chain, calls, folder } = chainOf(t, (call) => {
    if (call.verb === 'DEL' && fails) throw new OrbError('LAB_PLUGIN_FAILED', { message: 'busy' });
    return result(call);
  });
  await chain.add(list('1.0.0'), attachment);
  await assert.rejects(chain.del(list('1.0.0'), attachment), /busy/);
  assert.deepEqual(
    calls.slice(2).map(({ type }) => type),
    ['second'],
  );
  assert.deepEqual(readdirSync(folder), ['lan-c1-eth0']);
  fails = false;
  await chain.del(list('1.0.0'), attachment);
  assert.deepEqual(readdirSync(folder), []);
});

test('CHECK requires version 0.4.0, and is skipped when the list disables it', async (t) => {
  const { chain, calls } = chainOf(t, result);
  await chain.add(list('0.3.1'), attachment);
  await chain.check(list('0.3.1'), attachment);
  await chain.check(list('1.0.0', { disableCheck: true }), attachment);
  assert.ok(calls.every(({ verb }) => verb === 'ADD'));
});

test('GC removes cached attachments that are not valid, then passes the valid ones to every plugin of 1.1.0', async (t) => {
  const { chain, calls } = chainOf(t, result);
  const stale = { ...attachment, containerId: 'c2' };
  await chain.add(list('1.1.0'), attachment);
  await chain.add(list('1.1.0'), stale);
  calls.length = 0;
  await chain.gc(list('1.1.0'), [attachment]);
  assert.deepEqual(
    calls.map(({ verb, type, variables }) => [verb, type, variables.CNI_CONTAINERID]),
    [
      ['DEL', 'second', 'c2'],
      ['DEL', 'first', 'c2'],
      ['GC', 'first', undefined],
      ['GC', 'second', undefined],
    ],
  );
  const valid = [{ containerID: 'c1', ifname: 'eth0' }];
  assert.deepEqual(calls[3]?.conf['cni.dev/valid-attachments'], valid);
});

test('GC of an older list only removes attachments, and disableGC does nothing', async (t) => {
  const { chain, calls } = chainOf(t, result);
  await chain.add(list('1.0.0'), attachment);
  calls.length = 0;
  await chain.gc(list('1.0.0', { disableGC: true }), []);
  assert.deepEqual(calls, []);
  await chain.gc(list('1.0.0'), []);
  assert.deepEqual(
    calls.map(({ verb }) => verb),
    ['DEL', 'DEL'],
  );
});

test('GC continues after errors and reports all of them at the end', async (t) => {
  const { chain, calls } = chainOf(t, ({ type }) => {
    throw new OrbError('LAB_PLUGIN_FAILED', { message: `${type} is busy` });
  });
  await assert.rejects(chain.gc(list('1.1.0'), []), /first is busy; second is busy/);
  assert.equal(calls.length, 2);
});

test('STATUS calls every plugin from version 1.1.0 on', async (t) => {
  const { chain, calls } = chainOf(t, () => undefined);
  await chain.status(list('1.0.0'));
  assert.equal(calls.length, 0);
  await chain.status(list('1.0.0', { cniVersions: ['1.0.0', '1.1.0', '9.0.0'] }));
  assert.deepEqual(
    calls.map(({ verb, type, conf }) => [verb, type, conf.cniVersion]),
    [
      ['STATUS', 'first', '1.1.0'],
      ['STATUS', 'second', '1.1.0'],
    ],
  );
});
