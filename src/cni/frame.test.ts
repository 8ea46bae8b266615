import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isOrbError } from '#base';
import { decodeFrame, encodeFrame, FrameReader } from './frame.ts';

const fieldNames = fc.stringMatching(/^[a-zA-Z0-9_:.-]{1,20}$/).filter((name) => name !== 'end');
const fields = fc.uniqueArray(
  fc.tuple(
    fieldNames,
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  ),
  {
    selector: ([name]) => name,
  },
);

test('a frame arrives unchanged, whatever its values contain and however it is cut', () => {
  fc.assert(
    fc.property(fields, fc.integer({ min: 1, max: 50 }), (sent, step) => {
      const bytes = encodeFrame(sent);
      const reader = new FrameReader();
      let frame: ReturnType<FrameReader['push']>;
      for (let at = 0; at < bytes.length; at += step) {
        assert.equal(frame, undefined, 'whole before its last byte');
        frame = reader.push(bytes.subarray(at, at + step));
      }
      assert.ok(frame !== undefined);
      assert.deepEqual([...frame.fields], sent);
      assert.equal(frame.protocol, 1);
    }),
  );
});

test('random bytes are refused as damaged, and never cause another error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodeFrame(Buffer.from(bytes));
      } catch (error) {
        return isOrbError(error, 'FRAME_DAMAGED');
      }
      return false;
    }),
  );
});

for (const [what, text] of [
  ['another first line', 'GET / HTTP/1.1\nend 0\n\n'],
  ['a field without a length', 'OWCNI 1\nstdin\n'],
  ['the same field twice', 'OWCNI 1\na 1\nx\na 1\ny\nend 0\n\n'],
  ['a wrong length', 'OWCNI 1\na 1\nxyz\nend 0\n\n'],
  ['an early end', 'OWCNI 1\na 1\nx\n'],
  ['bytes after the end', 'OWCNI 1\nend 0\n\nx'],
  ['an endless line', `OWCNI 1\n${'a'.repeat(300)}`],
] as const) {
  test(`a frame with ${what} is refused`, () => {
    assert.throws(
      () => decodeFrame(Buffer.from(text)),
      (error) => isOrbError(error, 'FRAME_DAMAGED'),
    );
  });
}
