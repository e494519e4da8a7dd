import assert from 'node:assert/strict';

import { FakeClock } from '#controller/kube/testing/fake-clock.ts';
import { Rush } from './rush.ts';

function createScene() {
  const clock = new FakeClock();
  const rush = new Rush(clock);
  const done: number[] = [];
  const come = (count: number): void => {
    for (let index = 0; index < count; index += 1) rush.came();
  };
  let asked = 0;
  const answer = (count: number): void => {
    for (const end = asked + count; asked < end; asked += 1) {
      const index = asked;
      rush.answered(() => done.push(index));
    }
  };
  /** How much is done in the next turn. */
  const turn = async (): Promise<number> => {
    const before = done.length;
    await clock.advance(10);
    return done.length - before;
  };
  /** Who has a slot, and is about to have a domain started. */
  const start = () => {
    const started = { is: false };
    void rush.over().then(() => (started.is = true));
    return started;
  };
  return { rush, clock, done, come, answer, turn, start };
}

const UPTO = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

describe('a domain that is about to be started', () => {
  it('is started at once for who comes alone, turn after turn', async () => {
    const { clock, come, start } = createScene();
    for (let turns = 1; turns <= 3; turns += 1) {
      come(1);
      const started = start();
      await clock.advance(0);
      assert.ok(started.is);
      assert.equal(clock.pending, 0);
      await clock.advance(10);
    }
  });

  it('waits for a turn in which no second request came', async () => {
    const { clock, come, start } = createScene();
    come(2);
    const started = start();
    for (const more of [300, 2, 0]) {
      await clock.advance(10);
      assert.ok(!started.is);
      come(more);
    }
    await clock.advance(10);
    assert.ok(started.is);
    assert.equal(clock.pending, 0);
  });

  it('waits for no more than a quarter of a second: what goes on for longer is the load, and held up by nothing', async () => {
    const { clock, come, start } = createScene();
    come(5);
    const first = start();
    for (let turns = 1; turns < 25; turns += 1) {
      await clock.advance(10);
      assert.ok(!first.is);
      come(5);
    }
    await clock.advance(10);
    assert.ok(first.is);
    come(5);
    const later = start();
    await clock.advance(0);
    assert.ok(later.is);
  });

  it('waits again in the next rush', async () => {
    const { clock, come, start } = createScene();
    for (let rushes = 0; rushes < 2; rushes += 1) {
      come(100);
      const started = start();
      await clock.advance(10);
      assert.ok(!started.is);
      await clock.advance(10);
      assert.ok(started.is);
    }
  });

  it('is started before anything is done for those that were answered', async () => {
    const { clock, done, come, answer, start } = createScene();
    come(100);
    const started = start();
    answer(100);
    assert.equal(done.length, 0);
    await clock.advance(10);
    assert.equal(done.length, 0);
    await clock.advance(10);
    assert.ok(started.is);
    assert.equal(done.length, 32);
  });
});

describe('what is left to do for requests that were answered', () => {
  it('is done on the spot where few come within a turn, turn after turn', async () => {
    const { clock, done, answer } = createScene();
    for (let turns = 1; turns <= 3; turns += 1) {
      answer(16);
      assert.equal(done.length, 16 * turns);
      assert.equal(clock.pending, 0);
      await clock.advance(10);
    }
  });

  it('waits until so many are no longer answered, and is then done bit by bit; all of it, in its order', async () => {
    const { clock, done, answer, turn } = createScene();
    answer(500);
    assert.equal(done.length, 16);
    assert.equal(await turn(), 0);
    answer(17);
    assert.equal(await turn(), 0);
    answer(16);
    assert.equal(await turn(), 32);
    while (clock.pending > 0) assert.ok((await turn()) > 0);
    assert.deepEqual(done, UPTO(533));
  });

  it('waits for no more than there is room, however long a rush is', async () => {
    const { answer, turn } = createScene();
    answer(16 + 2_048 + 76);
    assert.equal(await turn(), 76);
    answer(1_000);
    assert.equal(await turn(), 1_000);
  });

  it('is done at once for all that wait, where there is no later; starts are not held up either', async () => {
    const { rush, clock, done, come, answer, start } = createScene();
    come(2);
    const started = start();
    answer(100);
    rush.close();
    await clock.advance(0);
    assert.ok(started.is);
    assert.deepEqual(done, UPTO(100));
    await clock.advance(10);
    assert.equal(done.length, 100);
  });
});
