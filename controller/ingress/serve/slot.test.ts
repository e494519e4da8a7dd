import assert from 'node:assert/strict';

import { FakeClock } from '#controller/kube/testing/fake-clock.ts';
import type { Departing } from '../departures/index.ts';
import type { SpawnEnd } from '../spawn/index.ts';
import { returnSlot } from './slot.ts';
import { spawnedOf } from './testing/visits.ts';

const scene = ({ uid }: { readonly uid: string | undefined } = { uid: 'u-1' }) => {
  const clock = new FakeClock();
  const state = { released: 0, departing: new Array<readonly [Departing, number]>() };
  const ended = Promise.withResolvers<SpawnEnd>();
  const departed = Promise.withResolvers<undefined>();
  const spawned = { ...spawnedOf({ begun: 0 }), uid, ended: ended.promise };
  const departures = {
    departed: (domain: Departing, leastMs: number) => {
      state.departing.push([domain, leastMs]);
      return departed.promise;
    },
  };
  void returnSlot({ waitedMs: 0, release: () => (state.released += 1) }, spawned, departures);
  return { clock, state, end: ended.resolve, depart: () => departed.resolve(undefined) };
};

describe('a slot', () => {
  for (const end of [
    { kind: 'finished', phase: 'Succeeded', reason: 'PowerOff', message: '' },
    { kind: 'never-created' },
  ] as const) {
    it(`is free at once where its domain is ${end.kind}`, async () => {
      const { clock, state, end: settle } = scene();
      await clock.advance(60_000);
      assert.equal(state.released, 0);
      settle(end);
      await clock.advance(0);
      assert.equal(state.released, 1);
    });
  }

  it('stays taken after its resource was deleted until no host has the domain any more, and for a second', async () => {
    const { clock, state, end, depart } = scene();
    end({ kind: 'deleted' });
    await clock.advance(60_000);
    assert.equal(state.released, 0);
    const domain = { namespace: 'ns', name: 'shop-0123456789abcdef', uid: 'u-1', host: 'xen-1' };
    assert.deepEqual(state.departing, [[domain, 1_000]]);
    depart();
    await clock.advance(0);
    assert.equal(state.released, 1);
  });

  it('is free at once where nobody ever saw what was deleted', async () => {
    const { clock, state, end } = scene({ uid: undefined });
    end({ kind: 'deleted' });
    await clock.advance(0);
    assert.equal(state.released, 1);
  });
});
