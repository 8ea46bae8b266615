// npm run gen -- bpf: compiles the BPF programs of bpf/ with Debian's clang.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '#program';
import { readObjectFile } from './object-file.ts';
import { compilerFlags, PROGRAMS_FILE, programsFile, sourceFolder } from './programs-file.ts';

const root = join(import.meta.dirname, '../..');

function compile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'orbweaver-bpf-'));
  try {
    const output = join(folder, 'service.o');
    // For this target, clang does not look where Debian keeps the headers of the machine's own architecture.
    const include = `-I/usr/include/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`;
    const args = [...compilerFlags, include, '-c', join(sourceFolder, 'service.c'), '-o', output];
    const run = spawnSync('clang-14', args, { encoding: 'utf8' });
    if (run.status !== 0) throw new Error(`clang-14: ${run.error?.message ?? run.stderr}`);
    return programsFile(readObjectFile(readFileSync(output)));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function bpf(onlyCheck: boolean): Promise<number> {
  const text = compile();
  const path = join(root, PROGRAMS_FILE);
  if (!onlyCheck) {
    writeFileSync(path, text);
    return 0;
  }
  if (readFileSync(path, 'utf8') === text) return 0;
  console.error(`${PROGRAMS_FILE} is not what bpf/ gives: run \`npm run gen -- bpf\``);
  return 1;
}

const USAGE = `usage: npm run gen -- bpf [--check]
Compiles the BPF programs of bpf/ with Debian's clang, and writes ${PROGRAMS_FILE}.
--check  writes nothing; the exit code is 1 if the file is not what bpf/ gives`;
const options = { check: { type: 'boolean', default: false } } as const;
await runProgram({ name: 'bpf', usage: USAGE, options, run: ({ values }) => bpf(values.check) });
