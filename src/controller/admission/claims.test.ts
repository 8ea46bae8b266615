// Two overlapping networks never pass both, however the checks of several replicas interleave.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources } from '#api';
import { OrbError, systemClock } from '#base';
import { FakeClock } from '#base/testing';
import { FakeKube } from '#kube/testing';
import { CLAIMS_NAME } from '#plan/installation';
import { Claims, type Pending } from './claims.ts';
import type { ReviewAnswer, ReviewRequest } from './review.ts';

const namespace = 'kube-system';
const subnet = '10.6.0.0/16';

function creation(name: string, ip: string, more: Partial<ReviewRequest> = {}): ReviewRequest {
  return {
    uid: name,
    kind: { group: '', version: 'v1', kind: 'SpiderIPPool' },
    resource: { group: '', version: 'v1', resource: 'spiderippools' },
    subResource: '',
    name,
    namespace: '',
    operation: 'CREATE',
    object: { metadata: { name, uid: `uid-${name}` }, spec: { subnet, ips: [ip], ipVersion: 4 } },
    oldObject: undefined,
    dryRun: false,
    ...more,
  } as ReviewRequest;
}

/** Refuses a pool that has an address of a pending one. */
const judgeOf =
  (request: ReviewRequest) =>
  ({ pools }: Pending): ReviewAnswer => {
    const { ips } = (request.object as { spec: { ips: string[] } }).spec;
    return { allowed: !pools.some(({ spec }) => spec?.ips?.some((ip) => ips.includes(ip))) };
  };
const ask = (claims: Claims, request: ReviewRequest) => claims.judge(request, judgeOf(request));
const allowed = (answers: ReviewAnswer[]) => answers.filter((answer) => answer.allowed).length;

test('of a hundred equal pools at three replicas one is admitted, and different ones are all', async () => {
  const client = new FakeKube();
  client.before = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
  const replicas = [1, 2, 3].map(() => new Claims({ client, clock: systemClock, namespace }));
  const at = (index: number) => replicas[index % 3] as Claims;
  const equal = await Promise.all(
    Array.from({ length: 100 }, (_, index) => ask(at(index), creation(`p${index}`, '10.6.0.1'))),
  );
  assert.equal(allowed(equal), 1);
  const before = client.calls.length;
  const different = await Promise.all(
    Array.from({ length: 100 }, (_, index) => ask(at(index), creation(`q${index}`, `10.6.1.${index}`))),
  );
  assert.equal(allowed(different), 100);
  assert.ok(client.calls.length - before < 60, 'requests that wait share one write');
});

test('a dry run claims nothing, and a refused pool neither', async () => {
  const client = new FakeKube();
  const claims = new Claims({ client, clock: new FakeClock(), namespace });
  assert.ok((await ask(claims, creation('a', '10.6.0.1', { dryRun: true }))).allowed);
  await claims.judge(creation('b', '10.6.0.1'), () => ({ allowed: false }));
  assert.deepEqual(
    client.calls.map(({ verb }) => verb),
    ['get', 'get'],
  );
  assert.ok((await ask(claims, creation('c', '10.6.0.1'))).allowed);
});

test('a claim ends when the informers have shown its object, or after a minute', async () => {
  const client = new FakeKube();
  const clock = new FakeClock();
  const claims = new Claims({ client, clock, namespace });
  const first = creation('a', '10.6.0.1');
  assert.ok((await ask(claims, first)).allowed);
  assert.ok(!(await ask(claims, creation('b', '10.6.0.1'))).allowed);
  claims.shows('spiderippools', { type: 'deleted', object: first.object as never });
  assert.ok((await ask(claims, creation('c', '10.6.0.1'))).allowed, 'a was stored and deleted');
  assert.ok(!(await ask(claims, creation('d', '10.6.0.1'))).allowed);
  await clock.advance(61_000);
  assert.ok((await ask(claims, creation('e', '10.6.0.1'))).allowed, 'the write of c failed');
});

test('only new networks are claimed: no deletion, no status, no change of other fields', () => {
  const claims = new Claims({ client: new FakeKube(), clock: new FakeClock(), namespace });
  const made = creation('a', '10.6.0.1');
  assert.ok(claims.concerns(made));
  assert.ok(!claims.concerns({ ...made, operation: 'DELETE' }));
  assert.ok(!claims.concerns({ ...made, subResource: 'status' }));
  assert.ok(!claims.concerns({ ...made, operation: 'UPDATE', oldObject: made.object }));
  const resource = { ...made.resource, resource: 'spiderreservedips' };
  assert.ok(!claims.concerns({ ...made, resource }));
  const oldObject = creation('a', '10.6.0.2').object;
  assert.ok(claims.concerns({ ...made, operation: 'UPDATE', oldObject }));
});

test('without the API server, or with damaged claims, nothing is admitted and the next try is a new one', async () => {
  const client = new FakeKube();
  const claims = new Claims({ client, clock: new FakeClock(), namespace });
  client.before = () => {
    throw new OrbError('KUBE_UNREACHABLE', { message: 'away' });
  };
  await assert.rejects(ask(claims, creation('a', '10.6.0.1')), { code: 'KUBE_UNREACHABLE' });
  client.before = () => {};
  const metadata = { namespace, name: CLAIMS_NAME };
  await client.create(resources.configMaps, { metadata, data: { x: '{"atMs":1}' } });
  await assert.rejects(ask(claims, creation('a', '10.6.0.1')), {
    code: 'INPUT_INVALID',
    message: /ConfigMap orbweaver-network-claims: delete it/,
  });
  await client.delete(resources.configMaps, metadata);
  assert.ok((await ask(claims, creation('a', '10.6.0.1'))).allowed);
});

test('a request that cannot be claimed or judged stops no other, and is not written', async () => {
  const claims = new Claims({ client: new FakeKube(), clock: new FakeClock(), namespace });
  const spec = { subnet, ips: ['10.6.0.1'], ipVersion: 4 };
  const unnamed = creation('a', '10.6.0.1', { object: { metadata: {}, spec } });
  const huge = creation('huge', '10.6.0.9', {
    object: { metadata: { name: 'huge' }, spec: { ...spec, ips: ['10.6.0.9'.padEnd(2 ** 20)] } },
  });
  const broken = () => {
    throw new Error('a bug');
  };
  const asked = [
    ask(claims, creation('first', '10.6.0.2')),
    ask(claims, unnamed),
    ask(claims, huge),
    claims.judge(creation('b', '10.6.0.3'), broken),
    ask(claims, creation('c', '10.6.0.4')),
  ];
  const results = await Promise.allSettled(asked);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected', 'rejected', 'fulfilled'],
  );
  await assert.rejects(asked[1] as Promise<unknown>, { message: /object\.metadata\.name/ });
  await assert.rejects(asked[2] as Promise<unknown>, { message: /^huge: its 10\d+ bytes do not fit/ });
  assert.ok((await ask(claims, creation('d', '10.6.0.5'))).allowed, 'the claims can be read');
  assert.ok(!(await ask(claims, creation('e', '10.6.0.4'))).allowed, 'c is claimed');
});
