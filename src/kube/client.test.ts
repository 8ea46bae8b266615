// What callers of KubeClient rely on, run against the fake and against the embedded API server as a process.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { resources } from '#api';
import { silentLogger, systemClock } from '#base';
import type { KubeClient, WatchEvent } from './client.ts';
import { kubeconfigFile } from './config.ts';
import { EventRecorder } from './events.ts';
import { connect } from './http-client.ts';
import { Reflector } from './reflector.ts';
import { FakeKube } from './testing/fake-kube.ts';

const folder = mkdtempSync(join(tmpdir(), 'kube-client-'));
let server: ChildProcess | undefined;
after(async () => {
  if (server?.exitCode === null) {
    server.kill();
    await once(server, 'exit');
  }
  rmSync(folder, { recursive: true });
});

async function startServer(): Promise<KubeClient & { close(): void }> {
  const tokenFile = join(folder, 'token');
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(tokenFile, 'a-token-of-the-test-that-is-long-enough\n', { mode: 0o600 });
  const program = fileURLToPath(new URL('../main/apiserver.ts', import.meta.url));
  const flags = ['--data-dir', join(folder, 'data'), '--token-file', tokenFile, '--kubeconfig', kubeconfig];
  server = spawn(process.execPath, [program, ...flags, '--listen', '127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(server.stdout as NodeJS.ReadableStream, 'data');
  const client = connect(kubeconfigFile(kubeconfig), { log: silentLogger });
  return client;
}

const real = await startServer();
after(() => real.close());
const clients: [string, KubeClient][] = [
  ['fake', new FakeKube()],
  ['embedded API server', real],
];

for (const [what, client] of clients) {
  const configMap = (name: string, data: Record<string, string> = {}) =>
    client.create(resources.configMaps, {
      metadata: { name, namespace: 'default', labels: { for: name } },
      data,
    });

  test(`${what}: a second create, a change of an old version and a change of an absent object are refused with their codes`, async () => {
    const first = await configMap('versions', { a: '1' });
    await assert.rejects(configMap('versions'), { code: 'KUBE_ALREADY_EXISTS' });
    const second = await client.update(resources.configMaps, { ...first, data: { a: '2' } });
    assert.notEqual(second.metadata.resourceVersion, first.metadata.resourceVersion);
    await assert.rejects(client.update(resources.configMaps, { ...first, data: { a: '3' } }), {
      code: 'KUBE_CONFLICT',
    });
    const absent = { namespace: 'default', name: 'absent' };
    await assert.rejects(client.get(resources.configMaps, absent), { code: 'KUBE_NOT_FOUND' });
    await assert.rejects(client.delete(resources.configMaps, absent), { code: 'KUBE_NOT_FOUND' });
  });

  test(`${what}: a merge patch changes the named fields, and a delete checks the UID`, async () => {
    const made = await configMap('patched', { a: '1', b: '2' });
    const ref = { namespace: 'default', name: 'patched' };
    const patched = await client.patch(resources.configMaps, ref, {
      type: 'merge',
      body: { data: { a: null, c: '3' } },
    });
    assert.deepEqual(patched.data, { b: '2', c: '3' });
    await assert.rejects(client.delete(resources.configMaps, ref, { uid: 'another' }), {
      code: 'KUBE_CONFLICT',
    });
    const { uid = '' } = made.metadata;
    await client.delete(resources.configMaps, ref, { uid });
    await assert.rejects(client.get(resources.configMaps, ref), { code: 'KUBE_NOT_FOUND' });
  });

  test(`${what}: updateStatus changes the status alone, update everything else`, async () => {
    const metadata = { name: 'web', namespace: 'default' };
    const pod = await client.create(resources.pods, {
      metadata,
      spec: { nodeName: 'node1', containers: [{ name: 'c', image: 'i' }] },
    });
    const elsewhere = { ...pod, spec: { ...pod.spec, containers: [], nodeName: 'node2' } };
    const running = await client.updateStatus(resources.pods, { ...elsewhere, status: { phase: 'Running' } });
    assert.deepEqual([running.status?.phase, running.spec?.nodeName], ['Running', 'node1']);
    const labelled = { ...running, metadata: { ...running.metadata, labels: { a: 'b' } } };
    const updated = await client.update(resources.pods, { ...labelled, status: { phase: 'Failed' } });
    assert.deepEqual([updated.metadata.labels?.a, updated.status?.phase], ['b', 'Running']);
    const ofNode = await client.list(resources.pods, { fieldSelector: 'spec.nodeName=node1' });
    const ofOther = await client.list(resources.pods, { fieldSelector: 'spec.nodeName=node2' });
    assert.deepEqual([ofNode.items.length, ofOther.items.length], [1, 0]);
  });

  test(`${what}: a watch from the version of a list misses no event and repeats none`, async () => {
    const selection = { namespace: 'default', labelSelector: 'for in (watched, other)' };
    await configMap('other');
    const { resourceVersion, items } = await client.list(resources.configMaps, selection);
    assert.equal(items.length, 1);
    const made = await configMap('watched');
    await client.update(resources.configMaps, { ...made, data: { a: '1' } });
    await client.delete(resources.configMaps, { namespace: 'default', name: 'watched' });
    const seen: WatchEvent<unknown>['type'][] = [];
    const options = { signal: AbortSignal.timeout(60_000) };
    for await (const event of client.watch(
      resources.configMaps,
      { ...selection, resourceVersion },
      options,
    )) {
      if (event.type !== 'BOOKMARK') seen.push(event.type);
      if (event.type === 'DELETED') break;
    }
    assert.deepEqual(seen, ['ADDED', 'MODIFIED', 'DELETED']);
  });

  test(`${what}: a reflector holds the same objects as the server`, async () => {
    const changes: string[] = [];
    let done: () => void = () => {};
    const deleted = new Promise<void>((resolve) => {
      done = resolve;
    });
    await configMap('before');
    const reflector = new Reflector({
      client,
      type: resources.configMaps,
      clock: systemClock,
      log: silentLogger,
      selection: { labelSelector: 'for in (before, reflected)' },
      indexes: { label: (object) => [object.metadata.labels?.for ?? ''] },
    }).start();
    reflector.subscribe(({ type, object }) => {
      changes.push(`${type} ${object.metadata.name}`);
      if (type === 'deleted') done();
    });
    await reflector.ready;
    assert.equal(reflector.store.by('label', 'before').length, 1);
    await configMap('reflected');
    await client.delete(resources.configMaps, { namespace: 'default', name: 'before' });
    await deleted;
    await reflector.stop();
    assert.deepEqual(changes, ['added before', 'added reflected', 'deleted before']);
    assert.equal(reflector.store.by('label', 'before').length, 0);
  });

  test(`${what}: a repeated Event is counted, not repeated`, async () => {
    const object = await configMap('eventful');
    const recorder = new EventRecorder({
      client,
      clock: systemClock,
      log: silentLogger,
      component: 'test',
      host: 'node1',
    });
    for (let time = 0; time < 3; time += 1) {
      recorder.record(resources.configMaps, object, {
        type: 'Warning',
        reason: 'NoAddress',
        message: 'the pool is full',
      });
    }
    await recorder.settled();
    const { items } = await client.list(resources.events, { namespace: 'default' });
    const own = items.filter(({ involvedObject }) => involvedObject.name === 'eventful');
    assert.deepEqual(
      own.map(({ count, reason }) => [count, reason]),
      [[3, 'NoAddress']],
    );
  });
}
