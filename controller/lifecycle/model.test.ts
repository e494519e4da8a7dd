import assert from 'node:assert/strict';
import fc from 'fast-check';

import { ControllerModel } from './testing/controller-model.ts';
import type { Fault, Stored } from './testing/controller-model.ts';
import { HostModel } from './testing/host-model.ts';
import type { ModelKind } from './testing/host-model.ts';

type Happening =
  | { readonly kind: 'step'; readonly fault: Fault }
  | { readonly kind: 'kill'; readonly staleCache: boolean }
  | { readonly kind: 'deliver' }
  | { readonly kind: 'unpause' }
  | { readonly kind: 'end'; readonly crash: boolean }
  | { readonly kind: 'destroy-by-hand' }
  | { readonly kind: 'restart-daemon'; readonly endsMeanwhile: boolean }
  | { readonly kind: 'reboot' }
  | { readonly kind: 'settle' }
  | { readonly kind: 'notice' }
  | { readonly kind: 'watch' };

const FAULTS: readonly Fault[] = ['killed-before', 'killed-after', 'killed-under-way', 'answer-lost', 'lost-under-way'];

const fault: fc.Arbitrary<Fault> = fc.oneof(
  { weight: 3, arbitrary: fc.constant('none' as const) },
  { weight: 1, arbitrary: fc.constantFrom(...FAULTS) },
);

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('step' as const), fault }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('kill' as const), staleCache: fc.boolean() }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'deliver' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'unpause' as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('end' as const), crash: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'destroy-by-hand' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart-daemon' as const), endsMeanwhile: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'reboot' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'settle' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'notice' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'watch' as const }) },
);

const happenings = fc.array(happening, { maxLength: 60, size: 'max' });

/** One resource, bound to one host, and everything that may happen to both. */
class World {
  readonly host: HostModel;
  readonly stored: Stored;
  readonly controller: ControllerModel;
  readonly #first: Stored;

  constructor(kind: ModelKind) {
    this.host = new HostModel(kind);
    const bound = { hostBoot: this.host.boot, hostDaemon: this.host.daemon, started: false };
    this.stored = { bound, outcome: undefined, version: 1 };
    this.#first = { ...this.stored };
    this.controller = new ControllerModel(this.host, this.stored, true);
  }

  happen(what: Happening): void {
    switch (what.kind) {
      case 'step': {
        const { killed } = this.controller.step(what.fault);
        if (killed) this.controller.restart(this.#first);
        else if (what.fault !== 'none') this.controller.disconnected();
        return;
      }
      case 'kill':
        this.controller.restart(what.staleCache ? this.#first : this.stored);
        return;
      case 'deliver':
        this.#deliver();
        return;
      case 'unpause':
        this.host.unpause();
        return;
      case 'end':
        this.host.end(what.crash && this.host.kind !== 'lxc' ? 'crashed' : 'power-off');
        return;
      case 'destroy-by-hand':
        // The one hole that DESIGN.md names: by hand, before Running is stored.
        if (this.stored.bound?.started !== false) this.host.destroyByHand();
        return;
      case 'restart-daemon':
        this.host.restartDaemon(what.endsMeanwhile);
        this.controller.disconnected();
        return;
      case 'reboot':
        this.host.reboot();
        this.controller.disconnected();
        return;
      case 'settle':
        while (this.host.underway.length > 0) this.#deliver();
        this.host.unpause();
        this.controller.disconnected();
        this.controller.settled();
        return;
      case 'notice':
        this.controller.notice();
        return;
      case 'watch':
        this.controller.watch();
        return;
    }
  }

  #deliver(): void {
    const request = this.host.underway.shift();
    if (request !== undefined) this.host.act(request);
  }

  /** No more faults: everything comes to rest. */
  comeToRest(): void {
    for (let round = 0; round < 30; round += 1) {
      this.happen({ kind: 'settle' });
      this.happen({ kind: 'watch' });
      for (let i = 0; i < 4; i += 1) this.happen({ kind: 'step', fault: 'none' });
      this.happen({ kind: 'end', crash: false });
      this.happen({ kind: 'notice' });
    }
  }
}

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
