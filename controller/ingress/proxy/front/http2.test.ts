import assert from 'node:assert/strict';
import { connect, constants } from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from 'node:http2';
import { connect as tcpConnect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';

import { eventually } from '#test/support/eventually.ts';
import { hear, TLS, trust } from '../testing/http2.ts';
import { OK, answering, startScene } from '../testing/scene.ts';
import type { Scene, SceneOptions } from '../testing/scene.ts';

const soon = <T>(check: () => T | Promise<T>): Promise<T> => eventually(check, { intervalMs: 2 });
const waiting: SceneOptions['handle'] = ({ signal }) =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve()));

describe('the front over TLS and HTTP/2', () => {
  let scene: Scene;
  let session: ClientHttp2Session;
  const start = async (options: SceneOptions = {}): Promise<void> => {
    scene = await startScene({ https: TLS, ...options });
    session = connect(`https://127.0.0.1:${port()}`, trust);
    session.on('error', () => undefined);
  };
  const port = (): number => scene.front.https?.port ?? 0;
  const ask = (headers: OutgoingHttpHeaders, endStream = true): ClientHttp2Stream =>
    session.request({ ':authority': 'a.example', ...headers }, { endStream });
  afterEach(async () => {
    session.destroy();
    await scene.close();
  });

  it('passes a request and its answer, as HTTP/1.1 with a guest', async () => {
    await start({ script: answering(OK) });
    const reply = await hear(ask({ ':path': '/a?b', cookie: ['x=1', 'y=2'], 'x-a': 'b', te: 'trailers' }));
    assert.equal(reply.status, 200);
    assert.equal(reply.body, 'ok');
    assert.equal(reply.headers['x-hatchery-domain'], 'demo/guest');
    const [heard = ''] = scene.guest.heard;
    assert.match(heard, /^GET \/a\?b HTTP\/1\.1\r\nHost: a\.example\r\n/);
    assert.match(heard, /\r\nCookie: x=1; y=2\r\n/);
    assert.match(heard, /\r\nX-Forwarded-Proto: https\r\n/);
    assert.doesNotMatch(heard, /transfer-encoding|content-length/i);
  });

  it('passes a body without a length, and trailers both ways', async () => {
    const trailers = '0\r\nX-Sum: 1\r\n\r\n';
    const early = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
    await start({
      script: answering(`${early}HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n${trailers}`),
    });
    const stream = session.request({ ':method': 'POST', ':authority': 'a.example' }, { waitForTrailers: true });
    stream.once('wantTrailers', () => stream.sendTrailers({ 'x-up': '2' }));
    const reply = hear(stream);
    stream.end('abc');
    assert.deepEqual((await reply).interim, [103]);
    assert.equal((await reply).trailers['x-sum'], '1');
    assert.match(
      scene.guest.heard[0] ?? '',
      /\r\nTransfer-Encoding: chunked\r\n[^]*\r\n3\r\nabc\r\n0\r\nx-up: 2\r\n\r\n$/,
    );
  });

  it('keeps a length', async () => {
    await start({ script: answering(OK) });
    const stream = ask({ ':method': 'POST', 'content-length': 3 }, false);
    stream.end('abc');
    assert.equal((await hear(stream)).status, 200);
    assert.match(scene.guest.heard[0] ?? '', /\r\nContent-Length: 3\r\n[^]*\r\n\r\nabc$/);
  });

  it('answers HEAD', async () => {
    await start({ script: answering('HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n') });
    const reply = await hear(ask({ ':method': 'HEAD' }));
    assert.deepEqual([reply.status, reply.headers['content-length'], reply.body], [200, '5000', '']);
  });

  it('answers 100 to who waits for it, once the guest is connected', async () => {
    await start({ script: answering(OK) });
    const stream = ask({ ':method': 'POST', expect: '100-continue' }, false);
    stream.once('continue', () => stream.end('abc'));
    assert.equal((await hear(stream)).status, 200);
    assert.doesNotMatch(scene.guest.heard[0] ?? '', /expect/i);
  });

  it('serves a host of the same certificate', async () => {
    await start();
    assert.equal((await hear(ask({ ':authority': 'b.example' }))).status, 200);
  });

  it('breaks a stream off with INTERNAL_ERROR whose guest ends within its answer', async () => {
    await start({ script: (socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf') });
    const reply = await hear(ask({}));
    assert.equal(reply.code, constants.NGHTTP2_INTERNAL_ERROR);
  });

  it('ends the guest’s connection when a stream is cancelled', async () => {
    await start({ script: () => undefined });
    const stream = ask({});
    stream.on('error', () => undefined);
    await soon(() => assert.equal(scene.guest.sockets.length, 1));
    stream.close(constants.NGHTTP2_CANCEL);
    await soon(() => assert.partialDeepStrictEqual(scene.outcomes[0], { fault: 'visitor-left' }));
  });

  it('answers and then resets with NO_ERROR a stream whose body nobody reads', async () => {
    const page = { status: 503, headers: [], body: 'full' };
    await start({ handle: ({ answer }) => answer.whole(page) });
    const stream = ask({ ':method': 'POST' }, false);
    stream.write('abc');
    const reply = await hear(stream);
    assert.deepEqual([reply.status, reply.body, reply.code], [503, 'full', constants.NGHTTP2_NO_ERROR]);
  });

  it('lets 32 streams of a connection be open, and says that it knows no CONNECT protocol', async () => {
    await start();
    await soon(() => assert.equal(session.remoteSettings.maxConcurrentStreams, 32));
    assert.notEqual(session.remoteSettings.enableConnectProtocol, true);
  });

  it('closes a connection that cancels more than its share', async () => {
    await start({ handle: waiting, front: { cancels: 3 } });
    let code = -1;
    session.on('goaway', (given: number) => (code = given));
    for (let i = 0; i < 4; i++) {
      const stream = ask({});
      stream.on('error', () => undefined);
      await soon(() => assert.equal(scene.exchanges.length, i + 1));
      stream.close(constants.NGHTTP2_CANCEL);
    }
    await soon(() => assert.equal(code, constants.NGHTTP2_ENHANCE_YOUR_CALM));
    await soon(() => assert.equal(session.destroyed, true));
  });

  const open = (options: ConnectionOptions): TLSSocket =>
    tlsConnect({ host: '127.0.0.1', port: port(), ...trust, ...options }).on('error', () => undefined);

  it('speaks HTTP/1.1 over TLS, with or without ALPN, and without SNI', async () => {
    await start();
    for (const options of [
      { ALPNProtocols: ['http/1.1'] },
      {},
      { servername: '', checkServerIdentity: () => undefined },
    ]) {
      let text = '';
      const socket = open(options).on('data', (data) => (text += String(data)));
      socket.write('GET / HTTP/1.1\r\nHost: a.example\r\n\r\n');
      await soon(() => assert.match(text, /^HTTP\/1\.1 200 /));
      socket.destroy();
    }
    assert.match(scene.guest.heard[0] ?? '', /X-Forwarded-Proto: https/);
  });

  for (const [what, options] of [
    ['a host whose certificate cannot be used', { servername: 'broken.example' }],
    ['TLS 1.1', { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' }],
  ] as const) {
    it(`fails the handshake of ${what}, and no other`, async () => {
      await start();
      let isSecure = false;
      const socket = open(options).on('secureConnect', () => (isSecure = true));
      await soon(() => assert.equal(socket.destroyed, true));
      assert.equal(isSecure, false);
      assert.equal((await hear(ask({}))).status, 200);
    });
  }

  it('closes a connection that does not finish its handshake', async () => {
    await start({ front: { handshakeMs: 50 } });
    const socket = tcpConnect(port(), '127.0.0.1').on('error', () => undefined);
    socket.resume();
    await soon(() => assert.equal(socket.destroyed, true));
  });

  it('closes an HTTP/2 connection that sends no preface', async () => {
    await start({ front: { prefaceMs: 50 } });
    const socket = open({ ALPNProtocols: ['h2'] });
    socket.resume();
    await soon(() => assert.equal(socket.destroyed, true));
  });
});
