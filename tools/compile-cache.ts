// Tests start hundreds of processes with the same modules. Node compiles a module once for all of them.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The folder for one run (https://nodejs.org/api/module.html#module-compile-cache). It goes when it is disposed of. */
export class CompileCache {
  readonly #folder = mkdtempSync(join(tmpdir(), 'orbweaver-compiled-'));

  /** For the environment of the processes. */
  get env(): { readonly NODE_COMPILE_CACHE: string } {
    return { NODE_COMPILE_CACHE: this.#folder };
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
