import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { linesOf } from './lines.ts';

async function* asStream(chunks: readonly string[]): AsyncGenerator<string> {
  yield* chunks;
}

test('lines are the same in whatever chunks they come, and a rest without an end is dropped', async () => {
  const chunks = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '\n') }));
  await fc.assert(
    fc.asyncProperty(chunks, async (parts) => {
      const expected = parts.join('').split('\n').slice(0, -1);
      const lines: string[] = [];
      for await (const line of linesOf(asStream(parts))) lines.push(line);
      assert.deepEqual(lines, expected);
    }),
  );
});
