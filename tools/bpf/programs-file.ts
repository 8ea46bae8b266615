// src/kernel/bpf/service-programs.ts: the BPF programs of bpf/, compiled. It is in the repository, so that nobody who
// builds, tests or installs needs a compiler for BPF. It names the source that it was made of.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CompiledProgram } from './object-file.ts';

const root = join(import.meta.dirname, '../..');
export const sourceFolder = join(root, 'bpf');
/** Its path from the root of the repository. */
export const PROGRAMS_FILE = 'src/kernel/bpf/service-programs.ts';

/** v3 has instructions of 32 bits (Linux 5.1), which make smaller programs. */
export const compilerFlags = [
  '-O2',
  '-std=c11',
  '-Wall',
  '-Wextra',
  '-Wshadow',
  '-Werror',
  '-target',
  'bpf',
  '-mcpu=v3',
];

/** Of everything that the compiled programs depend on, except the compiler itself. */
function sourceChecksum(): string {
  const hash = createHash('sha256').update(compilerFlags.join(' '));
  const names = readdirSync(sourceFolder).filter((name) => /\.[ch]$/.test(name));
  for (const name of names.toSorted())
    hash.update(`\n${name}\n`).update(readFileSync(join(sourceFolder, name)));
  return hash.digest('hex');
}

const sourceLine = () => `// Source: sha256 ${sourceChecksum()}`;

/** Whether the file was made of other source than the one that is here. It needs no compiler. */
export function isFromOtherSource(): boolean {
  return !readFileSync(join(root, PROGRAMS_FILE), 'utf8').split('\n').includes(sourceLine());
}

export function programsFile(programs: readonly CompiledProgram[]): string {
  return [
    '// Generated from bpf/ by `npm run gen -- bpf`. Do not edit.',
    sourceLine(),
    '',
    "import type { Hook, ProgramCode } from './program.ts';",
    '',
    'export const servicePrograms: Readonly<Record<Hook, ProgramCode>> = {',
    ...programs.map(programText),
    '};',
    '',
  ].join('\n');
}

function programText({ name, instructions, maps }: CompiledProgram): string {
  const users = [...maps].map(([map, indexes]) => `${map}: [${indexes.join(', ')}]`).toSorted();
  const lines = instructions.toString('base64').match(/.{1,110}/g) ?? [];
  return [
    `  ${name}: {`,
    `    maps: { ${users.join(', ')} },`,
    '    instructions: `',
    ...lines,
    '`,',
    '  },',
  ].join('\n');
}
