// npm run test:uml [-- PATTERN ...]: runs the tests of kernel parts that this machine's kernel may lack, in Debian's user-mode
// Linux. It runs all of them, or those whose path contains a PATTERN.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from '#program';
import { chosenFiles } from '../../tools/chosen-files.ts';
import { run } from '../kube/command.ts';
import { Outcomes } from '../kube/outcome.ts';
import { umlFiles } from './files.ts';
import type { Totals } from './inside.ts';
import { Machine } from './machine.ts';
import { builtNfTables } from './nf-tables.ts';
import { tryMachine } from './trial.ts';

/** It takes three minutes when nothing else runs. After this longer time, something hangs. */
const timeoutMs = 1_800_000;

/** Throws INPUT_INVALID when a pattern matches no path. */
const filesOf = (patterns: readonly string[]) => chosenFiles(umlFiles, patterns, 'file of test/uml/files.ts');

async function tryInside(patterns: readonly string[]): Promise<number> {
  const files = filesOf(patterns);
  const version = await run(['linux.uml', '--version']).then(
    (text) => text.trim(),
    (error: Error) => error,
  );
  if (version instanceof Error) {
    console.log(
      `skipped: user-mode Linux is not on this machine and could not be installed: ${version.message}`,
    );
    console.log(`skipped: ${files.join(' ')}`);
    console.log(`0 passed, 0 failed, ${files.length} skipped`);
    return 0;
  }
  const outcomes = new Outcomes();
  if (patterns.length === 0) await tryMachine(outcomes);
  using machine = new Machine();
  const nfTables = await builtNfTables(version).catch((error: Error) => error);
  const lacks = nfTables instanceof Error ? 'nftables;nat' : '';
  await machine.addModules(version, nfTables instanceof Error ? undefined : nfTables);
  const totals = await runInside(machine, files, lacks);
  if (nfTables instanceof Error) console.log(`skipped: tests that need nftables: ${nfTables.message}`);
  const failed = totals.failed + outcomes.failed;
  console.log(`${totals.passed + outcomes.passed} passed, ${failed} failed, ${totals.skipped} skipped`);
  return failed === 0 ? 0 : 1;
}

async function runInside(machine: Machine, files: readonly string[], lacks: string): Promise<Totals> {
  writeFileSync(join(machine.share, 'files.json'), JSON.stringify(files));
  const { console: words, timedOut } = await machine.boot({
    env: { ORBWEAVER_UML_LACKS: lacks, ...(!process.stdout.isTTY && { NO_COLOR: '1' }) },
    script: join(import.meta.dirname, 'inside.ts'),
    timeoutMs,
    print: (text) => process.stdout.write(text),
  });
  const totals = join(machine.share, 'totals.json');
  if (existsSync(totals)) return JSON.parse(readFileSync(totals, 'utf8')) as Totals;
  const why = timedOut ? `was not done within ${timeoutMs / 1000} s and was ended` : 'ended before its tests';
  throw new Error(`user-mode Linux ${why}:\n${words.slice(-4000)}`);
}

const usage = `usage: npm run test:uml [-- PATTERN ...]
Runs the tests of kernel parts that this machine's kernel may lack, in user-mode Linux;
with PATTERNs those whose path holds one.`;
await runProgram({
  name: 'test:uml',
  usage,
  options: {},
  takesWords: true,
  check: ({ positionals }) => filesOf(positionals),
  run: ({ positionals }) => tryInside(positionals),
});
