import assert from 'node:assert/strict';
import { connect, constants } from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from 'node:http2';
import { connect as tlsConnect } from 'node:tls';

import { eventually } from '#test/support/eventually.ts';
import { hear, TLS, trust } from '../testing/http2.ts';
import { OK, startScene } from '../testing/scene.ts';
import type { Scene, SceneOptions } from '../testing/scene.ts';
import { DRAIN_LIMITS } from './front.ts';
import type { DrainLimits } from './front.ts';

const soon = <T>(check: () => T | Promise<T>): Promise<T> => eventually(check, { intervalMs: 2 });
const DRAIN: DrainLimits = { ...DRAIN_LIMITS, delayMs: 0, idleMs: 10, limitMs: 5_000, upgradedLimitMs: 5_000 };

describe('a drain over HTTP/2', () => {
  let scene: Scene;
  let session: ClientHttp2Session;
  const start = async (options: SceneOptions = {}): Promise<void> => {
    scene = await startScene({ https: TLS, ...options });
    session = connect(`https://127.0.0.1:${port()}`, trust);
    session.on('error', () => undefined);
  };
  const port = (): number => scene.front.https?.port ?? 0;
  const ask = (headers: OutgoingHttpHeaders): ClientHttp2Stream =>
    session.request({ ':authority': 'a.example', ...headers });
  afterEach(async () => {
    session.destroy();
    await scene.close();
  });

  it('says goodbye, finishes what is under way, and serves one stream of each connection that comes yet', async () => {
    await start({ script: (socket, heard) => heard.includes('/slow') || socket.end(OK) });
    const slow = hear(ask({ ':path': '/slow' }));
    await soon(() => assert.equal(scene.guest.sockets.length, 1));
    const drained = scene.front.drain({ ...DRAIN, delayMs: 1_000 });
    await soon(() => assert.equal(session.closed, true));
    const late = connect(`https://127.0.0.1:${port()}`, trust);
    assert.equal((await hear(late.request({ ':authority': 'a.example' }))).status, 200);
    await soon(() => assert.equal(late.closed, true));
    scene.guest.sockets[0]?.end(OK);
    assert.equal((await slow).status, 200);
    assert.deepEqual(await drained, { cut: 0 });
  });

  it('serves the next stream of an idle connection, and then tells it to open no more', async () => {
    await start();
    assert.equal((await hear(ask({}))).status, 200);
    const goaways: number[][] = [];
    session.on('goaway', (code: number, last: number) => goaways.push([code, last]));
    const drained = scene.front.drain({ ...DRAIN, delayMs: 1_000 });
    assert.equal((await hear(ask({}))).status, 200);
    await soon(() => assert.deepEqual(goaways[0], [constants.NGHTTP2_NO_ERROR, 3]));
    assert.deepEqual(await drained, { cut: 0 });
  });

  it('tells an idle connection at the end of its time, and ends though the visitor does not close', async () => {
    await start();
    const idle = tlsConnect({
      host: '127.0.0.1',
      port: port(),
      ...trust,
      ...{ ALPNProtocols: ['h2'], allowHalfOpen: true },
    });
    let heard = '';
    idle.setEncoding('latin1').on('data', (data) => (heard += String(data)));
    idle.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1');
    await soon(() => assert.notEqual(heard, ''));
    assert.deepEqual(await scene.front.drain({ ...DRAIN, lastBytesMs: 50 }), { cut: 0 });
    // A GOAWAY that names no stream: none was opened.
    await soon(() => assert.ok(heard.includes('\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0')));
    idle.destroy();
  });

  it('gives who reads slowly the whole of its last answer', async () => {
    const body = 'x'.repeat(3_000_000);
    await start({ handle: ({ answer }) => answer.whole({ status: 200, headers: [], body }) });
    const stream = ask({});
    const reply = hear(stream);
    stream.pause();
    await soon(() => assert.equal(scene.exchanges.length, 1));
    const drained = scene.front.drain({ ...DRAIN, lastBytesMs: 5_000 });
    await soon(() => assert.equal(session.closed, true));
    stream.resume();
    const { body: came, code } = await reply;
    assert.deepEqual([came.length, code], [body.length, constants.NGHTTP2_NO_ERROR]);
    assert.deepEqual(await drained, { cut: 0 });
  });
});
