import assert from 'node:assert/strict';

import { eventually } from '#test/support/eventually.ts';
import { startScene } from '../testing/scene.ts';
import type { Scene, SceneOptions, Script } from '../testing/scene.ts';

const UPGRADE =
  'GET /ws HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eA==\r\n\r\n';
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-A: b\r\n\r\n';
const soon = <T>(check: () => T | Promise<T>): Promise<T> => eventually(check, { intervalMs: 2 });

/** Switches, and sends back what comes then. */
const echoing: Script = (socket, heard) => {
  const end = heard.indexOf('\r\n\r\n') + 4;
  if (end < 4) return;
  if (socket.bytesWritten === 0) socket.write(`${SWITCH}hello `);
  const sent = socket.bytesWritten - SWITCH.length - 'hello '.length;
  socket.write(heard.slice(end + sent));
};

describe('an upgrade', () => {
  let scene: Scene;
  const start = async (options: SceneOptions): Promise<void> => {
    scene = await startScene(options);
  };
  afterEach(() => scene.close());

  it('passes bytes both ways, those that came with the heads too', async () => {
    await start({ script: echoing });
    const visitor = scene.open(`${UPGRADE}first `);
    await soon(() => assert.match(visitor.text(), /\r\n\r\nhello first $/));
    visitor.socket.write('second');
    await soon(() => assert.match(visitor.text(), /hello first second$/));
    assert.match(visitor.text(), /^HTTP\/1\.1 101 Switching Protocols\r\nX-A: b\r\n/);
    assert.match(scene.guest.heard[0] ?? '', /\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n/);
    assert.equal(scene.front.counts().upgraded, 1);
    visitor.socket.end();
    await soon(() => assert.partialDeepStrictEqual(scene.outcomes[0], { kind: 'upgraded', protocol: 'websocket' }));
    await soon(() => assert.deepEqual(scene.front.counts(), { requests: 0, waiting: 0, upgraded: 0 }));
    assert.equal(scene.budget.used, 0);
  });

  it('passes a guest’s answer on that does not switch, and closes', async () => {
    await start({ script: (socket) => void socket.end('HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno') });
    const visitor = scene.open(UPGRADE);
    assert.equal(await visitor.ended, 'fin');
    assert.match(visitor.text(), /^HTTP\/1\.1 403 [^]*\r\nConnection: close\r\n[^]*\r\n\r\nno$/);
  });

  it('answers 502 to a guest that switches to something else', async () => {
    await start({ script: (socket) => void socket.write(SWITCH.replace('websocket', 'smtp')) });
    const visitor = scene.open(UPGRADE);
    await soon(() => assert.match(visitor.text(), /^HTTP\/1\.1 502 /));
  });

  it('makes an ordinary request of one that its template does not list', async () => {
    await start({ upgrades: ['other'] });
    const visitor = scene.open(UPGRADE);
    await soon(() => assert.match(visitor.text(), /^HTTP\/1\.1 200 /));
    assert.doesNotMatch(scene.guest.heard[0] ?? '', /upgrade/i);
  });

  it('passes each side’s end on, and lets the other go on', async () => {
    const after: Script = (socket, heard) => {
      if (socket.bytesWritten === 0 && heard.includes('\r\n\r\n')) socket.write(SWITCH);
    };
    await start({ script: after, leg: { halfClosedMs: 60_000 } });
    const visitor = scene.open(UPGRADE);
    await soon(() => assert.match(visitor.text(), /101/));
    scene.guest.sockets[0]?.end('last words');
    assert.equal(await visitor.ended, 'fin');
    assert.match(visitor.text(), /last words$/);
    await soon(() => assert.equal(scene.outcomes.length, 1));
  });

  const silent: Script = (socket) => {
    if (socket.bytesWritten === 0) socket.write(SWITCH);
  };
  for (const [what, leg, fault, act] of [
    ['nothing moved for long', { idleMs: 60 }, 'idle', () => undefined],
    ['the guest vanished', { endedGraceMs: 10 }, 'guest-ended', () => scene.endGuest()],
    ['the visitor reset', {}, 'visitor-left', (): unknown => scene.exchanges[0]?.cut()],
  ] as const) {
    it(`destroys both where ${what}`, async () => {
      await start({ script: silent, leg });
      const visitor = scene.open(UPGRADE);
      await soon(() => assert.match(visitor.text(), /101/));
      act();
      await visitor.ended;
      await soon(() => assert.partialDeepStrictEqual(scene.outcomes[0], { kind: 'upgraded', fault }));
      await soon(() => assert.equal(scene.guest.sockets[0]?.destroyed, true));
    });
  }

  it('destroys both where the second side does not end in time after the first', async () => {
    const deaf: Script = (socket) => {
      socket.removeAllListeners('end');
      if (socket.bytesWritten === 0) socket.write(SWITCH);
    };
    await start({ script: deaf, leg: { halfClosedMs: 60 } });
    const visitor = scene.open(UPGRADE);
    await soon(() => assert.match(visitor.text(), /101/));
    visitor.socket.end();
    await soon(() => assert.equal(scene.outcomes.length, 1));
    await visitor.ended;
  });

  it('goes on after the total limit', async () => {
    await start({ script: echoing, leg: { totalMs: 100 } });
    const visitor = scene.open(UPGRADE);
    await soon(() => assert.match(visitor.text(), /hello /));
    await soon(() => assert.ok(performance.now() - (scene.exchanges[0]?.receivedMs ?? 0) > 150));
    visitor.socket.write('still');
    await soon(() => assert.match(visitor.text(), /still$/));
    visitor.socket.destroy();
  });

  it('notices a visitor that leaves before the guest switched', async () => {
    await start({ script: () => undefined });
    const visitor = scene.open(UPGRADE);
    await soon(() => assert.equal(scene.guest.sockets.length, 1));
    visitor.socket.end();
    await soon(() => assert.partialDeepStrictEqual(scene.outcomes[0], { kind: 'failed', fault: 'visitor-left' }));
  });
});
