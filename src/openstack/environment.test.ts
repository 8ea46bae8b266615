import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { isOrbError } from '#base';
import { cloudOf } from './environment.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orbweaver-clouds-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const read = (environment: Record<string, string>, cloud?: string) =>
  cloudOf(environment, { cloud, home: '/nonexistent', folder });
const write = (name: string, text: string) => writeFileSync(join(folder, name), text);

const invalid =
  (pattern: RegExp, secret = 'a-secret') =>
  (error: unknown) => {
    assert.ok(isOrbError(error, 'OPENSTACK_CONFIG_INVALID'), String(error));
    assert.match(error.message, pattern);
    assert.ok(!error.message.includes(secret), error.message);
    return true;
  };

const password = {
  OS_AUTH_URL: 'https://keystone:5000',
  OS_USERNAME: 'cni',
  OS_PASSWORD: 'a-secret',
  OS_PROJECT_NAME: 'k8s',
  OS_USER_DOMAIN_NAME: 'Default',
  OS_PROJECT_DOMAIN_ID: 'default',
};

test('variables give a login by password', () => {
  const config = read({ ...password, OS_CLOUD: '', OS_REGION_NAME: 'A', OS_INTERFACE: 'internal' });
  assert.equal(config.authUrl.href, 'https://keystone:5000/v3');
  assert.deepEqual(config.login, {
    kind: 'password',
    user: { name: 'cni', domain: { name: 'Default' } },
    password: 'a-secret',
    project: { name: 'k8s', domain: { id: 'default' } },
  });
  assert.deepEqual([config.region, config.interface, config.tls], ['A', 'internal', {}]);
});

for (const name of [
  'OS_USERNAME',
  'OS_PASSWORD',
  'OS_PROJECT_NAME',
  'OS_USER_DOMAIN_NAME',
  'OS_PROJECT_DOMAIN_ID',
]) {
  test(`${name} is missed when it is missing or empty`, () => {
    assert.throws(() => read({ ...password, [name]: '' }), invalid(/is missing/));
  });
}

test('no cloud at all, Keystone v2, a URL with a password and a file that is not there are refused', () => {
  assert.throws(() => read({}), invalid(/no cloud is named/));
  assert.throws(() => read({ ...password, OS_AUTH_URL: 'http://k/v2.0' }), invalid(/of Keystone v2/));
  assert.throws(
    () => read({ ...password, OS_AUTH_URL: 'http://u:a-secret@k/v3' }),
    invalid(/a user or a password/),
  );
  assert.throws(
    () => read({ ...password, OS_CACERT: '/nonexistent' }),
    invalid(/cannot read cacert \/nonexistent/),
  );
  assert.throws(() => read({ ...password, OS_INTERFACE: 'outside' }), invalid(/interface/));
});

test('clouds.yaml gives an application credential, its secret from secure.yaml, and a CA file beside it', () => {
  write('ca.pem', 'the CA');
  write(
    'clouds.yaml',
    `clouds:
  lab:
    auth_type: v3applicationcredential
    auth: { auth_url: http://keystone/identity/v3/, application_credential_id: credential }
    region_name: A
    cacert: ca.pem
    identity_api_version: 3
`,
  );
  write('secure.yaml', 'clouds: { lab: { auth: { application_credential_secret: a-secret } } }');
  const config = read({ OS_CLOUD: 'lab' });
  assert.equal(config.authUrl.href, 'http://keystone/identity/v3');
  assert.deepEqual(config.login, {
    kind: 'application credential',
    credential: { id: 'credential' },
    secret: 'a-secret',
  });
  assert.deepEqual(config.tls, { ca: 'the CA' });
});

test('the named cloud counts, not OS_CLOUD, and an unknown one is answered with those that are known', () => {
  write('clouds.yaml', 'clouds: { lab: { auth: { auth_url: "http://k" } }, other: {} }');
  assert.throws(() => read({ OS_CLOUD: 'lab' }, 'thrid'), invalid(/has no cloud "thrid"; it has lab, other/));
  assert.throws(() => read({ OS_CLOUD: 'lab' }), invalid(/cloud lab: password is missing/));
});

test('a file that is not YAML is refused without its words', () => {
  write('clouds.yaml', 'clouds:\n  lab: {\n password: a-secret: {');
  assert.throws(() => read({ OS_CLOUD: 'lab' }), invalid(/cannot be read as YAML/));
});

test('a profile of a vendor is refused', () => {
  write('clouds.yaml', 'clouds: { lab: { profile: vexxhost } }');
  assert.throws(() => read({ OS_CLOUD: 'lab' }), invalid(/profile is not supported/));
});
