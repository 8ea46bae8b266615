// npm run bare -- COMMAND ...: runs the command in a fresh clone of HEAD, on a bare Debian 12 with only git and npm.
// The exit code is that of the command, or 125 when this machine cannot make such a root.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { runToEnd, TROUBLE } from '#program';
import { BareRoot, NoBareRoot } from './bare-root.ts';

const project = join(import.meta.dirname, '..');
const CLONE = '/root/orbweaver';

function git(...args: readonly string[]): string {
  const done = spawnSync('git', args, { encoding: 'utf8', cwd: project });
  if (done.status === 0) return done.stdout.trim();
  throw new Error(`git ${args.join(' ')}: ${done.error?.message ?? done.stderr.trim()}`);
}

const USAGE = `usage: npm run bare -- COMMAND ...
Runs the command in a fresh clone of HEAD, on a bare Debian 12 with git and npm alone.
The exit code is the command's, or 125 if this machine cannot make such a root.`;

async function runInClone(command: readonly string[]): Promise<number> {
  const [first] = command;
  if (first === undefined || first.startsWith('-')) {
    if (first === '--help' || first === '-h') {
      console.log(USAGE);
      return 0;
    }
    const wrong = first === undefined ? 'a command is missing' : `unknown option '${first}'`;
    console.error(`bare: ${wrong}\n${USAGE}`);
    return TROUBLE;
  }
  if (git('status', '--porcelain') !== '')
    console.error('orbweaver: this tree has uncommitted changes; the clone of HEAD does not have them');
  using root = await BareRoot.copy();
  git('clone', '--quiet', '--no-local', project, join(root.path, CLONE));
  return await root.run(['sh', '-c', `cd ${CLONE} && "$@"`, 'sh', ...command]);
}

await runToEnd('bare', async () => {
  try {
    return await runInClone(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof NoBareRoot)) throw error;
    console.error(`orbweaver: this machine cannot make a bare root: ${error.message}`);
    return 125;
  }
});
