// Every operation and every outcome survives the way to the leader and back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Address } from '#ip';
import type { AddressOwner, PoolOperation, PoolOutcome } from '#plan/ipam';
import { answerText, readAnswer, readRequest, requestText } from './commit-message.ts';

/** Records as plain objects. */
const record = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(fields, { noNullPrototype: true });
const text = fc.string({ minLength: 1, maxLength: 40 });
const address: fc.Arbitrary<Address> = fc.oneof(
  record({ family: fc.constant(4 as const), value: fc.bigInt(0n, 2n ** 32n - 1n) }),
  record({ family: fc.constant(6 as const), value: fc.bigInt(0n, 2n ** 128n - 1n) }),
);
// A new field of an owner must be sent too. Without it here, this does not compile.
const owner: fc.Arbitrary<Required<AddressOwner>> = record({
  pod: text,
  podUid: text,
  nic: text,
  fixed: fc.boolean(),
  iaas: record({ node: text, parentNicMac: text }),
});
const operation: fc.Arbitrary<PoolOperation> = fc.oneof(
  record({ verb: fc.constant('allocate' as const), owner, requested: address }),
  record({ verb: fc.constant('allocate' as const), owner }),
  record({
    verb: fc.constant('release' as const),
    release: fc.oneof(
      record({ scope: fc.constant('pod' as const), podUid: text }),
      record({ scope: fc.constant('nic' as const), podUid: text, nic: text }),
    ),
  }),
);
const outcome: fc.Arbitrary<PoolOutcome> = fc.oneof(
  record({ verb: fc.constant('allocated' as const), address, held: fc.boolean() }),
  record({ verb: fc.constant('refused' as const), reason: fc.string() }),
  record({ verb: fc.constant('released' as const), addresses: fc.array(address) }),
);

test('the leader reads each request as the agent wrote it', () => {
  fc.assert(
    fc.property(operation, (sent) => {
      const request = { operation: sent, quarantined: new Map([['10.6.1.1', 500]]) };
      assert.deepEqual(readRequest(requestText(request)), request);
    }),
  );
});

test('an agent reads each answer as the leader wrote it', () => {
  fc.assert(
    fc.property(outcome, (sent) => {
      const answer = { outcome: sent, resourceVersion: '12' };
      assert.deepEqual(readAnswer(answerText(answer)), answer);
    }),
  );
});

test('an answer that is no answer is said to be wrong, and not believed', () => {
  for (const json of [
    '',
    '[]',
    '{"outcome":{"verb":"allocated","address":"x","held":true},"resourceVersion":"1"}',
  ]) {
    assert.equal(typeof readAnswer(json), 'string', json);
  }
});
