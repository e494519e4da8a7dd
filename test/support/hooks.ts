import type { RootHookObject } from 'mocha';
import { constants } from 'node:os';
import { interruptProgram } from '#hack/bed/interrupt.ts';
import { takeDownAll } from './bed.ts';

const TAKE_DOWN_TIMEOUT_MS = 180_000;

/** Mocha's own handler for SIGINT lets the running test go on to its end; a bed is to be gone now. */
function takeDownOn(signal: NodeJS.Signals): void {
  let seen = false;
  process.prependListener(signal, () => {
    if (seen) return;
    seen = true;
    interruptProgram(signal);
    takeDownAll().then(
      () => process.exit(128 + constants.signals[signal]),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}

takeDownOn('SIGINT');
takeDownOn('SIGTERM');

/** Mocha's root hooks: .mocharc.json requires this file. */
export const mochaHooks: RootHookObject = {
  async afterAll(this: Mocha.Context) {
    this.timeout(TAKE_DOWN_TIMEOUT_MS);
    await takeDownAll();
  },
};
