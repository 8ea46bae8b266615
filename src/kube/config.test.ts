import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { inClusterConfig, kubeconfigFile } from './config.ts';

const folder = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
after(() => rmSync(folder, { recursive: true }));

function kubeconfig(user: object, cluster: object = {}): string {
  const path = join(folder, 'config');
  const file = {
    'current-context': 'lab',
    contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'me', namespace: 'pods' } }],
    clusters: [{ name: 'lab', cluster: { server: 'https://10.0.0.1:6443', ...cluster } }],
    users: [{ name: 'me', user }],
  };
  writeFileSync(path, JSON.stringify(file));
  return path;
}

test('a kubeconfig gives the server, the token, and certificates inline or from files beside it', () => {
  writeFileSync(join(folder, 'ca.pem'), 'the CA');
  const inline = Buffer.from('the certificate').toString('base64');
  const path = kubeconfig(
    { token: 'secret', 'client-certificate-data': inline },
    { 'certificate-authority': 'ca.pem' },
  );
  const config = kubeconfigFile(path);
  assert.equal(config.server.href, 'https://10.0.0.1:6443/');
  assert.deepEqual(config.tls, { ca: 'the CA', cert: 'the certificate' });
  assert.equal(config.authorization(), 'Bearer secret');
  assert.equal(config.namespace, 'pods');
});

test('an exec plugin, an unknown context and a missing file are refused with their names', () => {
  const path = kubeconfig({ exec: { command: 'aws' } });
  assert.throws(() => kubeconfigFile(path), /users\[\]\.user\.exec .* not supported/);
  assert.throws(() => kubeconfigFile(path, 'prod'), /no context "prod"; it has lab/);
  assert.throws(() => kubeconfigFile(join(folder, 'none')), {
    code: 'INPUT_INVALID',
    message: /cannot read/,
  });
});

test('a pod finds its server, CA and token; IPv6 service addresses are put in brackets', () => {
  for (const [name, text] of [
    ['ca.crt', 'the CA'],
    ['token', 'abc\n'],
    ['namespace', 'kube-system'],
  ] as const) {
    writeFileSync(join(folder, name), text);
  }
  const config = inClusterConfig(
    { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' },
    folder,
  );
  assert.equal(config.server.host, '[fd00::1]');
  assert.equal(config.authorization(), 'Bearer abc');
  assert.throws(() => inClusterConfig({}), /KUBERNETES_SERVICE_HOST/);
});
