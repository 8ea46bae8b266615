// Keeps our CNI files on the node: puts them at the start of the agent, and puts back what vanishes. It never removes one.

import { BackOff, type Clock, errorText, type Logger } from '#base';
import type { NodeFiles, PutFile } from '#node';

/** How often the files are looked at. A pod that starts meanwhile is tried again by its runtime. */
const PERIOD_MS = 5_000;
/** Where another program replaces our files again and again, the agent slows down. */
const SLOWEST_MS = 60_000;

export interface NodeFilesWatchParts {
  readonly files: Pick<NodeFiles, 'putExecutables' | 'putConf'>;
  /** Whether new pods are served. A node whose runtime finds a configuration tells the cluster that it is ready. */
  readonly isReady: () => boolean;
  /** Called for each file that was put back. */
  readonly putBack: () => void;
  readonly clock: Clock;
  readonly log: Logger;
}

export class NodeFilesWatch {
  readonly #parts: NodeFilesWatchParts;
  /** Looks happen one after another. */
  #tail: Promise<unknown> = Promise.resolve();
  /** Files that were put since the start. A second time means that somebody removed or changed it. */
  readonly #known = new Set<string>();
  /** Why a file is not there. Undefined if all are. */
  problem: string | undefined;

  constructor(parts: NodeFilesWatchParts) {
    this.#parts = parts;
  }

  /** Looks once. Resolves with the files that were put. A failure is logged, and is {@link problem}. */
  look(): Promise<readonly PutFile[]> {
    const looked = this.#tail.then(() => this.#look());
    this.#tail = looked;
    return looked;
  }

  /** Looks again and again, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const backOff = new BackOff({ firstMs: PERIOD_MS, maximumMs: SLOWEST_MS });
    while (!signal.aborted) {
      const quiet = (await this.look()).length === 0 && this.problem === undefined;
      if (quiet) backOff.reset();
      const waitMs = quiet ? PERIOD_MS : Math.max(PERIOD_MS, backOff.next());
      await this.#parts.clock.sleep(waitMs, signal).catch(() => {});
    }
  }

  async #look(): Promise<readonly PutFile[]> {
    const { files, isReady, log } = this.#parts;
    const put: PutFile[] = [];
    try {
      // The executables come first: a runtime uses a configuration as soon as it is there.
      put.push(...(await files.putExecutables()));
      if (isReady()) put.push(...(await files.putConf()));
      this.problem = undefined;
    } catch (error) {
      const text = errorText(error);
      if (text !== this.problem) log.error({ err: error }, 'a CNI file of the node is missing');
      this.problem = text;
    }
    for (const one of put) this.#tell(one);
    return put;
  }

  #tell({ path, was }: PutFile): void {
    const { putBack, log } = this.#parts;
    if (this.#known.has(path)) {
      putBack();
      log.warn({ file: path, was }, 'a CNI file of the node had vanished or changed, and was put back');
    } else if (was === 'foreign')
      log.warn({ file: path }, 'a CNI executable of another program was set aside');
    else log.info({ file: path }, 'installed a CNI file');
    this.#known.add(path);
  }
}
