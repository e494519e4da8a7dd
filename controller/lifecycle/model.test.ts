import assert from 'node:assert/strict';
import fc from 'fast-check';

import { happenings, interferences, World } from './testing/world.ts';

describe('at most one start for an attempt, whatever happens in whatever order', () => {
  for (const kind of ['xen', 'lxc', 'test'] as const) {
    it(`${kind}: the domain never runs twice`, () => {
      fc.assert(
        fc.property(happenings, (many) => {
          const world = new World(kind);
          for (const what of many) {
            world.happen(what);
            assert.ok(world.host.runs <= 1, `ran ${world.host.runs} times`);
          }
          world.comeToRest();
          assert.ok(world.host.runs <= 1, `ran ${world.host.runs} times`);
        }),
        { numRuns: 3_000 },
      );
    });

    it(`${kind}: once nothing goes wrong any more the end is stored, is true, and the trace is gone`, () => {
      fc.assert(
        fc.property(happenings, (many) => {
          const world = new World(kind);
          for (const what of many) world.happen(what);
          world.comeToRest();
          const { outcome } = world.stored;
          assert.ok(outcome !== undefined, 'an end is stored');
          assert.ok(['none', 'orphan'].includes(world.host.state.kind), `left behind: ${world.host.state.kind}`);
          if (outcome.kind === 'succeeded') assert.deepEqual(world.host.ends, [outcome.end]);
          if (outcome.kind === 'failed' && outcome.reason === 'Crashed') assert.deepEqual(world.host.ends, ['crashed']);
          if (outcome.kind === 'failed' && outcome.reason === 'StartFailed') assert.equal(world.host.runs, 0);
        }),
        { numRuns: 3_000 },
      );
    });
  }

  for (const kind of ['xen', 'lxc', 'test'] as const) {
    it(`${kind}: suspended, resumed and out of time at any moment, no attempt runs twice`, () => {
      fc.assert(
        fc.property(interferences, (many) => {
          const world = new World(kind);
          for (const what of many) {
            world.happen(what);
            assert.ok(world.mostRuns <= 1, `ran ${world.mostRuns} times`);
          }
          world.comeToRest();
          assert.ok(world.mostRuns <= 1, `ran ${world.mostRuns} times`);
        }),
        { numRuns: 3_000 },
      );
    });

    it(`${kind}: suspended, resumed and out of time at any moment, it comes to an end, and no trace is left`, () => {
      fc.assert(
        fc.property(interferences, (many) => {
          const world = new World(kind);
          for (const what of many) world.happen(what);
          world.comeToRest();
          assert.ok(world.stored.outcome !== undefined, 'an end is stored');
          for (const { state } of world.hosts) assert.ok(['none', 'orphan'].includes(state.kind), state.kind);
          const { outcome } = world.stored;
          if (outcome.kind === 'succeeded') assert.deepEqual(world.host.ends, [outcome.end]);
          if (outcome.kind === 'failed' && outcome.reason === 'StartFailed') assert.equal(world.host.runs, 0);
        }),
        { numRuns: 3_000 },
      );
    });

    it(`${kind}: suspended before anybody was asked, the same attempt runs after the resume; else the next one`, () => {
      for (const [steps, attempts] of [
        [0, 1],
        [1, 2],
        [2, 2],
      ] as const) {
        const world = new World(kind);
        for (let i = 0; i < steps; i += 1) world.happen({ kind: 'step', fault: 'none' });
        world.happen({ kind: 'suspend', on: true });
        world.happen({ kind: 'watch' });
        for (let i = 0; i < 8; i += 1) world.happen({ kind: 'step', fault: 'none' });
        world.happen({ kind: 'notice' });
        for (let i = 0; i < 8; i += 1) world.happen({ kind: 'step', fault: 'none' });
        assert.equal(world.stored.bound, undefined);
        world.comeToRest();
        assert.equal(world.attempts, attempts);
        assert.deepEqual(world.stored.outcome, { kind: 'succeeded', end: 'power-off' });
      }
    });
  }

  it('a cache that is older than the whole life of the domain starts nothing', () => {
    for (const kind of ['xen', 'lxc', 'test'] as const) {
      const world = new World(kind);
      world.comeToRest();
      world.happen({ kind: 'kill', staleCache: true });
      for (let i = 0; i < 20; i += 1) {
        world.happen({ kind: 'settle' });
        for (let j = 0; j < 4; j += 1) world.happen({ kind: 'step', fault: 'none' });
      }
      assert.equal(world.host.runs, 1);
    }
  });

  it('without any fault it runs once, and its end is stored as it was', () => {
    for (const kind of ['xen', 'lxc', 'test'] as const) {
      const world = new World(kind);
      world.comeToRest();
      assert.equal(world.host.runs, 1);
      assert.deepEqual(world.stored.outcome, { kind: 'succeeded', end: 'power-off' });
    }
  });
});
