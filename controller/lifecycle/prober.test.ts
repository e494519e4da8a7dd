import assert from 'node:assert/strict';

import { silentLogger } from '#controller/kube/index.ts';
import { FakeClock } from '#controller/kube/testing/fake-clock.ts';
import type { Probe } from '#controller/notify/index.ts';
import { eventually } from '#test/support/eventually.ts';
import { Prober } from './prober.ts';
import { bindingOf } from './attempt.ts';
import { ADDRESS, createScene } from './testing/scene.ts';
import { forgetSession, see, track } from './tracked.ts';
import type { Tracked } from './tracked.ts';

const TCP = { readiness: { tcp: { port: 22 }, periodMilliseconds: 200 } };

interface Look {
  readonly probe: Probe;
  readonly answer: (isReady: boolean) => void;
}

function createStage(readiness: object = TCP) {
  const scene = createScene('xen', {
    domain: { type: 'pv', memory: '64Mi', vcpus: 1, boot: { kernel: 'k' }, ...readiness },
  });
  see(scene.tracked, { kind: 'active', id: 1 }, 0);
  const clock = new FakeClock();
  const looks: Look[] = [];
  const changed: string[] = [];
  const prober = new Prober({
    state: scene.state,
    clock,
    wall: () => 1_000,
    probe: (probe) => new Promise((answer) => looks.push({ probe, answer })),
    logger: silentLogger,
    changed: (uuid) => changed.push(uuid),
  });
  const resource = scene.stored()!;
  const follow = (tracked: Tracked = scene.tracked) =>
    prober.follow(tracked, { kind: 'bound', resource, binding: bindingOf(resource)! });
  /** The next look, the given one of all. */
  const look = (count: number) =>
    eventually(() => {
      assert.equal(looks.length, count);
      return looks.at(-1)!;
    });
  return { scene, clock, prober, changed, looks, follow, look };
}

/** Lets what waits for promises alone go on. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('Prober', () => {
  it('looks again and again, a period apart and one at a time, until the guest is ready', async () => {
    const { scene, clock, changed, follow, look, looks } = createStage();
    follow();
    follow();
    const first = await look(1);
    assert.deepEqual(first.probe, { kind: 'tcp', address: ADDRESS, port: 22 });
    await clock.advance(150);
    first.answer(false);
    await turn();
    await clock.advance(49);
    await turn();
    assert.equal(looks.length, 1);
    await clock.advance(1);
    (await look(2)).answer(true);
    await eventually(() => assert.deepEqual(changed, [scene.tracked.uuid]));
    assert.equal(scene.tracked.readyAt, 1_000);
    follow();
    await turn();
    assert.equal(looks.length, 2);
  });

  it('looks for the path where it is http', async () => {
    const { follow, look } = createStage({ readiness: { http: { port: 80, path: '/x' }, periodMilliseconds: 200 } });
    follow();
    assert.deepEqual((await look(1)).probe, { kind: 'http', address: ADDRESS, port: 80, path: '/x' });
  });

  for (const readiness of [{}, { readiness: { notify: {}, periodMilliseconds: 200 } }]) {
    it(`does not look where readiness is ${JSON.stringify(readiness)}`, async () => {
      const { follow, looks } = createStage(readiness);
      follow();
      await turn();
      assert.equal(looks.length, 0);
    });
  }

  const ends: readonly [string, (stage: ReturnType<typeof createStage>) => void][] = [
    ['has ended', ({ scene }) => see(scene.tracked, { kind: 'ended', end: 'crashed' }, 0)],
    ['is on a host that does not answer', ({ scene }) => forgetSession(scene.tracked)],
    ['is no longer there', ({ scene }) => scene.state.domains.clear()],
    ['lies on a host that is looked after no more', ({ prober }) => prober.stop()],
  ];
  for (const [how, end] of ends) {
    it(`looks no more, and believes no answer, once the guest ${how}`, async () => {
      const stage = createStage();
      stage.follow();
      const look = await stage.look(1);
      end(stage);
      look.answer(true);
      await turn();
      await stage.clock.advance(1_000);
      await turn();
      assert.equal(stage.looks.length, 1);
      assert.deepEqual(stage.changed, []);
    });
  }

  it('looks at 32 guests of a host at once, and at the others in their turn', async () => {
    const { scene, follow, looks, look } = createStage();
    for (let count = 0; count < 40; count += 1) {
      const tracked = track(`d-${count}`, undefined, 0);
      see(tracked, { kind: 'active', id: count }, 0);
      scene.state.domains.set(tracked.uuid, tracked);
      follow(tracked);
    }
    await look(32);
    await turn();
    assert.equal(looks.length, 32);
    looks[0]?.answer(true);
    await look(33);
  });
});
