// npm test [-- PATTERN ...]: runs all tests except those of a real cluster, a real Prometheus and real OpenStack servers, or the tests whose path contains a PATTERN.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { outputClosed, runProgram } from '#program';
import { umlFiles } from '../test/uml/files.ts';
import { lackingParts } from '../test/uml/kernel-part.ts';
import { chosenFiles } from './chosen-files.ts';
import { CompileCache } from './compile-cache.ts';

const options = ['--test-concurrency=2', '--test-timeout=600000', '--test-reporter=spec'];

/** Folders with a command of their own. */
const elsewhere = ['test/kube/', 'test/monitoring/', 'test/openstack/'];

/** Throws INPUT_INVALID when a pattern matches no path. */
function filesOf(patterns: readonly string[]): string[] {
  const files = globSync(['src/**/*.test.ts', 'test/**/*.test.ts', 'bench/**/*.test.ts']).filter(
    (file) => !elsewhere.some((folder) => file.startsWith(folder)),
  );
  return chosenFiles(files.toSorted(), patterns, 'test file');
}

/**
 * Runs each file in its own process, because tests that enter namespaces must not share one.
 * Resolves with the exit code.
 */
async function runTests(patterns: readonly string[]): Promise<number> {
  const files = filesOf(patterns);
  using cache = new CompileCache();
  // Node's test runner ends with a stack trace when the reader of its output closes. So this process reads the output itself.
  const output = process.stdout.isTTY ? 'inherit' : 'pipe';
  const runner = spawn(process.execPath, ['--test', ...options, ...files], {
    stdio: ['inherit', output, 'inherit'],
    env: { ...process.env, ...cache.env, NODE_TEST_CONTEXT: undefined },
  });
  outputClosed.addEventListener('abort', () => runner.stdout?.resume());
  runner.stdout?.pipe(process.stdout, { end: false });
  const [status] = (await once(runner, 'close')) as [number | null];
  const left = files.filter((file) => umlFiles.includes(file));
  const lacking = lackingParts();
  if (left.length > 0 && lacking.length > 0) {
    console.log(
      `these tests run in npm run test:uml, because this kernel has no ${lacking.join(', no ')}: tests in`,
    );
    for (const file of left) console.log(`  ${file}`);
  }
  return status ?? 1;
}

const USAGE = `usage: npm test [-- PATTERN ...]
Runs all tests except those of a real cluster. With PATTERNs, it runs only the files whose path contains one of them.`;
await runProgram({
  name: 'test',
  usage: USAGE,
  options: {},
  takesWords: true,
  check: ({ positionals }) => filesOf(positionals),
  run: ({ positionals }) => runTests(positionals),
});
