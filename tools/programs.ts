// A part of npm run check: tools/programs.txt must list every program that the project starts.

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Start, startsOf } from './program-scan.ts';
import { programsOfScript } from './program-words.ts';

const table = readFileSync(join(import.meta.dirname, 'programs.txt'), 'utf8');
const known = new Set(
  table
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(/\s+/)[0]),
);

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
// A scan that finds nothing would pass.
if (starts.length < 100) console.error(`only ${starts.length} calls that start a program were found`);
process.exitCode = unknown.length === 0 && starts.length >= 100 ? 0 : 1;
