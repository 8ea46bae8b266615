// What `orbctl migrate --dry-run` prints.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { parse } from 'yaml';
import { resources } from '#api';
import { FakeClock } from '#base/testing';
import { FakeKube } from '#kube/testing';
import { spiderpoolAgent, spiderpoolController, spiderpoolData, spiderpoolWebhooks } from '#plan/testing';
import type { MigrateFlags } from '../migrate.ts';
import { runMigrate } from './index.ts';

let kube: FakeKube;

beforeEach(async () => {
  kube = new FakeKube();
  await kube.create(resources.daemonSets, spiderpoolAgent());
  await kube.create(resources.deployments, spiderpoolController());
  for (const { object } of spiderpoolWebhooks())
    await kube.create(resources.validatingWebhookConfigurations, object).catch(() => {});
  await kube.create(resources.configMaps, {
    metadata: { name: 'spiderpool-conf', namespace: 'kube-system' },
    data: spiderpoolData,
  });
});

async function dryRun(output: MigrateFlags['output']) {
  const lines: string[] = [];
  const say = (text: string) => lines.push(text);
  const parts = { client: kube, clock: new FakeClock(), paint: (_: string, text: string) => text, say };
  const flags = { from: 'spiderpool', action: 'dry-run', output, timeoutSeconds: 1 } as const;
  const exitCode = await runMigrate(parts, flags);
  return { exitCode, text: lines.join('\n') };
}

test('it reads the ConfigMap that the agent mounts, and changes nothing', async () => {
  const made = kube.calls.length;
  const { exitCode, text } = await dryRun('text');
  assert.equal(exitCode, 0);
  const lines = text.split('\n');
  assert.deepEqual(lines.slice(0, 5), [
    'Spiderpool 1.2.1 in namespace kube-system',
    '  no objects',
    '  0 addresses recorded, 0 interfaces of 0 running pods',
    'settings:',
    lines[4],
  ]);
  assert.match(text, /^ {2}conf\.yml enableIPv6 +false +ipam\.enableIPv6$/m);
  assert.match(text, /^ {2}3\. DaemonSet kube-system\/spiderpool-agent runs on no node/m);
  assert.equal(lines.at(-1), 'nothing stands in the way');
  const verbs = new Set(kube.calls.slice(made).map(({ verb }) => verb));
  assert.deepEqual([...verbs].sort(), ['get', 'list']);
});

test('what stands in the way is last, with exit code 1', async () => {
  const body = { data: { 'conf.yml': 'agent: {networkResourcePlugin: {enabled: true}}' } };
  const ref = { namespace: 'kube-system', name: 'spiderpool-conf' };
  await kube.patch(resources.configMaps, ref, { type: 'merge', body });
  const { exitCode, text } = await dryRun('text');
  assert.equal(exitCode, 1);
  assert.match(text, /conf\.yml agent\.networkResourcePlugin\.enabled +true +refused/);
  assert.match(text, /\nin the way:\n {2}conf\.yml agent\.networkResourcePlugin\.enabled: .*$/);
});

test('as values it is a file for Helm, and as JSON it has the same values', async () => {
  const { text } = await dryRun('values');
  const values = parse(text) as { readonly global: object };
  assert.deepEqual(values.global, {
    configName: 'orbweaver-conf',
    cniBinHostPath: '/usr/lib/cni',
    cniConfHostPath: '/etc/cni/net.d',
  });
  const json = JSON.parse((await dryRun('json')).text) as { readonly values: object };
  assert.deepEqual(json.values, values);
});

test('a ConfigMap that is no YAML is an error that names it', async () => {
  const body = { data: { 'conf.yml': 'a: [' } };
  const ref = { namespace: 'kube-system', name: 'spiderpool-conf' };
  await kube.patch(resources.configMaps, ref, { type: 'merge', body });
  await assert.rejects(dryRun('text'), /conf\.yml of ConfigMap kube-system\/spiderpool-conf is not YAML/);
});
