// The files that the agent installs on its node: the CNI executable under the name of every type, and a CNI configuration.

import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { lstat, readdir, readFile, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isOrbError, OrbError } from '#base';
import { removeDurably, syncDirectory, writeDurably } from '#kernel';
import { isCniFileName } from '#plan/discovery';
import {
  asideName,
  confStep,
  confText,
  executableStep,
  type FileStep,
  type FoundFile,
  isOurConf,
} from '#plan/installation';

/** The executable's own name. Every other one is a CNI type. */
const OWN_NAME = 'ow-cni';
/** What every version of the executable says without arguments (shim/ow-cni.c). */
const EXECUTABLE_MARK = 'Orbweaver CNI plugin';
const EXECUTABLE_MODE = 0o755;
/** Nothing but the runtime reads a configuration. */
const CONF_MODE = 0o600;
/** Writing takes milliseconds: an older temporary file is of an agent that died. */
const UNFINISHED_MS = 10_000;

export interface NodeFilesOptions {
  /** `from` is the executable `ow-cni`, `names` are the CNI types. */
  readonly executables?: {
    readonly from: string;
    readonly folder: string;
    readonly names: readonly string[];
  };
  /** `from` is the configuration. It keeps its file name. */
  readonly conf?: { readonly from: string; readonly folder: string };
}

/** A file that was put. */
export interface PutFile {
  readonly path: string;
  readonly was: FoundFile;
}

/** A file of ours that was removed. */
export interface RemovedFile {
  readonly path: string;
  /** A file of others that had this name before has it again. */
  readonly isBack: boolean;
}

interface Wanted {
  readonly path: string;
  readonly content: Buffer;
  readonly hash: string;
  readonly mode: number;
  readonly isOurs: (content: Buffer) => boolean;
  readonly step: (found: FoundFile) => FileStep;
}

export class NodeFiles {
  readonly #options: NodeFilesOptions;
  /** By path: the status of a file after its content was compared, and the hash of that content. */
  readonly #compared = new Map<string, string>();

  constructor(options: NodeFilesOptions) {
    this.#options = options;
  }

  /** Where executables are put. Undefined if none are. */
  get binFolder(): string | undefined {
    return this.#options.executables?.folder;
  }

  /** Puts every executable that is missing or different. Throws NODE_FILES_NOT_PUT. */
  async putExecutables(): Promise<PutFile[]> {
    const { executables } = this.#options;
    if (executables === undefined) return [];
    const { from, folder, names } = executables;
    return explaining(folder, async () => {
      const content = await readFile(from);
      const hash = hashOf(content);
      const all = [OWN_NAME, ...names];
      await removeUnfinished(folder, all);
      return this.#putAll(
        all.map((name) => ({
          path: join(folder, name),
          content,
          hash,
          mode: EXECUTABLE_MODE,
          isOurs: isOurExecutable,
          step: executableStep,
        })),
      );
    });
  }

  /**
   * Puts the configuration if it is missing or different. Throws NODE_FILES_NOT_PUT, CNI_CONF_FOREIGN if another program
   * has a file of that name, and INPUT_INVALID if a runtime could not read it.
   */
  async putConf(): Promise<PutFile[]> {
    const { conf } = this.#options;
    if (conf === undefined) return [];
    const { from, folder } = conf;
    return explaining(folder, async () => {
      const name = basename(from);
      if (!isCniFileName(name)) {
        const message = `${name} is no name of a CNI configuration: it must end with .conflist, .conf or .json`;
        throw new OrbError('INPUT_INVALID', { message, subject: from });
      }
      const content = Buffer.from(confText(await readFile(from, 'utf8'), from));
      await removeUnfinished(folder, [name]);
      const isOurs = (found: Buffer) => isOurConf(found.toString());
      const path = join(folder, name);
      const hash = hashOf(content);
      return this.#putAll([{ path, content, hash, mode: CONF_MODE, isOurs, step: confStep }]);
    });
  }

  /**
   * Removes what the other functions put: the configuration first, so that the runtime calls the executables no more. A file of
   * others that was set aside gets its name back; what is not ours stays. Safe to repeat. Throws NODE_FILES_NOT_PUT.
   */
  async remove(): Promise<RemovedFile[]> {
    const { conf, executables } = this.#options;
    const removed: RemovedFile[] = [];
    if (conf !== undefined) {
      const path = join(conf.folder, basename(conf.from));
      removed.push(
        ...(await explaining(conf.folder, () => removeOurs(path, (found) => isOurConf(found.toString())))),
      );
    }
    if (executables !== undefined) {
      const { folder, names } = executables;
      for (const name of [...names, OWN_NAME]) {
        removed.push(...(await explaining(folder, () => removeOurs(join(folder, name), isOurExecutable))));
      }
    }
    return removed;
  }

  async #putAll(files: readonly Wanted[]): Promise<PutFile[]> {
    const put: PutFile[] = [];
    for (const file of files) {
      const was = await this.#look(file);
      if (await this.#put(file, was)) put.push({ path: file.path, was });
    }
    return put;
  }

  async #look({ path, hash, mode, isOurs }: Wanted): Promise<FoundFile> {
    const found = await statOf(path);
    if (found === undefined) return 'absent';
    if (!found.isFile()) return 'foreign';
    const compared = `${signature(found)} ${hash}`;
    // A file that has not changed since is not read again.
    if (this.#compared.get(path) === compared) return 'same';
    const there = await readFile(path);
    if (hashOf(there) !== hash) return isOurs(there) ? 'ours' : 'foreign';
    if ((found.mode & 0o777) !== mode) return 'ours';
    this.#compared.set(path, compared);
    return 'same';
  }

  async #put(file: Wanted, was: FoundFile): Promise<boolean> {
    const { path, content, mode, step } = file;
    switch (step(was)) {
      case 'keep':
        return false;
      case 'refuse':
        throw new OrbError('CNI_CONF_FOREIGN', {
          message: `another program wrote ${path}, so our configuration cannot have this name`,
          subject: path,
        });
      case 'set-aside':
        await rename(path, join(path, '..', asideName(basename(path))));
        break;
      case 'put':
    }
    await writeDurably(path, content, mode);
    if ((await this.#look(file)) === 'same') return true;
    throw new OrbError('NODE_FILES_NOT_PUT', {
      message: `${path} differs from what was just written to it`,
      subject: path,
    });
  }
}

function isOurExecutable(content: Buffer): boolean {
  return content.includes(EXECUTABLE_MARK);
}

async function removeOurs(path: string, isOurs: (content: Buffer) => boolean): Promise<RemovedFile[]> {
  const found = await statOf(path);
  if (found !== undefined && !(found.isFile() && isOurs(await readFile(path)))) return [];
  const aside = join(path, '..', asideName(basename(path)));
  if ((await statOf(aside)) !== undefined) {
    // One step: there is no moment without a file.
    await rename(aside, path);
    await syncDirectory(join(path, '..'));
    return [{ path, isBack: true }];
  }
  return (await removeDurably(path)) ? [{ path, isBack: false }] : [];
}

function hashOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

/** Changes with every change of a file's content (inode(7): st_ctim cannot be set). */
function signature({ dev, ino, size, ctimeMs }: Stats): string {
  return [dev, ino, size, ctimeMs].join(' ');
}

async function statOf(path: string): Promise<Stats | undefined> {
  return lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

/** Temporary files of an agent that died while it wrote (`temporaryFor` of #kernel names them). */
async function removeUnfinished(folder: string, names: readonly string[]): Promise<void> {
  for (const file of await readdir(folder)) {
    const [, name = ''] = /^\.(.+)\.[0-9a-f]{12}$/.exec(file) ?? [];
    if (!names.includes(name)) continue;
    const found = await statOf(join(folder, file));
    if (found !== undefined && Date.now() - found.mtimeMs > UNFINISHED_MS) {
      await removeDurably(join(folder, file));
    }
  }
}

async function explaining<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (isOrbError(cause)) throw cause;
    const said = (cause as Error).message;
    const message = `our CNI files cannot be put into ${folder}`;
    throw new OrbError('NODE_FILES_NOT_PUT', { message, subject: folder, said, cause });
  }
}
