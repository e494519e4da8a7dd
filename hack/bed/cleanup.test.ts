import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { withCleanup } from './cleanup.ts';
import type { Cleanup } from './cleanup.ts';
import { InterruptedError, pause } from './interrupt.ts';
import { run } from './run.ts';
import { together } from './together.ts';

describe('withCleanup', () => {
  it('undoes in reverse order when the work fails, and rejects with its failure', async () => {
    const undone: string[] = [];
    const work = withCleanup('on-failure', (cleanup) => {
      for (const name of ['a', 'b']) cleanup.add(name, () => Promise.resolve(void undone.push(name)));
      return Promise.reject(new Error('no'));
    });
    await assert.rejects(work, /^Error: no$/);
    assert.deepEqual(undone, ['b', 'a']);
  });

  it('leaves what was done when the work succeeds, unless told otherwise', async () => {
    for (const [when, expected] of [
      ['on-failure', 0],
      ['always', 1],
    ] as const) {
      let undone = 0;
      await withCleanup(when, (cleanup) => {
        cleanup.add('it', () => Promise.resolve(void (undone += 1)));
        return Promise.resolve();
      });
      assert.equal(undone, expected, when);
    }
  });

  it('goes on with the other undo functions where one fails', async () => {
    let undone = false;
    const work = withCleanup('on-failure', (cleanup) => {
      cleanup.add('first', () => Promise.resolve(void (undone = true)));
      cleanup.add('second', () => Promise.reject(new Error('stuck')));
      return Promise.reject(new Error('no'));
    });
    await assert.rejects(work, /no/);
    assert.equal(undone, true);
  });

  it('on SIGTERM ends the command that runs, undoes what was done, and ignores further signals', async () => {
    const seen: string[] = [];
    const signals = new EventEmitter();
    const interrupted = async (cleanup: Cleanup): Promise<void> => {
      cleanup.add('it', async () => {
        signals.emit('SIGTERM', 'SIGTERM');
        // Undo work runs commands though the work was interrupted.
        await run(['true'], { timeoutMs: 5000 });
        seen.push('undone');
      });
      setImmediate(() => signals.emit('SIGTERM', 'SIGTERM'));
      await run(['sleep', '60'], { timeoutMs: 60_000 });
      seen.push('not interrupted');
    };
    const work = withCleanup('always', interrupted, signals);
    await assert.rejects(work, InterruptedError);
    assert.deepEqual(seen, ['undone']);
  });
});

describe('together', () => {
  it('cuts the others short when one fails, and settles after all of them', async () => {
    let settled = false;
    const work = together([
      () => Promise.reject(new Error('no')),
      async () => {
        try {
          await pause(60_000);
        } finally {
          settled = true;
        }
      },
    ]);
    await assert.rejects(work, /^Error: no$/);
    assert.equal(settled, true);
  });
});
