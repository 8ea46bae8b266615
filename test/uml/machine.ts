// A user-mode machine: Debian's linux.uml in namespaces of its own, from which nothing of this machine can be written but one folder.

import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../kube/command.ts';

const own = import.meta.dirname;

/** Where Debian's package keeps the modules. */
const shipped = '/usr/lib/uml/modules';

export interface Boot {
  /** Environment of what runs inside. Values without blanks. */
  readonly env: Readonly<Record<string, string>>;
  /** A script for node. */
  readonly script: string;
  readonly timeoutMs: number;
  /** Gets what it prints, once it is up. */
  readonly print: (text: string) => void;
}

export interface Ended {
  /** All it printed, the kernel's words included. */
  readonly console: string;
  readonly timedOut: boolean;
}

/** One machine that can be booted; its folder is shared with what runs inside. */
export class Machine implements Disposable {
  readonly share = mkdtempSync(join(tmpdir(), 'orbweaver-uml-'));

  /** Gives it Debian's modules, and `nfTables` in place of Debian's where there is one. */
  async addModules(version: string, nfTables?: string): Promise<void> {
    const base = join(this.share, 'modules');
    const folder = join(base, 'lib/modules', version);
    mkdirSync(join(folder, 'updates'), { recursive: true });
    symlinkSync(join(shipped, version, 'kernel'), join(folder, 'kernel'));
    for (const name of ['modules.order', 'modules.builtin', 'modules.builtin.modinfo']) {
      copyFileSync(join(shipped, version, name), join(folder, name));
    }
    if (nfTables !== undefined) copyFileSync(nfTables, join(folder, 'updates/nf_tables.ko'));
    await run(['depmod', '--basedir', base, version]);
  }

  /** Runs until it powers itself off, or is ended with all its processes when the time is over. */
  boot({ env, script, timeoutMs, print }: Boot): Promise<Ended> {
    const { share } = this;
    const inside = {
      ...env,
      ORBWEAVER_SHARE: share,
      ORBWEAVER_NODE: process.execPath,
      ORBWEAVER_RUN: script,
    };
    // The kernel gives words it does not know to the first process as environment.
    const words = Object.entries(inside).map(([name, value]) => `${name}=${value}`);
    const kernel = [
      ...['linux.uml', 'mem=2G', 'quiet', 'panic=1', 'noreboot', `uml_dir=${share}`],
      ...['rootfstype=hostfs', 'root=/dev/root', 'rootflags=/', 'ro', 'init=/bin/sh'],
      ...['con=null', 'con0=null,fd:1', ...words, '--', join(own, 'init.sh')],
    ];
    // The kernel of this machine ends unshare with this process, and all in a process namespace with the first process of it.
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

/** What comes out of the machine: the kernel's words are kept, those that follow the line of init.sh are passed on too. */
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
