import assert from 'node:assert/strict';

import { FakeClock } from '#controller/kube/testing/fake-clock.ts';
import type { SpawnEnd } from '../spawn/index.ts';
import { returnSlot } from './slot.ts';

const scene = (end: SpawnEnd) => {
  const clock = new FakeClock();
  const state = { released: 0 };
  const ended = Promise.withResolvers<SpawnEnd>();
  void returnSlot({ waitedMs: 0, release: () => (state.released += 1) }, { ended: ended.promise }, clock);
  return { clock, state, end: () => ended.resolve(end) };
};

describe('a slot', () => {
  for (const end of [
    { kind: 'finished', phase: 'Succeeded', reason: 'PowerOff', message: '' },
    { kind: 'never-created' },
  ] as const) {
    it(`is free at once where its domain is ${end.kind}`, async () => {
      const { clock, state, end: settle } = scene(end);
      await clock.advance(60_000);
      assert.equal(state.released, 0);
      settle();
      await clock.advance(0);
      assert.equal(state.released, 1);
    });
  }

  it('stays taken for as long as a host needs to destroy a domain whose resource was deleted', async () => {
    const { clock, state, end } = scene({ kind: 'deleted' });
    end();
    await clock.advance(999);
    assert.equal(state.released, 0);
    await clock.advance(1);
    assert.equal(state.released, 1);
  });
});
