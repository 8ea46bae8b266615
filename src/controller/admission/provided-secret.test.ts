// Certificates of the webhooks that others make: they are read, shown, and never written.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources, type Secret } from '#api';
import { silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import { FakeKube } from '#kube/testing';
import { identityData, newIdentity, type ShownIdentity } from './identity.ts';
import { ProvidedSecret } from './provided-secret.ts';

const ref = { namespace: 'net', name: 'from-cert-manager' };
const host = 'orbweaver-controller.net.svc';

function secretFor(name: string): Secret {
  const { 'ca.key': _never, ...data } = identityData(newIdentity([name], Date.now()));
  return { metadata: { ...ref }, type: 'kubernetes.io/tls', data };
}

function reading(client: FakeKube) {
  const adopted: ShownIdentity[] = [];
  const errors: string[] = [];
  const log = {
    ...silentLogger,
    error: ({ err }: { err?: Error }) => void errors.push(err?.message ?? ''),
  };
  const secret = new ProvidedSecret({
    ...{ client, clock: new FakeClock(), log, ...ref, host },
    adopted: (identity) => adopted.push(identity),
  });
  secret.start();
  return { secret, adopted, errors };
}

const settled = async (condition: () => boolean) => {
  for (let turn = 0; turn < 200 && !condition(); turn++)
    await new Promise((resolve) => setImmediate(resolve));
  assert.ok(condition());
};

test('certificates of others are shown when they come, and again when they are renewed', async (t) => {
  const client = new FakeKube();
  const { secret, adopted } = reading(client);
  t.after(() => secret.stop());
  assert.match(secret.problem ?? '', /there is no Secret net\/from-cert-manager/);
  const first = await client.create(resources.secrets, secretFor(host));
  await settled(() => adopted.length === 1);
  assert.equal(secret.problem, undefined);
  await client.update(resources.secrets, { ...first, data: secretFor(host).data ?? {} });
  await settled(() => adopted.length === 2);
  assert.notEqual(adopted[0]?.serving.certificate, adopted[1]?.serving.certificate);
  await client.delete(resources.secrets, ref);
  await settled(() => client.calls.length > 0);
  assert.equal(secret.problem, undefined, 'what is shown stays');
  assert.equal(client.calls.filter(({ verb }) => verb === 'create').length, 1, 'only this test wrote');
});

for (const [what, change, message] of [
  ['without its authority', { 'ca.crt': '' }, /Secret net\/from-cert-manager: ca\.crt cannot be read/],
  [
    'with the key of another certificate',
    { 'tls.key': secretFor(host).data?.['tls.key'] ?? '' },
    /tls\.key cannot be read/,
  ],
] as const) {
  test(`a Secret ${what} is refused, and the replica says why`, async (t) => {
    const client = new FakeKube();
    const given = secretFor(host);
    await client.create(resources.secrets, { ...given, data: { ...given.data, ...change } });
    const { secret, adopted, errors } = reading(client);
    t.after(() => secret.stop());
    await settled(() => errors.length > 0);
    assert.match(secret.problem ?? '', message);
    assert.equal(adopted.length, 0);
  });
}

test('a certificate for another host is refused, because the API server would not accept it', async (t) => {
  const client = new FakeKube();
  await client.create(resources.secrets, secretFor('another.net.svc'));
  const { secret, errors } = reading(client);
  t.after(() => secret.stop());
  await settled(() => errors.length > 0);
  assert.match(secret.problem ?? '', /tls\.crt is not for orbweaver-controller\.net\.svc/);
});
