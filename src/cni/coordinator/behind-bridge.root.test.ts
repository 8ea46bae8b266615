import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { CniResult } from '#api';
import { primeThreads } from '#kernel';
import { runReferencePlugin, skipWithout } from './reference-plugin-fixture.ts';
import { containerId, Site } from './site-fixture.ts';

// The plugin `bridge` looks in the final result for the links that it made, and `ips` name interfaces by their place.

const ADDRESS = '10.88.0.5/16';
const skip = skipWithout('bridge');

before(primeThreads);

test('CHECK of the bridge plugin and of the coordinator passes in one chain', { skip }, async () => {
  using site = await new Site().start();
  const { lan } = site;
  const netns = lan.path(lan.pod);
  const ipam = { type: 'static', addresses: [{ address: ADDRESS, gateway: '10.88.0.1' }] };
  const conf = { type: 'bridge', bridge: 'brx', isGateway: true, ipam };
  const asked = { containerId, interfaceName: 'eth0', netns } as const;
  const made = runReferencePlugin(lan.node, { ...asked, command: 'ADD', conf }) as CniResult;
  for (const netConf of [{}, { podMACPrefix: '0a:1b' }]) {
    const result = await site.plugin.add(site.callAfter('eth0', made, netConf));
    const places = (all: CniResult) => (all.interfaces ?? []).map(({ name }) => name);
    assert.deepEqual(places(result).slice(0, 3), places(made), 'positions stay');
    assert.deepEqual(result.ips, made.ips);
    runReferencePlugin(lan.node, { ...asked, command: 'CHECK', conf: { ...conf, prevResult: result } });
    await site.plugin.check(site.callAfter('eth0', result, netConf));
  }
});
