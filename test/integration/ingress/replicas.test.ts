import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import { INGRESS_LEASE_PREFIX } from '#controller/api/index.ts';
import { holdReplica, replicaName } from '#controller/ingress/replicas/index.ts';
import type { SpawnBackend } from '#controller/ingress/spawn/index.ts';
import { isKubeError, LEASES, silentLogger, systemClock } from '#controller/kube/index.ts';
import { STARTUP_TIMEOUT_MS, TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createStage, inPhase } from '../lifecycle/stage.ts';
import type { Stage } from '../lifecycle/stage.ts';
import type { StageHost } from '../lifecycle/stage-hosts.ts';
import { createSpawnStage } from './spawn-stage.ts';

const DURATIONS = { durationMs: 1_500, renewDeadlineMs: 1_000, retryPeriodMs: 200 };

describe('replicas of the ingress', function () {
  this.timeout(TEST_TIMEOUT_MS);
  let stage: Stage;
  let host: StageHost;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    stage = await createStage();
    host = await stage.host();
    // The only namespace whose Leases the controller may list.
    await stage.controller({ options: { settleMs: 300, ingressNamespace: 'hatchery-ingress' } });
    await stage.untilHost(host.name, 'True');
  });
  after(() => stage.dispose());

  /** A replica that holds its Lease until it is stopped. */
  function replica(name: string, namespace = stage.namespace) {
    const stop = new AbortController();
    const counts: number[] = [];
    const options = { rest: stage.rest, namespace, clock: systemClock, random: Math.random, logger: silentLogger };
    let isServing = false;
    const ended = holdReplica(
      { ...options, replica: name, changed: (live) => counts.push(live), durations: DURATIONS, lookMs: 100 },
      (signal) => {
        isServing = true;
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      },
      stop.signal,
    );
    return { counts, ended, isServing: () => isServing, stop: () => stop.abort() };
  }

  it('each counts those that are alive, and forgets one that ends', async () => {
    const [one, two] = [replica('one'), replica('two')];
    await eventually(() => assert.deepEqual([one.counts.at(-1), two.counts.at(-1)], [2, 2]));
    assert.ok(one.isServing() && two.isServing());
    two.stop();
    assert.equal(await two.ended, 'stopped');
    await eventually(() => assert.equal(one.counts.at(-1), 1));
    one.stop();
    await one.ended;
  });

  it('another process under the same name takes the Lease, and the first one knows', async () => {
    const first = replica('same');
    await eventually(() => assert.ok(first.isServing()));
    const second = replica('same');
    assert.equal(await first.ended, 'replaced');
    second.stop();
    await second.ended;
  });

  it('what one that was killed left unfinished is deleted by the controller; what another serves stays', async function () {
    this.timeout(TEST_TIMEOUT_MS + 60_000);
    const names = ['dead', 'alive'].map((name) => `${name}-${randomUUID().slice(0, 8)}`);
    const [dead = '', alive = ''] = names;
    // As it was left behind: nobody renews it any more.
    const spec = { holderIdentity: dead, leaseDurationSeconds: 1, renewTime: '2026-01-02T03:04:05.000000Z' };
    const metadata = { name: `${INGRESS_LEASE_PREFIX}${dead}`, namespace: 'hatchery-ingress' };
    await stage.rest.create(LEASES, { metadata, spec });
    const living = replica(alive, 'hatchery-ingress');
    const [killed, serving] = names.map((name) => createSpawnStage(stage, { replica: name }));
    assert.ok(killed !== undefined && serving !== undefined);
    const web: SpawnBackend = await serving.template('web', { readiness: { notify: {}, periodMilliseconds: 200 } });
    const [left, served] = [killed, serving].map((each) => each.start({ ...web, spawnTimeoutMs: 60_000 }).spawned);
    for (const spawned of [left, served]) await stage.until(spawned?.name ?? '', inPhase('Running'));
    await killed.kill();
    const began = Date.now();
    await eventually(
      async () => {
        try {
          await stage.get(left?.name ?? '');
        } catch (error) {
          if (isKubeError(error, 'not-found')) return;
          throw error;
        }
        throw new Error('it is still there');
      },
      { timeoutMs: 45_000 },
    );
    assert.ok(Date.now() - began > 5_000);
    assert.equal((await stage.get(served?.name ?? '')).status?.phase, 'Running');
    await serving.stop();
    living.stop();
    await living.ended;
    await stage.rest.delete(LEASES, metadata);
    await stage.rest.delete(LEASES, { ...metadata, name: `${INGRESS_LEASE_PREFIX}${alive}` });
  });
});

describe('the name of a replica', () => {
  const rows: readonly [string, RegExp][] = [
    ['hatchery-ingress-7d9c5-x2x', /^hatchery-ingress-7d9c5-x2x$/],
    ['Host.Example.Org', /^host-example-org-[0-9a-f]{16}$/],
    ['x'.repeat(64), /^x{46}-[0-9a-f]{16}$/],
    ['', /^[0-9a-f]{16}$/],
  ];
  for (const [identity, wanted] of rows) {
    it(`${JSON.stringify(identity.slice(0, 20))} fits a label and a Lease`, () =>
      assert.match(replicaName(identity), wanted));
  }
});
