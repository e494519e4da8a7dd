import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

import { probe } from './probe.ts';
import type { Probe } from './probe.ts';

const ADDRESS = '127.0.0.1';

describe('probe', () => {
  let server: Server;
  let answer: (socket: Socket) => void;
  const open = new Set<Socket>();
  const never = new AbortController().signal;

  beforeEach(async () => {
    answer = () => undefined;
    server = createServer((socket) => {
      open.add(socket);
      socket.on('error', () => undefined).on('close', () => open.delete(socket));
      answer(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, ADDRESS, resolve));
  });
  afterEach(async () => {
    for (const socket of open) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  const port = (): number => (server.address() as AddressInfo).port;
  const look = (kind: Probe['kind'], path = '/', signal = never): Promise<boolean> =>
    probe(
      kind === 'tcp' ? { kind, address: ADDRESS, port: port() } : { kind, address: ADDRESS, port: port(), path },
      500,
      signal,
    );

  it('tcp: ready as soon as a connection opens', async () => {
    assert.equal(await look('tcp'), true);
  });

  it('tcp: not ready where nobody listens', async () => {
    const { port: closed } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    assert.equal(await probe({ kind: 'tcp', address: ADDRESS, port: closed }, 500, never), false);
    await new Promise<void>((resolve) => server.listen(0, ADDRESS, resolve));
  });

  for (const [status, isReady] of [
    [200, true],
    [204, true],
    [302, true],
    [399, true],
    [400, false],
    [404, false],
    [503, false],
  ] as const) {
    it(`http: ${status} is ${isReady ? 'ready' : 'not ready'}`, async () => {
      answer = (socket) => socket.end(`HTTP/1.1 ${status} X\r\nContent-Length: 0\r\n\r\n`);
      assert.equal(await look('http'), isReady);
    });
  }

  it('http: asks for the path, and reads no body, however long it is', async () => {
    let asked = '';
    answer = (socket) => {
      socket.once('data', (data) => {
        asked = data.toString();
        socket.write('HTTP/1.0 200 OK\r\n\r\n');
        const more = setInterval(() => socket.write('x'.repeat(65_536)), 1);
        socket.once('close', () => clearInterval(more));
      });
    };
    assert.equal(await look('http', '/healthz?a=b'), true);
    assert.match(asked, /^GET \/healthz\?a=b HTTP\/1\.1\r\n/);
  });

  for (const [what, reply] of [
    ['no HTTP', 'hello\r\n'],
    ['an endless head', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20_000)}`],
    ['an upgrade that nobody asked for', 'HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'],
    ['nothing, and an end', ''],
  ] as const) {
    it(`http: not ready by ${what}`, async () => {
      answer = (socket) => socket.end(reply);
      assert.equal(await look('http'), false);
    });
  }

  it('http: gives a guest up that takes the connection and says nothing', async function () {
    this.slow(6_000).timeout(10_000);
    assert.equal(await look('http'), false);
  });

  for (const kind of ['tcp', 'http'] as const) {
    it(`${kind}: ends with its signal`, async () => {
      const stop = new AbortController();
      answer = () => stop.abort();
      if (kind === 'tcp') stop.abort();
      assert.equal(await look(kind, '/', stop.signal), false);
    });
  }
});
