import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources, type Secret } from '#api';
import { silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import { FakeKube } from '#kube/testing';
import { IDENTITY_SECRET_NAME } from '#plan/installation';
import type { Identity } from './identity.ts';
import { IdentitySecret } from './identity-secret.ts';

const ref = { namespace: 'kube-system', name: IDENTITY_SECRET_NAME };
const names = ['orbweaver-controller.kube-system.svc'];

function replica(client: FakeKube, clock = new FakeClock()) {
  const adopted: Identity[] = [];
  const warned: string[] = [];
  const log = { ...silentLogger, warn: (_: object, message: string) => void warned.push(message) };
  const secret = new IdentitySecret({
    ...{ client, clock, log, namespace: ref.namespace, names },
    adopted: (identity) => adopted.push(identity),
  });
  secret.start();
  return { secret, adopted, warned };
}

const settled = async (condition: () => boolean) => {
  for (let turn = 0; turn < 200 && !condition(); turn++)
    await new Promise((resolve) => setImmediate(resolve));
  assert.ok(condition());
};

test('two replicas that start at once serve with the same certificates', async (t) => {
  const client = new FakeKube();
  const both = [replica(client), replica(client)];
  t.after(() => Promise.all(both.map(({ secret }) => secret.stop())));
  await settled(() => both.every(({ adopted }) => adopted.length > 0));
  await settled(() => both.every(({ secret }) => secret.problem === undefined));
  const [one, two] = both.map(({ adopted }) => adopted.at(-1)?.serving.certificate);
  assert.equal(one, two);
  assert.equal(client.calls.filter(({ verb }) => verb === 'create').length, 2, 'the race was real');
  assert.deepEqual(
    both.flatMap(({ warned }) => warned),
    [],
  );
});

test('the Secret of another program is left alone, and the replica says why it is not ready', async (t) => {
  const client = new FakeKube();
  const foreign = { metadata: { ...ref }, data: { 'tls.crt': 'Zm9yZWlnbg==' } } as Secret;
  const stored = await client.create(resources.secrets, foreign);
  const { secret, adopted } = replica(client);
  t.after(() => secret.stop());
  await settled(() => /was not made by this controller/.test(secret.problem ?? ''));
  assert.deepEqual(await client.get(resources.secrets, ref), stored);
  assert.equal(adopted.length, 0);
});

test('our own damaged Secret is replaced, and a deleted one is made anew', async (t) => {
  const client = new FakeKube();
  const { secret, adopted } = replica(client);
  t.after(() => secret.stop());
  await settled(() => adopted.length === 1);
  const stored = await client.get(resources.secrets, ref);
  await client.update(resources.secrets, { ...stored, data: { ...stored.data, 'tls.key': '' } });
  await settled(() => adopted.length === 2);
  await client.delete(resources.secrets, ref);
  await settled(() => adopted.length === 3);
  assert.notEqual(adopted[2]?.serving.certificate, adopted[1]?.serving.certificate);
});
