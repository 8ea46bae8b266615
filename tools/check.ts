// npm run check: runs every static check and prints its name. The exit code is not zero when one fails.

import { spawnSync } from 'node:child_process';
import { runProgram } from '#program';

const checks: [name: string, command: string[]][] = [
  ['types (TypeScript 7)', ['node', 'node_modules/tsnative/bin/tsc', '-p', '.']],
  ['format and lint (biome)', ['biome', 'check', '--error-on-warnings']],
  [
    'type-aware lint (oxlint)',
    ['oxlint', '--type-aware', '--deny-warnings', 'src', 'test', 'tools', 'bench'],
  ],
  ['floors (dependency-cruiser)', ['depcruise', '--output-type', 'err', 'src']],
  ['dead code (knip)', ['knip', '--no-progress']],
  ['programs (tools/programs.txt)', ['node', 'tools/programs.ts']],
  ['long lines of pages', ['node', 'tools/pages.ts']],
  ['generated files', ['node', 'tools/gen.ts', '--check']],
];

async function check(): Promise<number> {
  let failed = 0;
  for (const [name, [command = '', ...args]] of checks) {
    const started = performance.now();
    const run = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    // dependency-cruiser passes when it cannot read TypeScript. It has then seen no modules.
    const blind =
      command === 'depcruise' &&
      !/\([1-9][0-9]* modules, [1-9][0-9]* dependencies cruised\)/.test(run.stdout);
    const ok = run.status === 0 && !blind;
    console.log(`${ok ? 'ok  ' : 'FAIL'} ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
    if (!ok) {
      failed++;
      process.stdout.write(run.stdout);
      process.stdout.write(run.stderr);
      if (blind) console.log('dependency-cruiser saw no modules: is TypeScript 6 installed as "typescript"?');
      if (run.error !== undefined) console.log(run.error.message);
    }
  }
  return failed === 0 ? 0 : 1;
}

const USAGE = `usage: npm run check
Runs every static check; the exit code is 1 if one fails.`;
await runProgram({ name: 'check', usage: USAGE, options: {}, run: check });
