import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { umlFiles } from './files.ts';
import { skipOf } from './kernel-part.ts';

test('the list contains exactly the test files that need kernel parts', () => {
  const asking = globSync(['src/**/*.test.ts', 'test/**/*.test.ts'])
    .filter((file) => file !== 'test/uml/files.test.ts')
    .filter((file) => /\bneeds\b.*\/uml\/kernel-part\.ts'/.test(readFileSync(file, 'utf8')))
    .toSorted();
  assert.deepEqual(umlFiles.toSorted(), asking);
});

test('a skipped test names where it runs, or why it cannot run', () => {
  assert.equal(skipOf([], undefined), false);
  assert.equal(skipOf(['vlan'], undefined), 'this kernel has no vlan: runs in npm run test:uml');
  assert.equal(skipOf(['nftables'], 'nftables'), 'this kernel has no nftables, which could not be built');
  assert.throws(() => skipOf(['vlan', 'nftables'], 'nftables'), {
    message: 'this kernel has no vlan, no nftables, although it is user-mode Linux',
  });
  assert.throws(() => skipOf(['bond'], ''), /has no bond/);
});
