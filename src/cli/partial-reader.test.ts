import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources } from '#api';
import type { Logger } from '#base';
import { OrbError } from '#base';
import { FakeKube } from '#kube/testing';
import { PartialReader } from './partial-reader.ts';

test('an object that the client leaves out of a list is told once, on one line', () => {
  let log: Logger | undefined;
  const reader = new PartialReader((given) => {
    log = given;
    return new FakeKube();
  });
  for (let times = 0; times < 2; times++) log?.warn({}, 'ignored: SpiderIPPool p does not fit:\n  × spec');
  assert.deepEqual(reader.missing, ['ignored: SpiderIPPool p does not fit: × spec']);
});

test('a list that may not be read or does not exist is missing, and a server that does not answer is an error', async () => {
  const kube = new FakeKube();
  const reader = new PartialReader(() => kube);
  const answer = (code: 'KUBE_FORBIDDEN' | 'KUBE_NOT_FOUND' | 'KUBE_UNREACHABLE') => {
    kube.before = () => {
      throw new OrbError(code, { message: code });
    };
    return reader.list(resources.events, 'so');
  };
  assert.equal(await answer('KUBE_FORBIDDEN'), undefined);
  assert.equal(await answer('KUBE_NOT_FOUND'), undefined);
  await assert.rejects(answer('KUBE_UNREACHABLE'), { code: 'KUBE_UNREACHABLE' });
  assert.deepEqual(
    reader.missing.map((text) => text.slice(0, 18)),
    ['so: KUBE_FORBIDDEN', 'so: KUBE_NOT_FOUND'],
  );
});
