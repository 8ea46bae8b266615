// A user-mode machine: Debian's linux.uml in its own namespaces. It can write to only one folder of this machine.

import { spawn } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../kube/command.ts';

const own = import.meta.dirname;

/** The folder in which Debian's package has the modules. */
const shipped = '/usr/lib/uml/modules';

export interface Boot {
  /** Environment of the inner programs. Values must have no spaces. */
  readonly env: Readonly<Record<string, string>>;
  /** A script for node. */
  readonly script: string;
  readonly timeoutMs: number;
  /** Gets the machine's output after it is up. */
  readonly print: (text: string) => void;
}

export interface Ended {
  /** All of its output, including the kernel's messages. */
  readonly console: string;
  readonly timedOut: boolean;
}

/** A machine that can boot. It shares its folder with the programs inside. */
export class Machine implements Disposable {
  readonly share = mkdtempSync(join(tmpdir(), 'orbweaver-uml-'));

  /** Installs Debian's modules, with those of the folder `nfTables` in place of Debian's own where it is given. */
  async addModules(version: string, nfTables?: string): Promise<void> {
    const base = join(this.share, 'modules');
    const folder = join(base, 'lib/modules', version);
    mkdirSync(join(folder, 'updates'), { recursive: true });
    symlinkSync(join(shipped, version, 'kernel'), join(folder, 'kernel'));
    for (const name of ['modules.order', 'modules.builtin', 'modules.builtin.modinfo']) {
      copyFileSync(join(shipped, version, name), join(folder, name));
    }
    if (nfTables !== undefined) cpSync(nfTables, join(folder, 'updates'), { recursive: true });
    await run(['depmod', '--basedir', base, version]);
  }

  /** Runs until it powers off. When the time is over, it is killed with all its processes. */
  async boot({ env, script, timeoutMs, print }: Boot): Promise<Ended> {
    const { share } = this;
    const registers = join(share, 'large-registers.so');
    await run(['gcc', '-shared', '-fPIC', '-O2', '-o', registers, join(own, 'large-registers.c')]);
    const inside = {
      ...env,
      ORBWEAVER_SHARE: share,
      ORBWEAVER_NODE: process.execPath,
      ORBWEAVER_RUN: script,
    };
    // The kernel passes unknown words of its command line to the first process as environment.
    const words = Object.entries(inside).map(([name, value]) => `${name}=${value}`);
    const kernel = [
      ...['env', `LD_PRELOAD=${registers}`],
      ...['linux.uml', 'mem=2G', 'quiet', 'panic=1', 'noreboot', `uml_dir=${share}`],
      ...['rootfstype=hostfs', 'root=/dev/root', 'rootflags=/', 'ro', 'init=/bin/sh'],
      ...['con=null', 'con0=null,fd:1', ...words, '--', join(own, 'init.sh')],
    ];
    // When this process ends, the kernel of this machine kills unshare.
    // When the first process of a pid namespace ends, the kernel kills all other processes in it.
    const bound = ['--pdeathsig', 'KILL', 'unshare'];
    const unshare = ['--mount', '--net', '--ipc', '--pid', '--fork', '--kill-child', '--mount-proc'];
    const child = spawn('setpriv', [...bound, ...unshare, 'sh', join(own, 'confine.sh'), share, ...kernel], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    const console = new Console(print);
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => console.add(text));
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', () => {
        clearTimeout(timer);
        resolve({ console: console.text, timedOut });
      });
    });
  }

  [Symbol.dispose](): void {
    rmSync(this.share, { recursive: true });
  }
}

/** The machine's output. The kernel's messages are stored. Lines after the line of init.sh are also passed on. */
class Console {
  text = '';
  readonly #print: (text: string) => void;
  #up = false;

  constructor(print: (text: string) => void) {
    this.#print = print;
  }

  add(text: string): void {
    this.text += text;
    if (this.#up) {
      this.#print(text);
      return;
    }
    const start = /^user-mode Linux .* is up\n/m.exec(this.text);
    if (start === null) return;
    this.#up = true;
    this.#print(this.text.slice(start.index));
  }
}
