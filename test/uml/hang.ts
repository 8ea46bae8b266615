// Runs inside the machine, for trial.ts. It tries to write to this machine's file system in two ways, prints the results, and never ends.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from '../e2e/program.ts';

function tried(file: string): string {
  try {
    writeFileSync(file, 'written');
    return 'written';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

const file = join(import.meta.dirname, 'intruder');
mkdirSync('/mnt/root');
runProgram('mount', ['-t', 'hostfs', '-o', '/', 'root', '/mnt/root']);
writeFileSync('/mnt/share/written', [tried(file), tried(join('/mnt/root', file))].join(' '));
setInterval(() => {}, 1000);
