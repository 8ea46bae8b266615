// Reads for commands that answer as far as they can. What could not be read is remembered and told with the answer.

import type { KubeObject, ResourceType } from '#api';
import { errorText, isOrbError, type Logger, silentLogger } from '#base';
import type { CallOptions, KubeClient, Selection } from '#kube';

/** What these commands need of a client: they only read. */
export type Reader = Pick<KubeClient, 'get' | 'list'>;

export class PartialReader {
  readonly client: Reader;
  readonly #missing = new Set<string>();

  /** The client's log tells of objects that it left out of lists because they do not fit their schemas. */
  constructor(connect: (log: Logger) => Reader) {
    const warn: Logger['warn'] = (_, message) => this.#missing.add(message.replace(/\s+/g, ' '));
    this.client = connect({ ...silentLogger, warn });
  }

  /** Sentences about what the answer lacks. */
  get missing(): string[] {
    return [...this.#missing];
  }

  /**
   * Undefined if the user may not list the kind, or the server does not have it. `so` says what the answer then lacks.
   * Throws what else the server answers.
   */
  async list<T extends KubeObject>(
    type: ResourceType<T>,
    so: string,
    selection: Selection = {},
    options: CallOptions = {},
  ): Promise<readonly T[] | undefined> {
    return this.attempt(so, async () => (await this.client.list(type, selection, options)).items);
  }

  /** The same for any reads. */
  async attempt<T>(so: string, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!isOrbError(error, 'KUBE_FORBIDDEN') && !isOrbError(error, 'KUBE_NOT_FOUND')) throw error;
      this.#missing.add(`${so}: ${errorText(error)}`);
      return undefined;
    }
  }

  /** Something else that is not known. */
  note(sentence: string): void {
    this.#missing.add(sentence);
  }
}
