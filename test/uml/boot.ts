// A process for trial.ts to kill: it boots a machine that hangs, and prints the folder that it shares.

import { join } from 'node:path';
import { Machine } from './machine.ts';

const machine = new Machine();
console.log(machine.share);
await machine.boot({
  env: {},
  script: join(import.meta.dirname, 'hang.ts'),
  timeoutMs: 60_000,
  print: () => {},
});
