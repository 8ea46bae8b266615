// A container runtime that costs as little as Linux can (cni-chain.c): chains of plugins, for many sandboxes at once.

import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileC } from '../tools/build.ts';

export interface LaunchedSandbox {
  /** The container's id, and the name of the pod. */
  readonly name: string;
  readonly netns: string;
  /** K8S_POD_UID, where the chain needs it. */
  readonly uid?: string | undefined;
}

export class Launcher {
  readonly #folder: string;
  readonly #program: string;
  readonly #results: string;

  /** Compiles the program into a folder, where it also keeps what it launches. */
  constructor(folder: string) {
    this.#folder = folder;
    this.#program = join(folder, 'cni-chain');
    this.#results = join(folder, 'results');
    compileC([join(import.meta.dirname, 'cni-chain.c')], this.#program, ['-O2', '-static']);
    mkdirSync(this.#results);
  }

  /** A plugin of a chain. `name` tells its configuration from others. */
  step(name: string, plugin: string, conf: object): string[] {
    const path = join(this.#folder, name);
    // The launcher appends prevResult and the closing brace.
    writeFileSync(path, JSON.stringify(conf).slice(0, -1));
    return [join('/opt/cni/bin', plugin), path];
  }

  /** Runs a verb of a chain for all sandboxes at once. Resolves with the microseconds of each. */
  launch(
    verb: 'ADD' | 'DEL',
    chain: readonly string[],
    sandboxes: readonly LaunchedSandbox[],
  ): Promise<number[]> {
    const lines = sandboxes.map(({ name, netns, uid }) => {
      const more = uid === undefined ? '' : `;K8S_POD_UID=${uid}`;
      return `${name} ${netns} ${name}${more}\n`;
    });
    return new Promise((resolve, reject) => {
      const child = spawn(this.#program, [verb, this.#results, ...chain]);
      const [out, err]: [string[], string[]] = [[], []];
      child.stdout.setEncoding('utf8').on('data', (text: string) => out.push(text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => err.push(text));
      child.on('error', reject);
      child.on('close', (code) => {
        if (code === 0) resolve(out.join('').trim().split('\n').map(Number));
        else reject(new Error(`${verb} of ${chain.join(' ')}: ${err.join('')}`));
      });
      child.stdin.end(lines.join(''));
    });
  }
}
