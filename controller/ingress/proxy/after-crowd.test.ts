import assert from 'node:assert/strict';

import { FakeClock } from '#controller/kube/testing/fake-clock.ts';
import { AfterCrowd } from './after-crowd.ts';

function createScene() {
  const clock = new FakeClock();
  const after = new AfterCrowd(clock);
  const done: number[] = [];
  let asked = 0;
  const come = (count: number): void => {
    for (const end = asked + count; asked < end; asked += 1) {
      const index = asked;
      after.add(() => done.push(index));
    }
  };
  /** How much is done in the next turn. */
  const turn = async (): Promise<number> => {
    const before = done.length;
    await clock.advance(10);
    return done.length - before;
  };
  return { after, clock, done, come, turn };
}

describe('what is left to do for requests that were answered', () => {
  it('is done on the spot where few come within a turn, turn after turn', async () => {
    const { clock, done, come } = createScene();
    for (let turns = 1; turns <= 3; turns += 1) {
      come(16);
      assert.equal(done.length, 16 * turns);
      assert.equal(clock.pending, 0);
      await clock.advance(10);
    }
  });

  it('waits until a crowd is over, and is then done bit by bit; nothing is lost, all keeps its order', async () => {
    const { clock, done, come, turn } = createScene();
    come(500);
    assert.equal(done.length, 16);
    assert.equal(await turn(), 0);
    come(17);
    assert.equal(await turn(), 0);
    come(16);
    assert.equal(await turn(), 32);
    while (clock.pending > 0) assert.ok((await turn()) > 0);
    assert.deepEqual(
      done,
      Array.from({ length: 533 }, (_, index) => index),
    );
  });

  it('waits for no more than there is room, however long a crowd is', async () => {
    const { come, turn } = createScene();
    come(16 + 1_024 + 76);
    assert.equal(await turn(), 76);
    come(1_000);
    assert.equal(await turn(), 1_000);
  });

  it('is done at once for all that wait, where there is no later', async () => {
    const { after, clock, done, come } = createScene();
    come(100);
    after.close();
    assert.equal(done.length, 100);
    await clock.advance(10);
    assert.equal(done.length, 100);
  });
});
