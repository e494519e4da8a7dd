import { writeFileSync } from 'node:fs';
import mocha from 'mocha';

const { constants } = mocha.Runner;

/** Mocha's own Spec reporter, and after it one line with the counts, for programs: `N passed, N failed, N skipped`. */
export default class CountingReporter extends mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once(constants.EVENT_RUN_END, () => {
      const { passes = 0, failures = 0, pending = 0 } = this.stats;
      const line = `${passes} passed, ${failures} failed, ${pending} skipped`;
      const file = process.env.HATCHERY_COUNTS_FILE;
      // Whoever gave a file says the line at the very end, after what it has to say itself.
      if (file) writeFileSync(file, line);
      else console.log(line);
    });
  }
}
