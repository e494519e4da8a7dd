import assert from 'node:assert/strict';

import { eventually } from '#test/support/eventually.ts';
import { systemClock } from '#controller/kube/clock.ts';
import { Passage } from './passage.ts';
import { LEG_LIMITS } from './types.ts';
import { OK, answering, startScene } from '../testing/scene.ts';
import type { Scene, SceneOptions, Script } from '../testing/scene.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a.example\r\n\r\n';
const postOf = (...lines: readonly string[]): string =>
  `${['POST / HTTP/1.1', 'Host: a.example', ...lines].join('\r\n')}\r\n\r\n`;
const soon = <T>(check: () => T | Promise<T>): Promise<T> => eventually(check, { intervalMs: 2 });

describe('the leg to a guest', () => {
  let scene: Scene;
  const start = async (options: SceneOptions): Promise<void> => {
    scene = await startScene(options);
  };
  afterEach(() => scene.close());

  const answered = async (bytes: string): Promise<string> => {
    const visitor = scene.open(bytes);
    await soon(() => assert.equal(scene.outcomes.length, 1));
    await soon(() => assert.match(visitor.text(), /\r\n\r\n/));
    return visitor.text();
  };
  const fault = (): string | undefined => {
    const [outcome] = scene.outcomes;
    return outcome?.kind === 'answered' ? undefined : outcome?.fault;
  };

  it('passes an answer on with its headers in order, ours added, and none that only a connection has', async () => {
    const head =
      'HTTP/1.1 201 Made\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-A: \xe4\r\nConnection: close, X-B\r\nX-B: c';
    await start({ script: answering(`${head}\r\nX-Hatchery-Domain: forged\r\nContent-Length: 2\r\n\r\nok`) });
    const text = await answered(GET);
    assert.match(text, /^HTTP\/1\.1 201 [^]*\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-A: \xe4\r\n/);
    assert.match(text, /\r\nX-Hatchery-Domain: demo\/guest\r\nContent-Length: 2\r\n/);
    assert.match(text, /\r\nConnection: keep-alive\r\n[^]*\r\n\r\nok$/);
    assert.doesNotMatch(text, /forged|X-B/);
    assert.deepEqual(scene.marks, ['connected', 'sent', 'head', 'answered']);
  });

  const bad: readonly (readonly [what: string, answer: string])[] = [
    ['a length with chunked', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc'],
    ['gzip, chunked', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    ['an upgrade that nobody asked for', 'HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'],
    ['a head of 20 KB', `HTTP/1.1 200 OK\r\nX-A: ${'b'.repeat(20_000)}\r\n\r\n`],
    ['101 headers', `HTTP/1.1 200 OK\r\n${'X-A: b\r\n'.repeat(101)}\r\n`],
    ['17 interim answers', `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(17)}${OK}`],
    ['a status of 999', 'HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n'],
    ['what is no HTTP', 'hello\r\n\r\n'],
    ['a folded header', 'HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\n\r\n'],
  ];
  for (const [what, answer] of bad) {
    it(`answers 502 where a guest sends ${what}`, async () => {
      await start({ script: answering(answer) });
      assert.match(await answered(GET), /^(HTTP\/1\.1 103 [^]*?\r\n\r\n)*HTTP\/1\.1 502 /);
      assert.equal(fault(), 'bad-answer');
    });
  }

  it('swallows a guest’s 100 and passes a 103 on', async () => {
    await start({
      script: answering(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}`),
    });
    const text = await answered(GET);
    assert.match(text, /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a>\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
  });

  it('passes trailers both ways, without those that would change the head', async () => {
    const trailers = 'X-Sum: 1\r\nSet-Cookie: a=b\r\nX-Hatchery-A: b\r\n';
    const answer = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\n${trailers}\r\n`;
    await start({ script: answering(answer) });
    const text = await answered(
      `${postOf('Transfer-Encoding: chunked', 'TE: trailers')}1\r\na\r\n0\r\nX-Up: 2\r\nHost: b\r\n\r\n`,
    );
    assert.match(scene.guest.heard[0] ?? '', /\r\nConnection: close, TE\r\nTE: trailers\r\n/);
    assert.match(scene.guest.heard[0] ?? '', /\r\n0\r\nX-Up: 2\r\n\r\n$/);
    assert.match(text, /\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n$/);
  });

  it('answers HEAD with the length and no body, and reads none', async () => {
    await start({ script: answering('HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n') });
    assert.match(await answered('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n'), /\r\nContent-Length: 5000\r\n[^]*\r\n\r\n$/);
    assert.equal(fault(), undefined);
  });

  for (const status of [204, 304]) {
    it(`answers ${status} without a body`, async () => {
      await start({ script: answering(`HTTP/1.1 ${status} X\r\n\r\n`) });
      assert.match(await answered(GET), new RegExp(`^HTTP/1\\.1 ${status} [^]*\\r\\n\\r\\n$`));
      assert.equal(fault(), undefined);
    });
  }

  it('passes an answer on that is delimited by its close', async () => {
    await start({ script: answering('HTTP/1.0 200 OK\r\n\r\nall of it') });
    assert.match(await answered(GET), /\r\nTransfer-Encoding: chunked\r\n[^]*\r\n9\r\nall of it\r\n0\r\n\r\n$/);
  });

  it('answers an HTTP/1.0 visitor by a close where the length is not known', async () => {
    await start({ script: answering('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n') });
    const visitor = scene.open('GET / HTTP/1.0\r\nHost: a\r\n\r\n');
    assert.equal(await visitor.ended, 'fin');
    assert.match(visitor.text(), /\r\n\r\nok$/);
    assert.doesNotMatch(visitor.text(), /chunked/);
  });

  it('tells nobody’s Expect to the guest: answers 100 itself once the guest is connected', async () => {
    await start({ script: answering(OK) });
    const visitor = scene.open(postOf('Content-Length: 3', 'Expect: 100-continue'));
    await soon(() => assert.equal(visitor.text(), 'HTTP/1.1 100 Continue\r\n\r\n'));
    assert.equal(scene.guest.sockets.length, 1);
    visitor.socket.write('abc');
    await soon(() => assert.match(visitor.text(), /\r\n\r\nHTTP\/1\.1 200 OK\r\n/));
    assert.doesNotMatch(scene.guest.heard[0] ?? '', /expect/i);
  });

  it('writes the head before the body is there', async () => {
    await start({ script: (socket, heard) => heard.endsWith('\r\n\r\n') && socket.write(OK) });
    const visitor = scene.open(postOf('Content-Length: 3'));
    await soon(() => assert.match(scene.guest.heard[0] ?? '', /\r\nContent-Length: 3\r\n[^]*\r\n\r\n$/));
    visitor.socket.destroy();
  });

  it('passes an answer on that came before the body was sent, and closes gently', async () => {
    const early: Script = (socket, heard) => {
      if (!heard.includes('\r\n\r\n') || socket.writableEnded) return;
      socket.end('HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nmuch');
    };
    await start({ script: early });
    const visitor = scene.open(`${postOf('Content-Length: 900000')}${'x'.repeat(100_000)}`);
    assert.equal(await visitor.ended, 'fin');
    assert.match(visitor.text(), /^HTTP\/1\.1 413 [^]*\r\nConnection: close\r\n[^]*\r\n\r\nmuch$/);
    assert.equal(fault(), undefined);
  });

  const connected: Script = (socket, heard) => heard.endsWith('\r\n\r\n') && socket.write('', () => undefined);
  const half: Script = (socket, heard) => {
    if (heard.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
  };

  it('answers 502 where a guest ends before its answer', async () => {
    await start({ script: (socket, heard) => heard.endsWith('\r\n\r\n') && socket.end() });
    assert.match(await answered(GET), /^HTTP\/1\.1 502 /);
    assert.equal(fault(), 'guest-ended');
  });

  it('answers 502 within half a second of the end of a guest that vanished without a FIN', async () => {
    await start({ script: connected });
    const visitor = scene.open(GET);
    await soon(() => assert.equal(scene.guest.heard[0]?.endsWith('\r\n\r\n'), true));
    const began = performance.now();
    scene.endGuest();
    await soon(() => assert.match(visitor.text(), /^HTTP\/1\.1 502 /));
    assert.ok(performance.now() - began >= 240);
    assert.equal(fault(), 'guest-ended');
  });

  it('breaks an answer off whose guest vanished within it', async () => {
    await start({ script: half });
    const visitor = scene.open(GET);
    await soon(() => assert.match(visitor.text(), /half$/));
    scene.endGuest();
    assert.equal(await visitor.ended, 'reset');
    assert.equal(fault(), 'guest-ended');
  });

  for (const [what, script] of [
    ['a length', half],
    [
      'chunks',
      (socket, heard) =>
        heard.endsWith('\r\n\r\n') && socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'),
    ],
  ] as const satisfies readonly (readonly [string, Script])[]) {
    it(`breaks an answer of ${what} off whose guest ends within it`, async () => {
      await start({ script });
      const visitor = scene.open(GET);
      await soon(() => assert.match(visitor.text(), /half/));
      scene.guest.sockets[0]?.end();
      assert.equal(await visitor.ended, 'reset');
      assert.doesNotMatch(visitor.text(), /0\r\n\r\n$/);
    });
  }

  it('does not take an answer for whole that is delimited by its close and ended by a reset', async () => {
    await start({
      script: (socket, heard) => heard.endsWith('\r\n\r\n') && socket.write('HTTP/1.0 200 OK\r\n\r\nhalf'),
    });
    const visitor = scene.open(GET);
    await soon(() => assert.match(visitor.text(), /half/));
    scene.guest.sockets[0]?.resetAndDestroy();
    assert.equal(await visitor.ended, 'reset');
  });

  it('lets the guest go as soon as its answer is whole, before the visitor has taken it', async () => {
    await start({ script: answering(`HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n${'x'.repeat(200_000)}`) });
    const visitor = scene.open(GET);
    visitor.socket.pause();
    await soon(() => assert.ok(scene.marks.includes('answered')));
    await soon(() => assert.equal(scene.guest.sockets[0]?.destroyed, true));
    visitor.socket.resume();
    await soon(() => assert.equal(scene.outcomes.length, 1));
  });

  it('says that nothing was sent where there is no connection', async () => {
    await start({ guestPort: 1 });
    assert.match(await answered(GET), /^HTTP\/1\.1 502 /);
    assert.partialDeepStrictEqual(scene.outcomes[0], { fault: 'not-connected', sent: false, cause: 'ECONNREFUSED' });
  });

  it('sends what it read ahead to a second guest where the first could not be reached', async () => {
    scene = await startScene({
      handle: async (exchange) => {
        const leg = { exchange, ...rest(), decorate: () => [], onMark: () => undefined };
        const first = await new Passage(leg).to({ kind: 'address', address: '127.0.0.1', port: 1 });
        assert.partialDeepStrictEqual(first, { kind: 'failed', sent: false });
        await new Passage(leg).to({ kind: 'address', address: '127.0.0.1', port: scene.guest.port });
      },
    });
    const rest = () => ({
      limits: LEG_LIMITS,
      ...{ ended: new Promise(() => undefined), clock: systemClock, budget: scene.budget },
    });
    const visitor = scene.open(`${postOf('Content-Length: 3')}abc`);
    await soon(() => assert.match(visitor.text(), /^HTTP\/1\.1 200 /));
    assert.match(scene.guest.heard[0] ?? '', /\r\n\r\nabc$/);
  });

  it('ends the guest’s connection when the visitor leaves', async () => {
    await start({ script: connected });
    const visitor = scene.open(GET);
    await soon(() => assert.equal(scene.guest.sockets.length, 1));
    visitor.socket.destroy();
    await soon(() => assert.equal(fault(), 'visitor-left'));
    await soon(() => assert.equal(scene.guest.sockets[0]?.destroyed, true));
  });

  it('answers 504 at the total limit', async () => {
    await start({ script: connected, leg: { totalMs: 60 } });
    assert.match(await answered(GET), /^HTTP\/1\.1 504 /);
    assert.equal(fault(), 'total-limit');
  });

  it('breaks an answer off at the total limit', async () => {
    await start({ script: half, leg: { totalMs: 100 } });
    assert.equal(await scene.open(GET).ended, 'reset');
  });

  it('ends a visitor that sends too slowly, but not one whose guest is slow', async () => {
    await start({ script: connected, leg: { rateWindowMs: 80, totalMs: 5_000 } });
    const slow = scene.open(`${postOf('Content-Length: 100')}x`);
    await soon(() => assert.equal(fault(), 'visitor-too-slow'));
    slow.socket.destroy();
  });

  it('does not count the time against a visitor in which its guest has nothing to say', async () => {
    const slow: Script = (socket, heard) => {
      if (heard.endsWith('x')) setTimeout(() => socket.end(OK), 200);
    };
    await start({ script: slow, leg: { rateWindowMs: 50, totalMs: 5_000 } });
    assert.match(await answered(`${postOf('Content-Length: 1')}x`), /^HTTP\/1\.1 200 /);
  });

  it('ends a visitor that reads nothing while its guest has more to say', async () => {
    const much = Buffer.alloc(64 * 1024, 'x');
    const endless: Script = (socket, heard) => {
      if (!heard.endsWith('\r\n\r\n')) return;
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      const more = (): unknown => socket.writable && !socket.destroyed && socket.write(much) && setImmediate(more);
      socket.on('drain', more);
      more();
    };
    await start({ script: endless, leg: { rateWindowMs: 200, totalMs: 10_000 } });
    const visitor = scene.open(GET);
    visitor.socket.pause();
    await soon(() => assert.equal(fault(), 'visitor-too-slow'));
    visitor.socket.resume();
    assert.equal(await visitor.ended, 'reset');
  });

  it('does not hurry the visitor of an event stream', async () => {
    const events: Script = (socket) => {
      if (socket.bytesWritten > 0) return;
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n');
      setTimeout(() => socket.write('data: 2\n\n'), 200);
    };
    await start({ script: events, leg: { rateWindowMs: 50, totalMs: 5_000 } });
    const visitor = scene.open(postOf('Content-Length: 10'));
    await soon(() => assert.match(visitor.text(), /data: 1[^]*data: 2/));
    visitor.socket.destroy();
  });
});
