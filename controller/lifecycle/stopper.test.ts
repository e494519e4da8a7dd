import assert from 'node:assert/strict';

import { findCondition } from '#controller/api/index.ts';
import type { EphemeralDomainSpec } from '#controller/api/index.ts';
import { LibvirtError } from '#controller/libvirt/index.ts';
import type { LibvirtErrorDetails } from '#controller/libvirt/index.ts';
import { reconcile } from './reconcile.ts';
import { createScene, UUID } from './testing/scene.ts';
import type { Scene } from './testing/scene.ts';
import { forgetSession, see } from './tracked.ts';

/** Reconciles for so long, ms of the scene's clock. */
async function live(scene: Scene, ms: number): Promise<void> {
  const end = scene.parts.now() + ms;
  for (let round = 0; round < 200; round += 1) {
    const wait = await reconcile(scene.parts, UUID).then(
      (result) => (result.kind === 'again-after' ? result.ms : result.kind === 'retry' ? 50 : Infinity),
      () => 50,
    );
    const left = end - scene.parts.now();
    scene.pass(Math.min(wait, left));
    if (wait >= left) return;
  }
  throw new Error('it does not come to rest');
}

const phase = (scene: Scene) => `${scene.stored()?.status?.phase ?? ''}/${scene.stored()?.status?.reason ?? ''}`;

/** A domain that runs, and what its host is asked from now on; `answer` stands in for the host's own. */
async function runningScene(
  spec: Partial<EphemeralDomainSpec>,
  answer?: () => Promise<void>,
): Promise<{ readonly scene: Scene; readonly asked: string[] }> {
  const scene = createScene('lxc', spec);
  await live(scene, 10);
  assert.equal(phase(scene), 'Running/DomainStarted');
  const asked: string[] = [];
  tap(scene, asked, answer);
  return { scene, asked };
}

function tap(scene: Scene, asked: string[], answer?: () => Promise<void>): void {
  const trace = scene.state.contact?.trace;
  if (trace === undefined) throw new Error('there is a contact');
  const honest = { ...trace };
  Object.assign(trace, {
    shutdown: (uuid: string, timeoutMs: number) => {
      asked.push(`shutdown within ${timeoutMs}`);
      return answer === undefined ? honest.shutdown(uuid, timeoutMs) : answer();
    },
    destroy: (uuid: string) => {
      asked.push('destroy');
      return honest.destroy(uuid);
    },
  });
}

const OVERDUE = { activeDeadlineSeconds: 5, terminationGracePeriodSeconds: 3 };

const failing =
  (details: Pick<LibvirtErrorDetails, 'kind' | 'mayHaveRun' | 'code'>): (() => Promise<void>) =>
  () =>
    Promise.reject(new LibvirtError('no', { ...details, uri: 'test', procedure: 'DOMAIN_SHUTDOWN' }));

describe('a domain that is to end', () => {
  it('is asked once, and Failed when it has ended', async () => {
    const { scene, asked } = await runningScene(OVERDUE);
    await live(scene, 5_500);
    assert.equal(phase(scene), 'Running/DeadlineExceeded');
    assert.equal(asked.length, 1);
    see(scene.tracked, scene.host.look(), scene.parts.wall());
    await live(scene, 100);
    assert.equal(phase(scene), 'Failed/DeadlineExceeded');
    assert.equal(scene.host.state.kind, 'none');
    assert.equal(scene.host.runs, 1);
  });

  it('is destroyed after the grace where it does not listen', async () => {
    const { scene, asked } = await runningScene(OVERDUE);
    scene.host.deaf = true;
    await live(scene, 7_900);
    assert.equal(phase(scene), 'Running/DeadlineExceeded');
    assert.equal(scene.host.state.kind, 'running');
    await live(scene, 200);
    assert.equal(phase(scene), 'Failed/DeadlineExceeded');
    assert.equal(scene.host.state.kind, 'none');
    assert.equal(asked.length, 1);
  });

  it('has its grace, and is not asked again, where the host says no', async () => {
    const { scene, asked } = await runningScene(OVERDUE, failing({ kind: 'internal', mayHaveRun: false, code: 1 }));
    await live(scene, 7_900);
    assert.equal(scene.host.state.kind, 'running');
    await live(scene, 200);
    assert.equal(phase(scene), 'Failed/DeadlineExceeded');
    assert.equal(asked.length, 1);
  });

  it('is asked again where nothing was sent', async () => {
    const { scene, asked } = await runningScene(OVERDUE, failing({ kind: 'queue-full', mayHaveRun: false, code: 0 }));
    await live(scene, 6_000);
    assert.ok(asked.length > 1);
  });

  it('is asked again on another connection, and the grace ends when it would have', async () => {
    const { scene, asked } = await runningScene(OVERDUE);
    scene.host.deaf = true;
    await live(scene, 6_000);
    forgetSession(scene.tracked);
    scene.reconnect();
    tap(scene, asked);
    await live(scene, 1_900);
    assert.equal(scene.host.state.kind, 'running');
    assert.equal(asked.length, 2);
    await live(scene, 200);
    assert.equal(phase(scene), 'Failed/DeadlineExceeded');
  });

  it('is waited for no longer than its grace, nor than 10 s, by the call that asks it', async () => {
    for (const [grace, within] of [
      [3, 3_000],
      [600, 10_000],
    ] as const) {
      const { scene, asked } = await runningScene({ activeDeadlineSeconds: 5, terminationGracePeriodSeconds: grace });
      await live(scene, 5_500);
      const [first = ''] = asked;
      assert.ok(Math.abs(Number(first.split(' ').at(-1)) - within) < 100, first);
    }
  });

  it('because it is suspended: destroyed after the grace, unbound after that, and its trace goes last', async () => {
    const { scene, asked } = await runningScene({ suspend: false, terminationGracePeriodSeconds: 3 });
    scene.host.deaf = true;
    scene.respec({ suspend: true, terminationGracePeriodSeconds: 3 });
    await live(scene, 1_000);
    assert.equal(phase(scene), 'Running/Suspending');
    await live(scene, 5_000);
    assert.equal(phase(scene), 'Pending/Suspended');
    assert.equal(findCondition(scene.stored()?.status?.conditions, 'Suspended')?.status, 'True');
    assert.deepEqual(asked.slice(1), ['destroy']);
    assert.equal(scene.host.state.kind, 'none');
    assert.equal(scene.state.ledger.totals.domains, 0);
  });
});
