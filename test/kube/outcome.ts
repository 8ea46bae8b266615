// What was tried and what came of it, told line by line.

/** Counts checks; a check that fails does not end the run. */
export class Outcomes {
  passed = 0;
  failed = 0;

  /** Runs one check and tells its outcome; false when it failed. */
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

  /** A check that the rest cannot do without. */
  async require(title: string, work: () => Promise<unknown>): Promise<void> {
    if (!(await this.check(title, work))) throw new Unreached(title);
  }
}

/** Ends a run whose ground is missing: the check that says why was told already. */
export class Unreached extends Error {
  override readonly name = 'Unreached';
}
