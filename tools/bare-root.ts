// The root of a bare Debian 12: debootstrap's minbase, and what README asks the user to install. It is made once and kept;
// every run gets a copy, so that no run sees what another one installed.

import { type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type MachineSettings, machineSettings, writeSettings } from './machine-settings.ts';

const RELEASE = 'bookworm';
/** Without recommended packages: the barest machine that still has what README names. */
const INSTALL = 'apt-get update -q && apt-get install -q -y --no-install-recommends git npm && apt-get clean';
const enterScript = join(import.meta.dirname, 'enter-root.sh');
const cache = join(homedir(), '.cache/orbweaver/bare');

/** The root cannot be made or copied on this machine; the message ends with the words of the program that failed. */
export class NoBareRoot extends Error {}

/** A copy of the bare root, for one run; it goes when it is disposed of. */
export class BareRoot {
  readonly path: string;
  readonly #settings: MachineSettings;

  private constructor(path: string, settings: MachineSettings) {
    this.path = path;
    this.#settings = settings;
  }

  /** Makes the kept root where there is none, and copies it. Throws {@link NoBareRoot}. */
  static async copy(): Promise<BareRoot> {
    const settings = machineSettings(RELEASE);
    mkdirSync(cache, { recursive: true, mode: 0o700 });
    const kept = join(cache, keyOf(settings));
    if (!existsSync(kept)) await make(kept, settings);
    const copied = new BareRoot(mkdtempSync(join(cache, 'run-')), settings);
    try {
      complete('copying the root', 'cp', ['-a', '--reflink=auto', `${kept}/.`, copied.path]);
    } catch (error) {
      copied[Symbol.dispose]();
      throw error;
    }
    return copied;
  }

  /** Runs a command in it; resolves with its exit code. */
  async run(command: readonly string[]): Promise<number> {
    return await enter(this.path, this.#settings, command, { stdio: 'inherit' });
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Another recipe or other settings make another root. */
function keyOf(settings: MachineSettings): string {
  const recipe = [import.meta.filename, enterScript].map((file) => readFileSync(file, 'utf8'));
  return createHash('sha256')
    .update(JSON.stringify([recipe, settings]))
    .digest('hex')
    .slice(0, 16);
}

async function make(kept: string, settings: MachineSettings): Promise<void> {
  console.error(`orbweaver: making the root of a bare Debian 12, kept as ${kept}`);
  const making = mkdtempSync(join(cache, 'making-'));
  try {
    const wanted = ['--variant=minbase', '--include=ca-certificates', RELEASE, making];
    complete('debootstrap', 'debootstrap', [...wanted, ...(settings.mirror ? [settings.mirror] : [])]);
    writeSettings(making, settings);
    const log = join(making, 'install.log');
    const script = `{ ${INSTALL}; } >/install.log 2>&1`;
    const code = await enter(making, settings, ['sh', '-c', script], { stdio: ['ignore', 2, 2] });
    if (code !== 0) throw new NoBareRoot(`apt-get in the new root: ${ending(readFileSync(log, 'utf8'))}`);
    rmSync(log);
    // Another run may have made the same root meanwhile.
    if (!existsSync(kept)) renameSync(making, kept);
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}

/** Runs a command as on a machine of its own; when this process ends, so does everything in there. */
async function enter(
  root: string,
  { environment }: MachineSettings,
  command: readonly string[],
  options: SpawnOptions,
): Promise<number> {
  for (const file of ['/etc/resolv.conf', '/etc/hosts'].filter((each) => existsSync(each)))
    copyFileSync(file, join(root, file));
  writeFileSync(join(root, 'etc/hostname'), 'bare\n');
  const { TERM = 'dumb', CI } = process.env;
  const env = {
    HOME: '/root',
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    TERM,
    ...(CI !== undefined && { CI }),
    ...environment,
  };
  const namespaces = ['--mount', '--pid', '--fork', '--kill-child'];
  const argv = ['--pdeathsig', 'KILL', 'unshare', ...namespaces, 'sh', enterScript, root, ...command];
  const child = spawn('setpriv', argv, { ...options, env });
  // A terminal sends Ctrl-C to the command too: this process ends when the command has.
  const wait = () => {};
  const stop = () => child.kill('SIGKILL');
  process.on('SIGINT', wait).on('SIGTERM', stop);
  try {
    return await new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve(code ?? 1));
    });
  } finally {
    process.off('SIGINT', wait).off('SIGTERM', stop);
  }
}

function complete(what: string, program: string, args: readonly string[]): void {
  const done = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 64 << 20 });
  if (done.status === 0) return;
  throw new NoBareRoot(`${what}: ${done.error?.message ?? ending(`${done.stdout}${done.stderr}`)}`);
}

/** The last lines say what failed. */
function ending(text: string): string {
  return text.trim().split('\n').slice(-8).join('\n');
}
