// A part of npm run check: tools/programs.txt must list every program that the project starts.

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Start, startsOf } from './program-scan.ts';
import { programsOfScript } from './program-words.ts';

const table = readFileSync(join(import.meta.dirname, 'programs.txt'), 'utf8');
/** The groups of each program. A program can stand in two groups. */
const known = new Map<string, readonly string[]>();
for (const line of table.split('\n').filter((each) => each !== '' && !each.startsWith('#'))) {
  const [program = '', , , group = ''] = line.split(/\s+/);
  known.set(program, [...(known.get(program) ?? []), group]);
}

/** What `npm test` can start on a bare machine: tools/run installs these groups for it, or its tests are skipped. */
const groupsOfSuite = new Set(['debian', 'machine', 'npm', 'go', 'shell', 'network', 'kubectl', 'libc']);
/** The tests that `npm test` runs. The tests of these folders have tasks of their own. */
const OF_SUITE = /^(src|test\/(?!kube|monitoring|openstack).*)\/.*\.test\.ts$/;

function startsOfScript(file: string): Start[] {
  return programsOfScript(readFileSync(file, 'utf8')).map((program) => ({ file, line: 1, program }));
}

const starts = [
  ...globSync(['src/**/*.ts', 'test/**/*.ts', 'tools/**/*.ts', 'bench/**/*.ts']).flatMap(startsOf),
  ...[...globSync(['src/**/*.sh', 'test/**/*.sh', 'tools/*.sh']), 'tools/run', '.ci/run'].flatMap(
    startsOfScript,
  ),
];
const unknown = starts.filter(({ program }) => program === undefined || !known.has(program));
for (const { file, line, program } of unknown) {
  console.error(
    program === undefined
      ? `${file}:${line} starts a program whose name is not known: add the name to tools/program-scan.ts`
      : `${file}:${line} starts ${program}, which is not in tools/programs.txt`,
  );
}
const missing = starts.filter(
  ({ file, program = '' }) =>
    OF_SUITE.test(file) && known.get(program)?.some((group) => groupsOfSuite.has(group)) === false,
);
for (const { file, line, program = '' } of missing)
  console.error(
    `${file}:${line} starts ${program}, which npm test does not install: group ${known.get(program)?.join(', ')}`,
  );
// A scan that finds nothing would pass.
if (starts.length < 100) console.error(`only ${starts.length} calls that start a program were found`);
process.exitCode = unknown.length + missing.length === 0 && starts.length >= 100 ? 0 : 1;
