import assert from 'node:assert/strict';

import { domainXml } from '#controller/domain/xml.ts';
import { FakeClock } from '#controller/kube/testing/fake-clock.ts';
import type { Guest } from '#controller/notify/index.ts';
import { Notices } from './notices.ts';
import { planDomain } from './plan.ts';
import { reconcile } from './reconcile.ts';
import { bindingOf } from './attempt.ts';
import { ADDRESS, createScene, UUID } from './testing/scene.ts';
import type { Scene } from './testing/scene.ts';
import { see } from './tracked.ts';

const NAME = 'edom-198-18-4-130';
const TOKEN = '0123456789abcdef0123456789abcdef';
const NOTIFY = { readiness: { notify: {}, periodMilliseconds: 200 } };

/** A scene whose guest can speak; what is noted is reconciled at once, unless the test says otherwise. */
function createStage(readiness: object = NOTIFY) {
  const scene = createScene('xen', {
    domain: { type: 'pv', memory: '64Mi', vcpus: 1, boot: { kernel: 'k' }, ...readiness },
    backoffLimit: 1,
  });
  scene.tracked.token = { given: undefined };
  const clock = new FakeClock();
  const stage = { scene, clock, notices: undefined as unknown as Notices, isReconciled: true };
  stage.notices = new Notices({
    store: scene.parts.store,
    clock,
    wall: scene.parts.wall,
    worker: (host) =>
      host === 'h' ? { state: scene.state, lookAfter: () => void (stage.isReconciled && settle(scene)) } : undefined,
  });
  scene.parts.store.addHandlers({
    added: (resource) => stage.notices.noticed(resource),
    updated: (resource) => stage.notices.noticed(resource),
    deleted: (resource) => stage.notices.gone(resource),
  });
  return stage;
}

async function settle(scene: Scene): Promise<void> {
  for (let round = 0; round < 20; round += 1) {
    const result = await reconcile(scene.parts, UUID);
    if (result.kind !== 'again-after') return;
    scene.pass(result.ms);
  }
}

type Stage = ReturnType<typeof createStage>;

async function guestOf({ notices }: Stage): Promise<Guest> {
  const admission = await notices.admit({ name: NAME, peer: ADDRESS, token: undefined });
  assert.ok(admission.kind === 'guest', admission.kind);
  return admission.guest;
}

describe('whom a notice is from', () => {
  const rows: readonly [what: string, claim: Partial<{ name: string; peer: string; token: string }>, kind: string][] = [
    ['the domain by its own address', {}, 'guest'],
    ['a name that nobody has', { name: 'edom-198-18-4-131' }, 'unknown'],
    ['another address', { peer: '198.18.4.131' }, 'stranger'],
    ['this machine', { peer: '127.0.0.1' }, 'stranger'],
    ['its address, but a token that it was not given', { token: TOKEN }, 'stranger'],
  ];
  for (const [what, claim, kind] of rows) {
    it(`${what}: ${kind}`, async () => {
      const { scene, notices } = createStage();
      await settle(scene);
      assert.equal((await notices.admit({ name: NAME, peer: ADDRESS, token: undefined, ...claim })).kind, kind);
    });
  }

  it('one that was given a token has to show it', async () => {
    const { scene, notices } = createStage();
    await settle(scene);
    scene.tracked.token = { given: TOKEN };
    const kinds = [undefined, TOKEN.replace('0', '1'), TOKEN].map((token) =>
      notices.admit({ name: NAME, peer: ADDRESS, token }),
    );
    assert.deepEqual(
      (await Promise.all(kinds)).map(({ kind }) => kind),
      ['stranger', 'stranger', 'guest'],
    );
  });

  it('a token that another process gave is read from the domain on its host, once', async () => {
    const { scene, notices } = createStage();
    await settle(scene);
    const resource = scene.stored()!;
    const endpoint = { host: '192.0.2.7', port: 9403 };
    const planning = planDomain(resource, bindingOf(resource)!, scene.state.config, 'c', { endpoint, token: TOKEN });
    assert.ok(planning.ok);
    const xml = domainXml('xen', planning.plan);
    let reads = 0;
    const getXmlDesc = () => {
      reads += 1;
      return Promise.resolve(xml);
    };
    Object.assign(scene.state.contact!.session.hypervisor, { getXmlDesc });
    scene.tracked.token = 'unread';
    assert.equal((await notices.admit({ name: NAME, peer: ADDRESS, token: undefined })).kind, 'stranger');
    assert.equal((await notices.admit({ name: NAME, peer: ADDRESS, token: TOKEN })).kind, 'guest');
    assert.equal(reads, 1);
  });

  it('while its host is silent, a token that is not known cannot be told right or wrong', async () => {
    const { scene, notices } = createStage();
    await settle(scene);
    scene.tracked.token = 'unread';
    scene.state.contact = undefined;
    assert.equal((await notices.admit({ name: NAME, peer: ADDRESS, token: TOKEN })).kind, 'unavailable');
  });

  it('nobody is known yet before the domain was started, whoever has its address', async () => {
    const { notices } = createStage();
    assert.equal((await notices.admit({ name: NAME, peer: ADDRESS, token: undefined })).kind, 'unavailable');
  });

  it('nobody is known any more once the attempt is over', async () => {
    const stage = createStage();
    await settle(stage.scene);
    stage.scene.host.end('crashed');
    see(stage.scene.tracked, { kind: 'ended', end: 'crashed' }, 0);
    await settle(stage.scene);
    assert.equal((await stage.notices.admit({ name: NAME, peer: ADDRESS, token: undefined })).kind, 'unknown');
  });
});

describe('what a guest says', () => {
  it('ready after Running: stored by one write more before it is answered; said again it costs nothing', async () => {
    const stage = createStage();
    await settle(stage.scene);
    assert.equal(stage.scene.patches(), 1);
    assert.equal(await (await guestOf(stage)).ready(), 'stored');
    assert.equal(stage.scene.stored()?.status?.reason, 'DomainReady');
    assert.equal(await (await guestOf(stage)).ready(), 'stored');
    assert.equal(stage.scene.patches(), 2);
  });

  it('ready, and how it ended, before Running is stored: one write says all', async () => {
    const stage = createStage();
    stage.isReconciled = false;
    let answers: Promise<readonly string[]> | undefined;
    stage.scene.startAnswer = async () => {
      const answer = stage.scene.host.act('create');
      stage.scene.host.unpause();
      const guest = await guestOf(stage);
      answers = Promise.all([guest.ready(), guest.exit({ code: 0, message: 'done' })]);
      assert.ok(answer !== 'done');
      return answer;
    };
    await settle(stage.scene);
    assert.deepEqual(await answers, ['stored', 'stored']);
    assert.equal(stage.scene.patches(), 1);
    const { status } = stage.scene.stored()!;
    assert.deepEqual([status?.phase, status?.reason, status?.exitCode], ['Running', 'DomainReady', 0]);
  });

  it('ready where nobody waits for that: taken, and nothing is written', async () => {
    for (const readiness of [{}, { readiness: { tcp: { port: 80 }, periodMilliseconds: 200 } }]) {
      const stage = createStage(readiness);
      await settle(stage.scene);
      assert.equal(await (await guestOf(stage)).ready(), 'stored');
      assert.equal(stage.scene.patches(), 1);
    }
  });

  it('how its work ended: the first word counts', async () => {
    const stage = createStage();
    await settle(stage.scene);
    assert.equal(await (await guestOf(stage)).exit({ code: 3, message: 'no disk' }), 'stored');
    assert.equal(await (await guestOf(stage)).exit({ code: 0, message: '' }), 'said-before');
    assert.equal(stage.scene.stored()?.status?.exitCode, 3);
    stage.scene.host.end('power-off');
    see(stage.scene.tracked, { kind: 'ended', end: 'power-off' }, 0);
    await settle(stage.scene);
    assert.match(stage.scene.stored()?.status?.message ?? '', /NonZeroExit: exited with code 3: no disk \(host h\)/);
    assert.equal(stage.scene.patches(), 3);
  });

  it('how its work ended, while it cannot be stored: told so in time, and believed when it says so again', async () => {
    const stage = createStage();
    await settle(stage.scene);
    stage.isReconciled = false;
    const report = { code: 3, message: 'no disk' };
    const first = (await guestOf(stage)).exit(report);
    await stage.clock.advance(8_000);
    assert.equal(await first, 'not-stored');
    assert.equal(await (await guestOf(stage)).exit({ code: 4, message: '' }), 'said-before');
    stage.isReconciled = true;
    assert.equal(await (await guestOf(stage)).exit(report), 'stored');
    assert.equal(stage.clock.pending, 0);
  });

  it('how its work ended, and off it goes before that is stored: the final write says both', async () => {
    const stage = createStage();
    await settle(stage.scene);
    stage.isReconciled = false;
    const answer = (await guestOf(stage)).exit({ code: 0, message: 'done' });
    stage.scene.host.end('power-off');
    see(stage.scene.tracked, { kind: 'ended', end: 'power-off' }, 0);
    await settle(stage.scene);
    assert.equal(await answer, 'stored');
    const { status } = stage.scene.stored()!;
    assert.deepEqual([status?.phase, status?.exitCode, status?.terminationMessage], ['Succeeded', 0, 'done']);
    assert.equal(stage.scene.patches(), 2);
  });

  it('ready, and off it goes before that is stored: over', async () => {
    const stage = createStage();
    await settle(stage.scene);
    stage.isReconciled = false;
    const answer = (await guestOf(stage)).ready();
    stage.scene.host.end('crashed');
    see(stage.scene.tracked, { kind: 'ended', end: 'crashed' }, 0);
    await settle(stage.scene);
    assert.equal(await answer, 'over');
  });
});
