import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import type { ApiObject } from '../json.ts';
import { Store } from './store.ts';

const key = (name: string) => ({ resource: 'configmaps.', namespace: 'ns', name });
const object = (name: string, value: string): ApiObject => {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'ns' }, data: { value } };
};

async function withFolder(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'store-'));
  try {
    await body(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const open = (directory: string, keptEvents = 100) => {
  const onDiskFailure = (error: Error) => assert.fail(error);
  return new Store({ directory, keptEvents, onDiskFailure });
};
const values = (store: Store) =>
  store.list('configmaps.').map((entry) => (entry.object.data as { value: string }).value);

test('objects, their versions and the events since a version survive a restart', () =>
  withFolder(async (directory) => {
    const first = open(directory);
    const a = first.put(key('a'), undefined, object('a', '1'));
    first.put(key('a'), a, object('a', '2'));
    const b = first.put(key('b'), undefined, object('b', '3'));
    assert.ok(a !== undefined && b !== undefined);
    first.remove(b, object('b', '3'));
    const { revision } = first;
    await first.close();
    const second = open(directory);
    assert.deepEqual(values(second), ['2']);
    assert.equal(second.revision, revision);
    assert.deepEqual(
      second.eventsSince('configmaps.', a.revision)?.map((event) => event.type),
      ['MODIFIED', 'ADDED', 'DELETED'],
    );
    await second.close();
  }));

test('of two writers that saw the same version only one succeeds', () =>
  withFolder(async (directory) => {
    const store = open(directory);
    const a = store.put(key('a'), undefined, object('a', '1'));
    assert.ok(store.put(key('a'), a, object('a', '2')));
    assert.equal(store.put(key('a'), a, object('a', '3')), undefined);
    assert.equal(store.put(key('a'), undefined, object('a', '4')), undefined);
    await store.close();
  }));

test('an earlier list can be read again until it is compacted', () =>
  withFolder(async (directory) => {
    const store = open(directory);
    const a = store.put(key('a'), undefined, object('a', '1'));
    assert.ok(a);
    store.put(key('b'), undefined, object('b', '2'));
    store.remove(a, object('a', '1'));
    await store.durable();
    const names = store.listAt('configmaps.', a.revision)?.map((entry) => entry.key.name);
    assert.deepEqual(names, ['a']);
    store.compact(store.revision);
    assert.equal(store.listAt('configmaps.', a.revision), undefined);
    assert.equal(store.eventsSince('configmaps.', a.revision), undefined);
    assert.deepEqual(values(store), ['2']);
    await store.close();
    const again = open(directory);
    assert.deepEqual(values(again), ['2']);
    assert.equal(again.eventsSince('configmaps.', a.revision), undefined);
    await again.close();
  }));

test('old events are compacted when there are too many', () =>
  withFolder(async (directory) => {
    const store = open(directory, 5);
    for (let at = 0; at < 30; at++) store.put(key('a'), store.get(key('a')), object('a', String(at)));
    await store.durable();
    assert.equal(store.compactedRevision, store.revision - 5);
    await store.close();
  }));

test('acknowledged writes survive kill -9', () =>
  withFolder(async (directory) => {
    const module = new URL('./store.ts', import.meta.url).href;
    const program = `
      const { Store } = await import('${module}');
      const store = new Store({ directory: process.argv[1], onDiskFailure: (error) => { throw error; } });
      for (let at = 0; ; at++) {
        const name = 'n' + at;
        const metadata = { name, namespace: 'ns' };
        store.put({ resource: 'configmaps.', namespace: 'ns', name }, undefined, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { value: name } });
        await store.durable();
        console.log(name);
      }`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const told: string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => {
      told.push(line);
      if (told.length === 50) child.kill('SIGKILL');
    });
    await once(child, 'close');
    const store = open(directory);
    const found = new Set(values(store));
    assert.ok(told.length >= 50);
    assert.deepEqual(
      told.filter((name) => !found.has(name)),
      [],
    );
    await store.close();
  }));
