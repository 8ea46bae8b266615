// What the agent answers to `orbctl service`.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ServiceReport, serviceReportSchema } from '#api';
import type { CniRequest } from '#cni';
import { parseAddress } from '#ip';
import type { ServiceEntry } from '#plan/service';
import { ServiceAnswers, type ServiceKnowledge } from './service-answers.ts';

const backend = { address: parseAddress('10.244.0.5'), port: 8080 };

function entry(address: string, port: number): ServiceEntry {
  return {
    frontend: { address: parseAddress(address), port, protocol: 'TCP' },
    backends: { ready: [backend], draining: [], affinitySeconds: 0 },
  };
}

const known: ServiceKnowledge = {
  problem: undefined,
  entries: () => [
    [entry('10.96.0.1', 80), 'shop/web'],
    [entry('fd00:96::1', 80), 'shop/web'],
    [entry('10.96.0.1', 443), 'shop/tls'],
    [entry('127.255.255.1', 4000), undefined],
  ],
  counts: () => new Map([['TCP 10.96.0.1:80', { chosen: 7, refused: 2 }]]),
  uses: () => [{ place: backend, node: undefined, sockets: 'all', because: undefined }],
};

async function answer(question: string, services = known) {
  return await new ServiceAnswers('node1', services).serve({ stdin: question } as CniRequest);
}

async function asked(question: object, services?: ServiceKnowledge): Promise<ServiceReport> {
  return serviceReportSchema.parse(JSON.parse((await answer(JSON.stringify(question), services)).stdout));
}

test('without a name all is told, and no endpoints', async () => {
  const { off, ports } = await asked({});
  assert.equal(off, undefined);
  assert.deepEqual(
    ports.map(({ place, service, ready, endpoints }) => [place, service, ready, endpoints]),
    [
      ['10.96.0.1:80', 'shop/web', 1, undefined],
      ['[fd00:96::1]:80', 'shop/web', 1, undefined],
      ['10.96.0.1:443', 'shop/tls', 1, undefined],
      ['127.255.255.1:4000', undefined, 1, undefined],
    ],
  );
});

test('how often sockets asked is told; a Service that nobody asked has 0', async () => {
  const { ports } = await asked({ service: 'shop/web' });
  assert.deepEqual(
    ports.map(({ sockets, refused }) => [sockets, refused]),
    [
      [7, 2],
      [0, 0],
    ],
  );
});

test('a Service and a place are told with their endpoints', async () => {
  const places = async (question: object) => (await asked(question)).ports.map(({ place }) => place);
  assert.deepEqual(await places({ service: 'shop/web' }), ['10.96.0.1:80', '[fd00:96::1]:80']);
  assert.deepEqual(await places({ place: '[fd00:96::1]:80' }), ['[fd00:96::1]:80']);
  assert.deepEqual(await places({ place: '10.96.0.9:80' }), []);
  const [port] = (await asked({ service: 'shop/tls' })).ports;
  assert.deepEqual(port?.endpoints, [{ place: '10.244.0.5:8080', sockets: 'all' }]);
});

test('why sockets are not served is told', async () => {
  assert.equal((await asked({}, { ...known, problem: 'no cgroup' })).off, 'no cgroup');
});

test('another question is refused', async () => {
  for (const question of ['', '[]', '{"service":5}', '{"repair":true}'])
    assert.equal((await answer(question)).exitCode, 1);
});
