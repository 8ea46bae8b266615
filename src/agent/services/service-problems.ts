// What is wrong with Services, for the log: each problem once.

import type { Logger } from '#base';

export class ServiceProblems {
  readonly #log: Logger;
  /** By Service. */
  readonly #said = new Map<string, string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Warns if the Service has another problem than before. With an empty problem, it has none any more. */
  note(service: string, problem: string, message: string): void {
    if (problem === (this.#said.get(service) ?? '')) return;
    if (problem === '') {
      this.#said.delete(service);
      return;
    }
    this.#said.set(service, problem);
    this.#log.warn({ service, problem }, message);
  }
}
