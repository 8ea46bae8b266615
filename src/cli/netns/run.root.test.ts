import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { silentLogger } from '#base';
import { type AttachmentRecord, Attachments, openStateDirectory } from '#node';
import type { ContainerNamespace } from './container-namespaces.ts';
import { netnsCommand, runNetnsList } from './run.ts';

let state: string;
let container: ChildProcess;

before(async () => {
  state = mkdtempSync(join(tmpdir(), 'ow-netns-'));
  container = spawn('unshare', ['--net', 'sh', '-c', 'ip link set lo up; echo up; exec sleep 600'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await new Promise((resolve) => container.stdout?.once('data', resolve));
  mkdirSync(join(state, 'attachments'));
  const records = await Attachments.open(await openStateDirectory(join(state, 'attachments')), silentLogger);
  await records.put(recordOf('web-0', { path: `/proc/${container.pid}/ns/net` }));
  await records.put(recordOf('gone-0', { path: '/run/netns/ow-that-is-gone' }));
});
after(() => {
  container.kill();
  rmSync(state, { recursive: true });
});

function recordOf(name: string, netns: NonNullable<AttachmentRecord['netns']>): AttachmentRecord {
  return {
    ...{ version: 1, containerId: name, interfaceName: 'eth0', netns, network: 'lan' },
    ...{ pod: { namespace: 'default', name, uid: name }, createdAt: '2026-01-02T03:04:05.678Z' },
    parts: { other: {} },
  };
}

async function listed(): Promise<ContainerNamespace[]> {
  return JSON.parse((await runNetnsList({ state, json: true })).text) as ContainerNamespace[];
}

async function run(place: string, ...argv: string[]): Promise<string> {
  const [command, ...args] = await netnsCommand({ state }, place, argv);
  return execFileSync(command, args, { encoding: 'utf8' });
}

test('a container is listed by its process, with the pod that the agent has recorded', async () => {
  const found = (await listed()).find(({ pid }) => pid === container.pid);
  assert.deepEqual([found?.pod, found?.command, found?.nics], ['default/web-0', 'sleep', ['eth0']]);
  assert.ok(!(await listed()).some(({ pod }) => pod === 'default/gone-0'));
  const table = (await runNetnsList({ state, json: false, namespace: 'default' })).text.split('\n');
  assert.match(table[0] ?? '', /^PID +COMMAND +PROCESSES +NETNS +POD +NICS$/);
  assert.match(table[1] ?? '', new RegExp(`^${container.pid} +sleep +1 +\\d+ +default/web-0 +eth0$`));
});

test('a command runs in the network of a process or pod, and no link to it is left', async () => {
  const before = existsSync('/run/netns') ? readdirSync('/run/netns') : [];
  for (const place of [String(container.pid), 'web-0', 'default/web-0']) {
    assert.match(await run(place, 'ip', '-o', 'link', 'show', 'up'), /^1: lo: [^\n]*\n$/);
  }
  assert.deepEqual(existsSync('/run/netns') ? readdirSync('/run/netns') : [], before);
});

test('a process that is not there is refused', async () => {
  const message = 'there is no process 999999999';
  await assert.rejects(netnsCommand({ state }, '999999999', ['ip']), { code: 'INPUT_INVALID', message });
});
