// Netlink messages: batches, acknowledgements, broken input.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Attributes, MessageBody } from './attributes.ts';
import { decodeAcknowledgement, decodeMessages, encodeRequests, NLMSG_ERROR, wireLength } from './message.ts';

test('requests of a batch follow one another, aligned and numbered', () => {
  const requests = [
    { type: 20, flags: 4, body: Uint8Array.of(1, 2, 3, 4, 5) },
    { type: 24, flags: 4, body: Uint8Array.of(9) },
  ];
  const bytes = encodeRequests(requests, 7);
  assert.equal(
    bytes.length,
    requests.reduce((sum, request) => sum + wireLength(request), 0),
  );
  assert.deepEqual(
    [...decodeMessages(bytes)].map(({ type, flags, sequence, body }) => ({
      type,
      flags,
      sequence,
      body: [...body],
    })),
    [
      { type: 20, flags: 5, sequence: 7, body: [1, 2, 3, 4, 5] },
      { type: 24, flags: 5, sequence: 8, body: [9] },
    ],
  );
});

/** An acknowledgement of −EEXIST whose echo has 24 bytes, capped to the header or whole, then the kernel's words. */
function refusal(capped: boolean): { type: number; flags: number; sequence: number; body: Uint8Array } {
  const body = new MessageBody();
  body.writer.i32(-17).u32(24).u16(20).u16(0).u32(7).u32(0);
  if (!capped) body.writer.u32(0).u32(0);
  body.text(1, 'Address already assigned');
  return { type: NLMSG_ERROR, flags: 0x200 | (capped ? 0x100 : 0), sequence: 7, body: body.writer.done() };
}

test("the kernel's words are found behind a capped echo and behind a complete one", () => {
  const expected = { errno: 17, extAck: 'Address already assigned' };
  assert.deepEqual(decodeAcknowledgement(refusal(true)), expected);
  assert.deepEqual(decodeAcknowledgement(refusal(false)), expected);
});

test('a message longer than its datagram is an error', () => {
  const bytes = encodeRequests([{ type: 20, flags: 0, body: new Uint8Array(8) }], 1);
  assert.throws(() => [...decodeMessages(bytes.subarray(0, 20))], RangeError);
});

test('attributes nest, and a broken tail is left out', () => {
  const body = new MessageBody();
  body.nested(18, () => body.text(1, 'veth').u16(2, 0xbeef)).u8(7, 9);
  const bytes = body.writer.done();
  const attributes = new Attributes(bytes);
  assert.deepEqual(
    [attributes.nested(18)?.text(1), attributes.nested(18)?.u16(2), attributes.u8(7)],
    ['veth', 0xbeef, 9],
  );
  assert.equal(new Attributes(bytes.subarray(0, bytes.length - 5)).u8(7), undefined);
  assert.equal(new Attributes(Uint8Array.of(2, 0, 1, 0)).bytes(1), undefined);
});
