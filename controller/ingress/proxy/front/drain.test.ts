import assert from 'node:assert/strict';

import { eventually } from '#test/support/eventually.ts';
import { OK, startScene, statusesOf } from '../testing/scene.ts';
import type { Scene, Script } from '../testing/scene.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a.example\r\n\r\n';
const soon = <T>(check: () => T | Promise<T>): Promise<T> => eventually(check, { intervalMs: 2 });
const silent: Script = () => undefined;

describe('a drain', () => {
  const LIMITS = { delayMs: 40, idleMs: 60, limitMs: 5_000, upgradedLimitMs: 5_000, lastBytesMs: 50 };
  let scene: Scene;
  afterEach(() => scene.close());

  it('goes on accepting for its delay, each answer the last of its connection, and then refuses connections', async () => {
    scene = await startScene();
    const drained = scene.front.drain({ ...LIMITS, delayMs: 500 });
    assert.equal(scene.front.isDraining(), true);
    const visitor = scene.open(GET);
    assert.equal(await visitor.ended, 'fin');
    assert.match(visitor.text(), /^HTTP\/1\.1 200 [^]*\r\nConnection: close\r\n/);
    assert.deepEqual(await drained, { cut: 0 });
    assert.equal(await scene.open(GET).ended, 'reset');
  });

  it('answers a request that was on its way on an idle connection', async () => {
    scene = await startScene();
    const visitor = scene.open(GET);
    await soon(() => assert.match(visitor.text(), /ok$/));
    const drained = scene.front.drain({ ...LIMITS, delayMs: 0, idleMs: 500 });
    await soon(async () => assert.equal(await scene.open('').ended, 'reset'));
    visitor.socket.write(GET);
    assert.equal(await visitor.ended, 'fin');
    assert.equal(visitor.text().match(/HTTP\/1\.1 200 /g)?.length, 2);
    await drained;
  });

  it('waits for what is under way', async () => {
    scene = await startScene({ script: silent });
    const visitor = scene.open(GET);
    await soon(() => assert.equal(scene.guest.sockets.length, 1));
    const drained = scene.front.drain({ ...LIMITS, delayMs: 0, idleMs: 0 });
    assert.equal(await scene.open(GET).ended, 'reset');
    scene.guest.sockets[0]?.end(OK);
    assert.deepEqual(await drained, { cut: 0 });
    assert.equal(await visitor.ended, 'fin');
    assert.match(visitor.text(), /^HTTP\/1\.1 200 /);
  });

  it('answers 503 at its limit, and tells the handler', async () => {
    scene = await startScene({
      handle: ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
    });
    const visitor = scene.open(GET);
    await soon(() => assert.equal(scene.exchanges.length, 1));
    assert.deepEqual(await scene.front.drain({ ...LIMITS, delayMs: 0, idleMs: 0, limitMs: 50, upgradedLimitMs: 50 }), {
      cut: 1,
    });
    assert.equal(scene.exchanges[0]?.signal.reason, 'drain-limit');
    assert.equal(await visitor.ended, 'fin');
    assert.match(visitor.text(), /^HTTP\/1\.1 503 [^]*\r\nRetry-After: 1\r\n[^]*\r\nConnection: close\r\n/);
  });

  it('makes an answer its connection’s last though the request came before it', async () => {
    scene = await startScene({ script: silent });
    const visitor = scene.open(GET);
    await soon(() => assert.equal(scene.guest.sockets.length, 1));
    const drained = scene.front.drain({ ...LIMITS, delayMs: 0, idleMs: 0 });
    scene.guest.sockets[0]?.end(OK);
    assert.equal(await visitor.ended, 'fin');
    assert.match(visitor.text(), /^HTTP\/1\.1 200 [^]*\r\nConnection: close\r\n/);
    await drained;
  });

  it('serves what was pipelined before it, the last of them as the connection’s last', async () => {
    scene = await startScene({ script: silent });
    const visitor = scene.open(GET.repeat(2));
    await soon(() => {
      assert.equal(scene.front.counts().waiting, 1);
      assert.equal(scene.guest.sockets.length, 1);
    });
    const drained = scene.front.drain({ ...LIMITS, delayMs: 0, idleMs: 0 });
    scene.guest.sockets[0]?.end(OK);
    await soon(() => assert.equal(scene.guest.sockets.length, 2));
    scene.guest.sockets[1]?.end(OK);
    assert.equal(await visitor.ended, 'fin');
    assert.deepEqual(statusesOf(visitor.text()), [200, 200]);
    assert.equal(visitor.text().match(/Connection: close/g)?.length, 1);
    await drained;
  });
});
