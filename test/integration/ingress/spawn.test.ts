import assert from 'node:assert/strict';

import { EPHEMERAL_DOMAINS, RequestLabel } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import { KubeError } from '#controller/kube/index.ts';
import type { RestClient } from '#controller/kube/index.ts';
import type { SpawnBackend, Spawned } from '#controller/ingress/spawn/index.ts';
import { STARTUP_TIMEOUT_MS, TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createStage, inPhase } from '../lifecycle/stage.ts';
import type { Stage } from '../lifecycle/stage.ts';
import type { StageHost } from '../lifecycle/stage-hosts.ts';
import { createSpawnStage } from './spawn-stage.ts';
import type { SpawnStage } from './spawn-stage.ts';

const NOTIFY = { readiness: { notify: {}, periodMilliseconds: 200 } };

/** The test driver's guests have no network, so the tests speak for them; real ones are in test/lxc/. */
describe('a request’s EphemeralDomain', function () {
  this.timeout(TEST_TIMEOUT_MS);
  let stage: Stage;
  let host: StageHost;
  let ingress: SpawnStage;
  let web: SpawnBackend;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    stage = await createStage();
    host = await stage.host();
    await stage.controller({ options: { settleMs: 300 } });
    await stage.untilHost(host.name, 'True');
    ingress = createSpawnStage(stage);
    web = await ingress.template('web', NOTIFY);
  });
  after(async () => {
    await ingress.stop();
    await stage.dispose();
  });

  /** Says for a guest that it is ready, as soon as its address is known. */
  async function speak({ name }: Spawned): Promise<string> {
    const { spec, status } = await stage.until(name, inPhase('Running'));
    const peer = status?.address ?? '';
    const claim = { name: status?.domain?.name ?? '', peer, token: spec.request?.notify?.token };
    const admission = await ingress.spawner.receiver.admit(claim);
    assert.ok(admission.kind === 'guest', JSON.stringify(admission));
    assert.equal(await admission.guest.ready(), 'heard');
    return peer;
  }

  const isListed = async (uuid: string | undefined) =>
    (await host.client.listAllDomains()).some((domain) => domain.uuid === uuid);

  it('is made from its template, labelled, and reachable as soon as its guest says so', async () => {
    const { spawned } = ingress.start(web, {
      method: 'POST',
      host: 'shop',
      path: '/a\u202eb\n',
      traceId: 'f'.repeat(32),
    });
    const address = await speak(spawned);
    assert.deepEqual(await spawned.reachable, {
      kind: 'reachable',
      guest: { address, port: 8000, host: host.name, socket: undefined },
    });
    const { metadata, spec } = await stage.get(spawned.name);
    assert.match(metadata.name, /^web-[0-9a-f]{16}$/);
    assert.deepEqual(metadata.labels, {
      [RequestLabel.Replica]: ingress.replica,
      [RequestLabel.Template]: 'web',
      [RequestLabel.Ingress]: 'shop',
    });
    assert.deepEqual(metadata.annotations, {
      'hatchery.dev/request-method': 'POST',
      'hatchery.dev/request-host': 'shop',
      'hatchery.dev/request-path': '/a b',
      'hatchery.dev/trace-id': 'f'.repeat(32),
    });
    const { templateRef, request, ...policy } = spec;
    assert.equal(templateRef?.name, 'web');
    assert.equal(request?.notify?.host, '192.0.2.7');
    assert.deepEqual(policy, { priority: 1_000, backoffLimit: 0, startDeadlineSeconds: 5, activeDeadlineSeconds: 90 });
    const { begun, created = NaN, bound = NaN, reachable = NaN } = spawned.marks;
    assert.ok(begun <= created && begun <= bound && bound <= reachable, JSON.stringify(spawned.marks));
  });

  it('has ended when the watch shows its end, and its slot is free then', async () => {
    const { spawned } = ingress.start(web);
    await speak(spawned);
    const { status } = await stage.get(spawned.name);
    await host.client.shutdown({ name: status?.domain?.name ?? '', uuid: status?.domain?.uuid ?? '' });
    const end = await spawned.ended;
    assert.deepEqual([end.kind, end.kind === 'finished' && end.reason], ['finished', 'PowerOff']);
  });

  it('a visitor who leaves is answered by a DELETE within 10 ms, and the domain is destroyed', async () => {
    const deletes: number[] = [];
    const rest: RestClient = {
      ...bound(stage.rest),
      delete: (...args) => {
        deletes.push(performance.now());
        return stage.rest.delete(...args);
      },
    };
    const own = createSpawnStage(stage, {}, rest);
    const visit = own.start(web);
    const { status } = await stage.until(visit.spawned.name, inPhase('Running'));
    const left = performance.now();
    visit.leave();
    assert.deepEqual(await visit.spawned.ended, { kind: 'deleted' });
    assert.equal(deletes.length, 1);
    assert.ok((deletes[0] ?? Infinity) - left < 10, `${(deletes[0] ?? Infinity) - left} ms`);
    assert.deepEqual(await visit.spawned.reachable, { kind: 'failed', failure: { kind: 'left' } });
    await eventually(async () => assert.ok(!(await isListed(status?.domain?.uuid))));
    await own.stop();
  });

  it('who leaves before the POST is answered leaves nothing behind', async () => {
    const visits = Array.from({ length: 20 }, () => ingress.start(web));
    for (const visit of visits) visit.leave();
    for (const { spawned } of visits) {
      assert.ok(['deleted', 'never-created'].includes((await spawned.ended).kind));
      await assert.rejects(stage.get(spawned.name), /not-found/);
    }
  });

  it('one that is not reachable in time is deleted', async () => {
    const { spawned } = ingress.start({ ...web, spawnTimeoutMs: 400 });
    const failure = { kind: 'timed-out', during: 'boot' };
    assert.deepEqual(await spawned.reachable, { kind: 'failed', failure });
    assert.deepEqual(await spawned.ended, { kind: 'deleted' });
  });

  it('where no host has a place in time: no-place, by startDeadlineSeconds', async () => {
    const nowhere = await ingress.template('nowhere', NOTIFY, {
      hostSelector: { matchLabels: { no: 'such' } },
      startDeadlineSeconds: 1,
    });
    const { spawned } = ingress.start(nowhere);
    const reaching = await spawned.reachable;
    assert.deepEqual([reaching.kind, reaching.kind === 'failed' && reaching.failure.kind], ['failed', 'no-place']);
    assert.equal((await spawned.ended).kind, 'finished');
  });

  it('what the template says and no host can run is the template’s fault', async () => {
    const broken = await ingress.template('broken', { ...NOTIFY, boot: { kernel: 'no-such-image' } });
    const reaching = await ingress.start(broken).spawned.reachable;
    assert.ok(reaching.kind === 'failed' && reaching.failure.kind === 'template-fault', JSON.stringify(reaching));
    assert.equal(reaching.failure.reason, 'ImageNotFound');
  });

  it('what the API server refuses was never created, and says why', async () => {
    const { spawned } = ingress.start({ ...web, namespace: 'no-such-namespace' });
    const reaching = await spawned.reachable;
    assert.ok(reaching.kind === 'failed' && reaching.failure.kind === 'refused', JSON.stringify(reaching));
    assert.equal(reaching.failure.status, 404);
    assert.deepEqual(await spawned.ended, { kind: 'never-created' });
  });

  it('a create whose answer was lost is said again under the same name, and makes no second one', async () => {
    let lost = 0;
    const rest: RestClient = {
      ...bound(stage.rest),
      create: async (type, object, options) => {
        const made = await stage.rest.create(type, object, options);
        if (lost > 0) return made;
        lost += 1;
        throw new KubeError({ error: 'transport', message: 'lost', verb: 'create', kind: 'x', ref: {}, host: 'h' });
      },
    };
    const own = createSpawnStage(stage, {}, rest);
    const { spawned } = own.start(web);
    await eventually(() => assert.ok(spawned.marks.created !== undefined));
    const labelSelector = `${RequestLabel.Replica}=${own.replica}`;
    const { items } = await stage.rest.list(EPHEMERAL_DOMAINS, { namespace: stage.namespace, labelSelector });
    assert.deepEqual(
      items.map(({ metadata }) => metadata.name),
      [spawned.name],
    );
    await own.stop();
    assert.deepEqual(await spawned.ended, { kind: 'deleted' });
  });

  it('deleted by somebody, it has ended; without its label only, it has not', async () => {
    const [deleted, stripped] = [ingress.start(web).spawned, ingress.start(web).spawned];
    await Promise.all([speak(deleted), speak(stripped)]);
    const ref = (spawned: Spawned) => ({ namespace: stage.namespace, name: spawned.name });
    const labels = { [RequestLabel.Replica]: null } as unknown as Record<string, string>;
    await stage.rest.patch(EPHEMERAL_DOMAINS, ref(stripped), { metadata: { labels } });
    await stage.rest.delete(EPHEMERAL_DOMAINS, ref(deleted));
    assert.deepEqual(await deleted.ended, { kind: 'deleted' });
    assert.equal(stripped.marks.ended, undefined);
    await stage.rest.delete(EPHEMERAL_DOMAINS, ref(stripped));
    assert.deepEqual(await stripped.ended, { kind: 'deleted' });
  });

  it('what a process before this one left unfinished is deleted, before and beside new requests', async () => {
    const replica = 'ingress-again';
    const before = createSpawnStage(stage, { replica });
    const { spawned } = before.start(web);
    const { status } = await stage.until(spawned.name, inPhase('Running'));
    await before.kill();
    const after = createSpawnStage(stage, { replica });
    const fresh = after.start(web).spawned;
    await eventually(() => assert.rejects(stage.get(spawned.name), /not-found/));
    await eventually(async () => assert.ok(!(await isListed(status?.domain?.uuid))));
    await stage.until(fresh.name, inPhase('Running'));
    await after.stop();
  });

  it('of finished ones as many are kept as historyLimit says, the newest', async () => {
    const kept = await ingress.template('kept', { ...NOTIFY, boot: { kernel: 'no-such-image' } });
    const names: string[] = [];
    for (let count = 0; count < 4; count += 1) {
      const { spawned } = ingress.start({ ...kept, historyLimit: 2 });
      await spawned.ended;
      names.push(spawned.name);
    }
    await eventually(async () => {
      const labelSelector = `${RequestLabel.Template}=kept`;
      const { items } = await stage.rest.list(EPHEMERAL_DOMAINS, { namespace: stage.namespace, labelSelector });
      assert.deepEqual(items.map(({ metadata }) => metadata.name).toSorted(), names.slice(2).toSorted());
    });
  });

  it('a guest without a token is held until its address is known, and believed from there alone', async () => {
    const silent = await ingress.template('original', {
      ...NOTIFY,
      boot: { kernel: 'hatchling', cmdline: '-notify $(NOTIFY_HOST)' },
    });
    const { spawned } = ingress.start(silent);
    const resource: EphemeralDomain = await stage.until(spawned.name, inPhase('Running'));
    const { domain, address = '' } = resource.status ?? {};
    const claim = { name: domain?.name ?? '', token: undefined };
    const admit = (peer: string) => ingress.spawner.receiver.admit({ ...claim, peer });
    assert.equal((await admit('198.19.250.250')).kind, 'stranger');
    assert.equal((await admit('203.0.113.1')).kind, 'stranger');
    assert.equal((await admit(address)).kind, 'guest');
  });
});

/** All methods of a client, callable without it. */
function bound(rest: RestClient): RestClient {
  return {
    server: rest.server,
    ...{ get: rest.get.bind(rest), list: rest.list.bind(rest), create: rest.create.bind(rest) },
    ...{ replace: rest.replace.bind(rest), patch: rest.patch.bind(rest), patchStatus: rest.patchStatus.bind(rest) },
    ...{ delete: rest.delete.bind(rest), watch: rest.watch.bind(rest), getRaw: rest.getRaw.bind(rest) },
    close: () => Promise.resolve(),
  };
}
