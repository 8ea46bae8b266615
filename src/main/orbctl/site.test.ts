// Which API server orbctl asks.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { kubeConfigOf } from './site.ts';

describe('the API server of orbctl', () => {
  let home: string;
  const write = (path: string, server: string) => {
    const named = { name: 'a' };
    const config = {
      clusters: [{ ...named, cluster: { server } }],
      users: [{ ...named, user: { token: 't' } }],
      contexts: [{ ...named, context: { cluster: 'a', user: 'a' } }],
      'current-context': 'a',
    };
    writeFileSync(path, JSON.stringify(config));
  };

  before(() => {
    home = mkdtempSync(join(tmpdir(), 'ow-home-'));
    mkdirSync(join(home, '.kube'));
  });
  after(() => rmSync(home, { recursive: true }));

  test('is that of KUBECONFIG, or else that of ~/.kube/config', () => {
    write(join(home, 'other'), 'https://192.0.2.1:6443');
    write(join(home, '.kube/config'), 'https://192.0.2.2:6443');
    const asked = (environment: NodeJS.ProcessEnv) =>
      kubeConfigOf({ HOME: home, ...environment }).server.host;
    assert.equal(asked({ KUBECONFIG: join(home, 'other') }), '192.0.2.1:6443');
    assert.equal(asked({}), '192.0.2.2:6443');
    assert.equal(asked({ KUBECONFIG: '' }), '192.0.2.2:6443');
    assert.equal(
      asked({ KUBERNETES_SERVICE_HOST: '192.0.2.3', KUBERNETES_SERVICE_PORT: '443' }),
      '192.0.2.2:6443',
    );
  });

  test('is missing, and the error says what to set', () => {
    assert.throws(
      () => kubeConfigOf({ HOME: join(home, 'nobody') }),
      /KUBECONFIG is not set, and .*nobody\/\.kube\/config/,
    );
  });
});
