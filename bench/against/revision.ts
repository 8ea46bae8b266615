// The other revision of a comparison: named, cloned into a folder of its own, and removed with all that ran there.

import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { errorText, OrbError } from '#base';
import { runProgram as outputOf } from '../../test/e2e/program.ts';

export const project = join(import.meta.dirname, '../..');
/** Not below /var/tmp, which a run replaces with its own folder. Not in the project, which is one of the two revisions. */
const cache = join(homedir(), '.cache/orbweaver/bench');

/** A commit that can be measured. */
export interface Revision {
  readonly commit: string;
  /** Its short hash and its subject. */
  readonly title: string;
}

/** Finds the commit. Throws INPUT_INVALID when it does not exist or has no benchmarks. */
export function findRevision(name: string): Revision {
  const commit = ask(name, 'git knows no such commit', [
    'rev-parse',
    '--verify',
    '--end-of-options',
    `${name}^{commit}`,
  ]);
  ask(name, 'this revision has no benchmarks', ['cat-file', '-e', `${commit}:bench/main.ts`]);
  return { commit, title: git('show', '--no-patch', '--format=%h "%s"', commit) };
}

/** What is measured as the new side: the working tree as it is. */
export function workingTreeTitle(): string {
  const head = git('show', '--no-patch', '--format=%h "%s"', 'HEAD');
  const isDirty = git('status', '--porcelain') !== '';
  return isDirty ? `the working tree, which is ${head} with changes that are not committed` : head;
}

/** The folder of one comparison. It holds a clone of the other revision, and all files that both revisions write. */
export class Workplace {
  readonly #folder: string;
  /** The clone. */
  readonly clone: string;
  /** What the benchmarks see as /var/tmp. */
  readonly temporary: string;
  /** Where a run writes its figures. */
  readonly figures: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.clone = join(folder, 'revision');
    this.temporary = join(folder, 'tmp');
    this.figures = join(folder, 'figures.json');
  }

  /** Makes the folder with the clone. It first removes the folders of comparisons that were killed. */
  static make({ commit }: Revision, parent = cache): Workplace {
    mkdirSync(parent, { recursive: true, mode: 0o700 });
    removeLeftovers(parent);
    const place = new Workplace(mkdtempSync(join(parent, `run-${process.pid}-`)));
    try {
      mkdirSync(place.temporary);
      // The clone borrows the objects of the project, so that it has each commit, also one that no branch leads to.
      git('clone', '--quiet', '--shared', '--no-checkout', project, place.clone);
      outputOf('git', ['-C', place.clone, 'checkout', '--quiet', '--detach', commit]);
      return place;
    } catch (error) {
      place[Symbol.dispose]();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The folder's name holds the process that made it. */
function removeLeftovers(parent: string): void {
  for (const name of readdirSync(parent)) {
    const owner = /^run-(\d+)-/.exec(name)?.[1];
    if (owner !== undefined && !existsSync(`/proc/${owner}`)) rmSync(join(parent, name), { recursive: true });
  }
}

function git(...args: readonly string[]): string {
  return outputOf('git', ['-C', project, ...args]).trim();
}

function ask(name: string, problem: string, args: readonly string[]): string {
  try {
    return git(...args);
  } catch (error) {
    const message = `--against ${JSON.stringify(name)}: ${problem}`;
    throw new OrbError('INPUT_INVALID', { message, subject: 'command line', said: errorText(error) });
  }
}
