// orbctl and the API: what objects hold is shown, and no terminal obeys it.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { crdManifests, resources } from '#api';
import { silentLogger } from '#base';
import { connect, kubeconfigFile } from '#kube';

const dist = join(import.meta.dirname, '../../dist');
const folder = mkdtempSync(join(tmpdir(), 'control-'));
const kubeconfig = join(folder, 'kubeconfig');
let server: ReturnType<typeof spawn>;

/** It would clear the screen, hide what follows, and forge a line. */
const HOSTILE = '\u001b[2J\u001b[8mx\r\u009b1mZürich\n10.6.0.9 is free\u202e';

before(async () => {
  const flags = ['--data-dir', folder, '--token-file', join(folder, 'token'), '--kubeconfig', kubeconfig];
  const program = join(dist, 'apiserver.mjs');
  server = spawn(process.execPath, [program, ...flags, '--listen', '127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  assert.ok(server.stdout);
  await once(server.stdout, 'data');
  const client = connect(kubeconfigFile(kubeconfig), { log: silentLogger });
  try {
    for (const crd of crdManifests()) await client.create(resources.customResourceDefinitions, crd);
    const made = await client.create(resources.spiderIPPools, {
      metadata: { name: 'p' },
      spec: {
        ipVersion: 4,
        subnet: '10.6.0.0/24',
        ips: ['10.6.0.1-10.6.0.9'],
        default: false,
        disable: false,
      },
    });
    const record = { pod: `ns/${HOSTILE}`, podUid: HOSTILE, nic: HOSTILE };
    const status = { allocatedIPs: JSON.stringify({ '10.6.0.1': record }), allocatedIPCount: 1 };
    await client.updateStatus(resources.spiderIPPools, { ...made, status });
    const broken = await client.create(resources.spiderIPPools, {
      metadata: { name: 'broken' },
      spec: { ipVersion: 4, subnet: '10.6.0.0/24', ips: ['10.6.0.20'], default: false, disable: false },
    });
    const unreadable = { allocatedIPs: JSON.stringify({ [HOSTILE]: record }) };
    await client.updateStatus(resources.spiderIPPools, { ...broken, status: unreadable });
    await client.create(resources.events, {
      metadata: { name: 'e', namespace: 'default' },
      involvedObject: { kind: 'Pod', namespace: 'default', name: 'web' },
      reason: 'Failed',
      type: 'Warning',
      message: `10.6.0.1: ${HOSTILE}`,
    });
  } finally {
    client.close();
  }
});

after(async () => {
  server.kill();
  await once(server, 'exit');
  rmSync(folder, { recursive: true });
});

function orbctl(...args: string[]) {
  return spawnSync(process.execPath, [join(dist, 'orbctl.mjs'), ...args], {
    env: { ...process.env, KUBECONFIG: kubeconfig },
    encoding: 'utf8',
  });
}

const obeyed = /[^\P{Cc}\n]|\u202e/u;

for (const args of [
  ['ip', 'who', '10.6.0.1'],
  ['ip', 'free', 'p'],
  ['ip', 'free', 'broken'],
  ['ip', 'history', '10.6.0.1'],
  ['pool', 'top'],
  ['subnet', 'tree'],
  ['gc', '--dry-run'],
]) {
  test(`orbctl ${args.join(' ')} prints no control character of an object, and forges no line`, () => {
    const { stdout, stderr } = orbctl(...args);
    const said = `${stdout}${stderr}`;
    assert.match(said, /\\u001b\[2J.*Zürich/, 'the text is there');
    assert.doesNotMatch(said, obeyed);
    assert.doesNotMatch(stdout, /^10\.6\.0\.9 is free/m);
  });
}

test('JSON gives the characters themselves', () => {
  const { addresses } = JSON.parse(orbctl('gc', '--dry-run', '-o', 'json').stdout) as {
    addresses: { pod: string }[];
  };
  assert.deepEqual(
    addresses.map(({ pod }) => pod),
    [`ns/${HOSTILE}`],
  );
});
