// Asks the container runtime where it looks for CNI files, and warns where the agent was told other folders.

import { type Clock, errorText, type Logger, OrbError } from '#base';
import { folderDifferences, type RuntimeFolders, type SetFolders } from '#plan/installation';

/** A runtime changes its folders only when it is configured anew. */
const PERIOD_MS = 300_000;
const PATIENCE_MS = 5_000;

export interface RuntimeFoldersWatchParts {
  /** Asks the runtime. Undefined if the agent does not know its socket. */
  readonly ask: ((signal: AbortSignal) => Promise<RuntimeFolders | undefined>) | undefined;
  readonly set: SetFolders;
  /** Tells the user of the difference, in one sentence. */
  readonly tell: (message: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

export class RuntimeFoldersWatch {
  readonly #parts: RuntimeFoldersWatchParts;
  /** What the log said last. */
  #said: string | undefined;
  /** Whether the folders differ. */
  differ = false;

  constructor(parts: RuntimeFoldersWatchParts) {
    this.#parts = parts;
  }

  /** Asks again and again, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { ask, clock } = this.#parts;
    while (ask !== undefined && !signal.aborted) {
      await this.#compare(ask, AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]), signal);
      await clock.sleep(PERIOD_MS, signal).catch(() => {});
    }
  }

  async #compare(
    ask: (signal: AbortSignal) => Promise<RuntimeFolders | undefined>,
    limit: AbortSignal,
    leaving: AbortSignal,
  ): Promise<void> {
    const { set, tell, log } = this.#parts;
    try {
      const told = await ask(limit);
      const message = told === undefined ? '' : folderDifferences(told, set).join('; ');
      this.differ = message !== '';
      if (this.differ) tell(message);
      if (message === this.#said) return;
      this.#said = message;
      if (this.differ) log.warn({ err: new OrbError('CNI_FOLDERS_DIFFER', { message }) }, message);
      else
        log.info(
          { ...told },
          told === undefined
            ? 'the container runtime does not say its CNI folders'
            : 'the container runtime finds our CNI files',
        );
    } catch (error) {
      const text = errorText(error);
      if (leaving.aborted || text === this.#said) return;
      this.#said = text;
      log.warn({ error: text }, 'the container runtime cannot be asked for its CNI folders');
    }
  }
}
