// npm test [PATTERN ...]: every test of the repository but those of a real cluster, or those whose path holds a PATTERN.

import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { umlFiles } from '../test/uml/files.ts';
import { lackingParts } from '../test/uml/kernel-part.ts';

const patterns = process.argv.slice(2);
const files = globSync(['src/**/*.test.ts', 'test/**/*.test.ts'])
  .filter((file) => !file.startsWith('test/kube/'))
  .filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)))
  .toSorted();
if (files.length === 0) {
  console.error(`no test file's path holds ${patterns.join(' or ')}`);
  process.exit(1);
}
// Each file is a process of its own: tests that enter namespaces must not share one.
const run = spawnSync(
  process.execPath,
  ['--test', '--test-concurrency=2', '--test-timeout=600000', '--test-reporter=spec', ...files],
  { stdio: 'inherit', env: { ...process.env, NODE_TEST_CONTEXT: undefined } },
);
const left = files.filter((file) => umlFiles.includes(file));
const lacking = lackingParts();
if (left.length > 0 && lacking.length > 0) {
  console.log(`left for npm run test:uml, because this kernel has no ${lacking.join(', no ')}: tests in`);
  for (const file of left) console.log(`  ${file}`);
}
process.exitCode = run.status ?? 1;
