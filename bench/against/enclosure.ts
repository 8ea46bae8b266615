// Runs a program of one revision so that nothing of it outlives the comparison: no process, no mount, no file.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where and how a program runs. */
export interface Enclosure {
  /** The root of the revision. Its own Node runs the program. */
  readonly tree: string;
  /** The folder that the program sees as /var/tmp. */
  readonly temporary: string;
  /** Variables besides those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Ends the program, and everything that it has started. */
  readonly signal: AbortSignal;
}

/** Binds $1 to /var/tmp, and runs the rest of the words in $2. */
const SCRIPT = 'mount --bind "$1" /var/tmp && cd "$2" && shift 2 && exec "$@"';

/**
 * Runs the program, and resolves with its output when all its processes have ended. An exit code other than 0 is an error
 * with the end of its error output. Throws the reason of the signal when that ended the program.
 */
export async function runEnclosed(command: readonly string[], enclosure: Enclosure): Promise<string> {
  const { tree, temporary, environment = {}, signal } = enclosure;
  signal.throwIfAborted();
  // Namespaces for processes and mounts: the first process takes all others along. The kernel kills it with this process.
  const namespaces = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const argv = [
    '--pdeathsig',
    'KILL',
    'unshare',
    ...namespaces,
    'sh',
    '-c',
    SCRIPT,
    'sh',
    temporary,
    tree,
    ...command,
  ];
  const path = `${join(tree, 'node_modules/.bin')}:${process.env.PATH ?? ''}`;
  const child = spawn('setpriv', argv, {
    stdio: ['ignore', 'pipe', 'pipe'],
    // In a session of its own, so that ^C reaches this process alone, which then ends the program in order.
    detached: true,
    env: { ...process.env, PATH: path, TMPDIR: '/var/tmp', ORBWEAVER_ONLY_CHECK: undefined, ...environment },
  });
  const [out, said] = [collect(child.stdout), collect(child.stderr)];
  const end = () => kill(child);
  signal.addEventListener('abort', end);
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    signal.throwIfAborted();
    if (code === 0) return out();
    throw new Error(`${command.join(' ')} in ${tree} ended with ${code}:\n${said().trimEnd().slice(-2000)}`);
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** Kills the first process of the namespace. The program unshare ends when the kernel has ended all others there. */
function kill({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  const [first] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  process.kill(first ? Number(first) : pid, 'SIGKILL');
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString();
}
