// How much is written at once, and what is not written again.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, Service } from '#api';
import { LogLines } from '#base/testing';
import type { TableChanges, WrittenEntry } from '#plan/service';
import { ServiceSync } from './service-sync.ts';

const COUNT = 450;

/** A cluster of Services with two endpoints each, and tables that keep what is written. */
function scene() {
  const names = Array.from({ length: COUNT }, (_, number) => `${number >> 8}.${number & 255}`);
  const written = new Map<string, WrittenEntry>();
  const writes: number[] = [];
  const slice = (name: string): EndpointSlice => ({
    ...{ metadata: {}, addressType: 'IPv4', ports: [{ port: 8080 }] },
    endpoints: [{ addresses: [`10.1.${name}`] }, { addresses: [`10.2.${name}`] }],
  });
  const parts = {
    view: {
      keys: () => names.map((name) => `shop/${name}`),
      service: (key: string) =>
        ({ metadata: {}, spec: { clusterIP: `10.96.${key.slice(5)}`, ports: [{ port: 80 }] } }) as Service,
      slices: (key: string) => [slice(key.slice(5))],
      takeChanged: () => new Set<string>(),
    },
    tables: {
      services: async () => ({ written, lastSet: written.size }),
      write: async (changes: TableChanges) => {
        writes.push(changes.putServices.length + changes.removeServices.length);
        for (const [key, entry] of changes.written) written.set(key, entry);
      },
    },
    here: () => ({ name: 'node1', zone: undefined, addresses: [], usesExternalIps: false }),
    ...{ more: [], log: new LogLines() },
  };
  return { written, writes, sync: async () => await new ServiceSync(parts).all() };
}

test('many Services are written in portions, so that other work of the agent gets its turn', async () => {
  const { written, writes, sync } = scene();
  await sync();
  assert.deepEqual([written.size, Math.max(...writes)], [COUNT, 200]);
});

test('an agent that starts again writes nothing that is there', async () => {
  const { writes, sync } = scene();
  await sync();
  writes.length = 0;
  await sync();
  assert.deepEqual(
    writes.filter((count) => count > 0),
    [],
  );
});
