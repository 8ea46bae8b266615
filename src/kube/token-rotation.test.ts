import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { resources } from '#api';
import { silentLogger } from '#base';
import { kubeconfigFile } from './config.ts';
import { connect } from './http-client.ts';

const folder = mkdtempSync(join(tmpdir(), 'orbweaver-token-'));
const tokenFile = join(folder, 'token');
let valid = 'first';
const requests: string[] = [];
const server = createServer((request, response) => {
  const { authorization = '' } = request.headers;
  requests.push(`${request.method} ${authorization}`);
  const isValid = authorization === `Bearer ${valid}`;
  const body = isValid ? { metadata: { name: 'shop' } } : { kind: 'Status', message: 'Unauthorized' };
  response.writeHead(isValid ? 200 : 401, { 'content-type': 'application/json' }).end(JSON.stringify(body));
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const kubeconfig = join(folder, 'kubeconfig');
const { port } = server.address() as AddressInfo;
writeFileSync(
  kubeconfig,
  JSON.stringify({
    clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}` } }],
    users: [{ name: 'u', user: { tokenFile } }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'c',
  }),
);
writeFileSync(tokenFile, 'first');
const client = connect(kubeconfigFile(kubeconfig), { log: silentLogger });
after(() => {
  client.close();
  server.close();
  rmSync(folder, { recursive: true });
});

const shop = { metadata: { name: 'shop' } };

test('a request whose token has ended is sent again with the token that the file has now', async () => {
  await client.get(resources.namespaces, { name: 'shop' });
  valid = 'second';
  writeFileSync(tokenFile, 'second');
  requests.length = 0;
  await client.create(resources.namespaces, shop);
  await client.create(resources.namespaces, shop);
  assert.deepEqual(requests, ['POST Bearer first', 'POST Bearer second', 'POST Bearer second']);
});

test('without another token in the file, the refusal is told after one request', async () => {
  valid = 'third';
  requests.length = 0;
  await assert.rejects(client.create(resources.namespaces, shop), { code: 'KUBE_FORBIDDEN' });
  assert.deepEqual(requests, ['POST Bearer second']);
});
