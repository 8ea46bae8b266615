// Which connected UDP sockets have lost their backend.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '#ip';
import { type FollowedSocket, staleSockets } from './followed.ts';
import { type Backends, type Frontend, frontendKey, type Place, type ServiceTable } from './tables.ts';

const vip: Frontend = { address: parseAddress('10.96.0.10'), port: 53, protocol: 'UDP' };
const pod = (number: number): Place => ({ address: parseAddress(`10.244.0.${number}`), port: 53 });
const socket = (cookie: bigint, number: number): FollowedSocket => ({
  cookie,
  service: vip,
  backend: pod(number),
});

function tableOf(frontend: Frontend, backends: Partial<Backends>): ServiceTable {
  const all: Backends = { ready: [], draining: [], affinitySeconds: 0, ...backends };
  return new Map([[frontendKey(frontend), { frontend, backends: all }]]);
}

const cookies = (table: ServiceTable) =>
  staleSockets([socket(1n, 1), socket(2n, 2), socket(3n, 3)], table).map(({ cookie }) => cookie);

test('a socket is stale if its Service has its backend neither ready nor draining', () => {
  assert.deepEqual(cookies(tableOf(vip, { ready: [pod(1)], draining: [pod(2)] })), [3n]);
});

test('all sockets of a Service without backends and of one that is gone are stale', () => {
  assert.deepEqual(cookies(tableOf(vip, {})), [1n, 2n, 3n]);
  assert.deepEqual(cookies(new Map()), [1n, 2n, 3n]);
});

test('the Service of TCP on the same port, another port of it and another address do not count', () => {
  const ready = [pod(1), pod(2), pod(3)];
  for (const other of [
    { ...vip, protocol: 'TCP' },
    { ...vip, port: 54 },
    { ...vip, address: parseAddress('10.96.0.11') },
  ] as const)
    assert.deepEqual(cookies(tableOf(other, { ready })), [1n, 2n, 3n]);
});
