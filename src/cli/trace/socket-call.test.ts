// When a trace is told that a socket call resolves a Service, and to which backends.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServiceReport } from '#api';
import { parseAddress } from '#ip';
import { placeText } from '#plan/service';
import { askServicesAt, backendsOfCall } from './socket-call.ts';

const port = { place: '10.96.0.1:80', affinitySeconds: 0, ready: 1, draining: 1, sockets: 0, refused: 0 };
const report: ServiceReport = {
  node: 'node1',
  ports: [
    { ...port, protocol: 'UDP', endpoints: [] },
    {
      ...{ ...port, protocol: 'TCP' },
      endpoints: [
        { place: '10.244.0.5:8080', sockets: 'all' },
        { place: '10.244.0.6:8080', sockets: 'old' },
        { place: '[fd00::7]:8080', sockets: 'all' },
      ],
    },
  ],
};
const facts = {
  pods: [
    { metadata: { namespace: 'shop', name: 'web' } },
    {
      metadata: {
        ...{ namespace: 'shop', name: 'mesh' },
        annotations: { 'orbweaver.io/service-mode': 'kube-proxy' },
      },
    },
  ],
};
const call = { from: 'shop/web', address: parseAddress('10.96.0.1'), port: 80, protocol: 'tcp' } as const;

async function backends(said: ServiceReport | undefined, more: Partial<typeof call> | object = {}) {
  const asked: string[] = [];
  const ask = async (place: string) => {
    asked.push(place);
    return said;
  };
  const found = await backendsOfCall(ask, facts, { ...call, ...more });
  return { asked, found: found?.map(placeText) };
}

test('a call gets one of the backends that new sockets get', async () => {
  assert.deepEqual(await backends(report), {
    asked: ['10.96.0.1:80'],
    found: ['10.244.0.5:8080', '[fd00::7]:8080'],
  });
});

test('without a backend the call is refused, by protocol', async () => {
  assert.deepEqual((await backends(report, { protocol: 'udp' })).found, []);
});

test('packets go to the address where no agent answers, it does not serve, or the Service is not its own', async () => {
  for (const said of [undefined, { ...report, off: 'no cgroup' }, { node: 'node1', ports: [] }])
    assert.equal((await backends(said)).found, undefined);
  assert.equal(await backendsOfCall(undefined, facts, call), undefined);
  assert.equal(await askServicesAt('/nowhere/agent.sock')('10.96.0.1:80'), undefined);
});

test('neither ICMP nor a pod that leaves Services to kube-proxy is asked for', async () => {
  assert.deepEqual(await backends(report, { from: 'shop/mesh' }), { asked: [], found: undefined });
  assert.deepEqual(await backends(report, { protocol: 'icmp' }), { asked: [], found: undefined });
});
