import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { piped } from './slow-reader-fixture.ts';

const source = `import { paintFor } from ${JSON.stringify(join(import.meta.dirname, 'paint.ts'))};
  process.stdout.write(paintFor(process.stdout)('bad', 'x'));`;
const painted = async (environment: object) =>
  (await piped(['--input-type=module', '-e', source], 'cat', environment)).read;

test('colour is for terminals and on request, and NO_COLOR forbids it', async () => {
  const unset = { FORCE_COLOR: undefined, NO_COLOR: undefined, NODE_DISABLE_COLORS: undefined };
  assert.equal(await painted(unset), 'x');
  assert.equal(await painted({ ...unset, FORCE_COLOR: '1' }), '\u001b[31mx\u001b[39m');
  assert.equal(await painted({ ...unset, NO_COLOR: '1' }), 'x');
});
