// Runs checks, and prints the result of each on a line.

/** Counts checks. A failed check does not end the run. */
export class Outcomes {
  passed = 0;
  failed = 0;

  /** Runs one check and prints its result; returns false when it failed. */
  async check(title: string, work: () => Promise<unknown>): Promise<boolean> {
    const begun = performance.now();
    const seconds = () => `(${((performance.now() - begun) / 1000).toFixed(1)} s)`;
    try {
      await work();
      this.passed++;
      console.log(`ok   ${title} ${seconds()}`);
      return true;
    } catch (error) {
      this.failed++;
      console.log(`FAIL ${title} ${seconds()}`);
      const text = error instanceof Error ? error.message : String(error);
      console.log(text.replaceAll(/^/gm, '     '));
      return false;
    }
  }

  /** A check that all later checks need. */
  async require(title: string, work: () => Promise<unknown>): Promise<void> {
    if (!(await this.check(title, work))) throw new Unreached(title);
  }
}

/** Ends a run that cannot continue. The failed check has already printed the reason. */
export class Unreached extends Error {
  override readonly name = 'Unreached';
}
