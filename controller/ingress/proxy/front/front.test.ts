import assert from 'node:assert/strict';
import { once } from 'node:events';

import { eventually } from '#test/support/eventually.ts';
import { systemClock } from '#controller/kube/clock.ts';
import { FakeClock } from '#controller/kube/testing/fake-clock.ts';
import { awaitBeginning } from '../exchange.ts';
import { OK, answering, startScene, statusesOf } from '../testing/scene.ts';
import type { Scene, SceneOptions, Script, Visitor } from '../testing/scene.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a.example\r\n\r\n';
const postOf = (length: number): string => `POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: ${length}\r\n\r\n`;
const soon = <T>(check: () => T | Promise<T>): Promise<T> => eventually(check, { intervalMs: 2 });
const PAGE = { status: 503, headers: ['Retry-After', '1'], body: 'full' };
const silent: Script = () => undefined;

describe('the front over HTTP/1', () => {
  let scene: Scene;
  const start = async (options: SceneOptions): Promise<void> => {
    scene = await startScene(options);
  };
  afterEach(() => scene.close());

  it('serves one pipelined request at a time, in order', async () => {
    await start({
      script: (socket, heard, index) => heard.endsWith('\r\n\r\n') && socket.end(OK.replace('ok', `${index}.`)),
    });
    const visitor = scene.open(GET.repeat(5));
    await soon(() => assert.deepEqual(visitor.text().match(/\d\.(?=HTTP|$)/g), ['0.', '1.', '2.', '3.', '4.']));
    assert.equal(scene.guest.sockets.length, 5);
    visitor.socket.destroy();
  });

  it('starts one guest and closes where a visitor pipelines more than four behind it', async () => {
    await start({ script: silent });
    const visitor = scene.open(GET.repeat(1000));
    await visitor.ended;
    await soon(() => assert.deepEqual(scene.front.counts(), { requests: 0, waiting: 0, upgraded: 0 }));
    assert.equal(scene.exchanges.length, 1);
  });

  for (const [what, leave] of [
    ['ends its side', (socket: Scene['guest']['sockets'][number]) => void socket.end()],
    ['closes', (socket: Scene['guest']['sockets'][number]) => void socket.destroy()],
    ['resets', (socket: Scene['guest']['sockets'][number]) => void socket.resetAndDestroy()],
  ] as const) {
    it(`notices at once a visitor that ${what} while its body is under way`, async () => {
      await start({
        handle: ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
      });
      const visitor = scene.open(`${postOf(200_000)}${'x'.repeat(100_000)}`);
      await soon(() => assert.equal(scene.exchanges[0]?.body.held, 100_000));
      leave(visitor.socket);
      await soon(() => assert.equal(scene.exchanges[0]?.signal.reason, 'visitor-left'));
      await soon(() => assert.equal(scene.budget.used, 0));
    });
  }

  it('closes the connection of who comes alone at once, and those of a crowd once all of it are answered', async () => {
    const clock = new FakeClock();
    await start({ clock, handle: ({ answer }) => answer.whole(PAGE) });
    const last = 'GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n';
    const ends: string[] = [];
    const come = (count: number): readonly Visitor[] =>
      Array.from({ length: count }, () => {
        const visitor = scene.open(last);
        void visitor.ended.then((end) => ends.push(end));
        return visitor;
      });
    come(1);
    await soon(() => assert.deepEqual(ends, ['fin']));
    const crowd = come(50);
    await soon(() => crowd.forEach((visitor) => assert.deepEqual(statusesOf(visitor.text()), [503])));
    // One that leaves meanwhile is closed no sooner.
    crowd.at(-1)?.socket.end();
    await soon(() => assert.equal(ends.length, 16));
    assert.equal(clock.pending, 1);
    await clock.advance(10);
    assert.equal(ends.length, 16);
    for (let turn = 0; turn < 2; turn += 1) await clock.advance(10);
    await soon(() => assert.equal(ends.length, 51));
    assert.deepEqual([...new Set(ends)], ['fin']);
  });

  it('reads at most 256 KiB of a body ahead', async () => {
    await start({
      handle: ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
    });
    const visitor = scene.open(`${postOf(50_000_000)}${'x'.repeat(30_000_000)}`);
    await soon(() => assert.ok((scene.exchanges[0]?.body.held ?? 0) >= 256 * 1024));
    await soon(() => assert.equal(scene.exchanges[0]?.body.paused, true));
    assert.ok((scene.exchanges[0]?.body.held ?? 0) <= 2 * 256 * 1024);
    visitor.socket.destroy();
  });

  it('reads nothing of a body whose visitor waits for a 100', async () => {
    await start({
      handle: ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
    });
    const visitor = scene.open(`POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n`);
    await soon(() => assert.equal(scene.exchanges.length, 1));
    assert.equal(visitor.text(), '');
    visitor.socket.destroy();
    await soon(() => assert.equal(scene.exchanges[0]?.signal.aborted, true));
  });

  it('tells when the beginning of a body is there', async () => {
    const arrivals: string[] = [];
    const handle: SceneOptions['handle'] = async (exchange) => {
      arrivals.push(await awaitBeginning(exchange, { bytes: 4, ms: 10_000 }, systemClock));
      await exchange.answer.whole(PAGE);
    };
    await start({ handle });
    const visitor = scene.open(`${postOf(10)}abc`);
    await soon(() => assert.equal(scene.exchanges[0]?.body.received, 3));
    assert.deepEqual(arrivals, []);
    visitor.socket.write('d');
    await soon(() => assert.deepEqual(arrivals, ['here']));
  });

  it('tells when the beginning of a body is late', async () => {
    const arrivals: string[] = [];
    const handle: SceneOptions['handle'] = async (exchange) => {
      arrivals.push(await awaitBeginning(exchange, { bytes: 64 * 1024, ms: 50 }, systemClock));
      await exchange.answer.whole({ ...PAGE, status: 408 });
    };
    await start({ handle });
    const visitor = scene.open(`${postOf(10)}abc`);
    await soon(() => assert.match(visitor.text(), /^HTTP\/1\.1 408 /));
    visitor.socket.destroy();
    const quick = scene.open(`${postOf(3)}abc`);
    await soon(() => assert.deepEqual(arrivals, ['late', 'here']));
    quick.socket.destroy();
  });

  it('does not wait for a body that it holds back itself, since the bodies of others are too many', async () => {
    const arrivals: string[] = [];
    const handle: SceneOptions['handle'] = async (exchange) => {
      arrivals.push(await awaitBeginning(exchange, { bytes: 1_000, ms: 10_000 }, systemClock));
      await new Promise((resolve) => exchange.signal.addEventListener('abort', resolve));
    };
    await start({ handle, budgetBytes: 1_000 });
    const first = scene.open(`${postOf(5_000)}${'x'.repeat(1_000)}`);
    await soon(() => assert.deepEqual(arrivals, ['here']));
    const second = scene.open(`${postOf(5_000)}${'x'.repeat(1_000)}`);
    await soon(() => assert.deepEqual(arrivals, ['here', 'here']));
    assert.ok(scene.exchanges[1]?.body.paused);
    first.socket.destroy();
    // There is room again, and it is read on.
    await soon(() => assert.equal(scene.exchanges[1]?.body.received, 1_000));
    second.socket.destroy();
  });

  for (const [what, leave] of [
    ['closes', (socket: Visitor['socket']) => socket.destroy()],
    ['ends its side', (socket: Visitor['socket']) => void socket.end()],
  ] as const) {
    it(`has no work for a visitor that ${what} right after the head`, async () => {
      const arrivals: string[] = [];
      const handle: SceneOptions['handle'] = async (exchange) => {
        arrivals.push(await awaitBeginning(exchange, { bytes: 4, ms: 10_000 }, systemClock));
      };
      await start({ handle });
      const visitors = Array.from({ length: 20 }, () => scene.open());
      await Promise.all(visitors.map(({ socket }) => once(socket, 'connect')));
      // As one who has a request in hand and the next end in the same moment; the server is not asked between.
      for (const { socket } of visitors) socket.write(GET, () => leave(socket));
      await soon(() => assert.deepEqual(arrivals, Array<string>(20).fill('left')));
    });
  }

  it('refuses a body that is under way so that the refusal is heard: a FIN, and no reset before it', async () => {
    await start({ handle: ({ answer }) => answer.whole(PAGE) });
    const visitor = scene.open(`${postOf(900_000)}${'x'.repeat(900_000)}`);
    await soon(() => assert.equal(scene.exchanges[0]?.body.received, 900_000));
    assert.equal(await visitor.ended, 'fin');
    assert.match(visitor.text(), /^HTTP\/1\.1 503 [^]*\r\nConnection: close\r\n[^]*\r\n\r\nfull$/);
  });

  it('reads no more than its limit of a refused body, and keeps the connection of who still sends for its time', async () => {
    await start({ handle: ({ answer }) => answer.whole(PAGE), front: { drainBytes: 100_000, drainMs: 500 } });
    const visitor = scene.open(`${postOf(90_000_000)}${'x'.repeat(9_000_000)}`);
    await soon(() => assert.ok((scene.exchanges[0]?.body.received ?? 0) >= 100_000));
    await soon(() => assert.match(visitor.text(), /full$/));
    const [exchange] = scene.exchanges;
    assert.equal(exchange?.body.paused, true);
    assert.equal(exchange.body.state, 'open');
    await new Promise((resolve) => visitor.socket.once('close', resolve));
    assert.ok(exchange.body.received < 2_000_000);
    await soon(() => assert.equal(exchange.body.state, 'broken'));
  });

  it('waits no longer than its limit for a refused body', async () => {
    await start({ handle: ({ answer }) => answer.whole(PAGE), front: { drainMs: 50 } });
    const visitor = scene.open(postOf(10));
    await new Promise((resolve) => visitor.socket.once('close', resolve));
    assert.match(visitor.text(), /^HTTP\/1\.1 503 /);
    // Nothing holds on to it.
    await soon(() => assert.equal(scene.exchanges[0]?.body.state, 'broken'));
  });

  it('keeps a connection after a refusal whose body was whole', async () => {
    const handle: SceneOptions['handle'] = async (exchange) => {
      await awaitBeginning(exchange, { bytes: 3, ms: 10_000 }, systemClock);
      await soon(() => assert.equal(exchange.bodyIsWhole(), true));
      await exchange.answer.whole(PAGE);
    };
    await start({ handle });
    const visitor = scene.open(`${postOf(3)}abc`);
    await soon(() => assert.deepEqual(statusesOf(visitor.text()), [503]));
    visitor.socket.write(GET);
    await soon(() => assert.equal(visitor.text().match(/HTTP\/1\.1 503/g)?.length, 2));
    visitor.socket.destroy();
  });

  for (const [what, bytes] of [
    ['no byte', ''],
    ['half a head', 'GET / HTTP/1.1\r\nHo'],
  ] as const) {
    it(`answers 408 to ${what} within the time for a head`, async () => {
      await start({ front: { headMs: 60, checkMs: 10 } });
      const visitor = scene.open(bytes);
      await visitor.ended;
      assert.match(visitor.text(), /^HTTP\/1\.1 408 [^]*Connection: close/);
    });
  }

  it('does not hurry a body that is slow', async () => {
    await start({ script: answering(OK), front: { headMs: 50, checkMs: 10 } });
    const visitor = scene.open(`${postOf(3)}a`);
    await soon(() => assert.ok(performance.now() - (scene.exchanges[0]?.receivedMs ?? Infinity) > 150));
    visitor.socket.write('bc');
    await soon(() => assert.match(visitor.text(), /^HTTP\/1\.1 200 /));
  });

  it('answers 500 and logs where the handler fails, and cuts what was begun', async () => {
    await start({ handle: () => Promise.reject(new Error('of ours')) });
    const visitor = scene.open(GET);
    await soon(() => assert.match(visitor.text(), /^HTTP\/1\.1 500 /));
    assert.doesNotMatch(visitor.text(), /of ours/);
    assert.deepEqual(scene.lines, ['A request could not be served Error: of ours']);
  });

  it('believes a trusted proxy', async () => {
    await start({ trusted: true });
    const trace = `traceparent: 00-${'1'.repeat(32)}-${'2'.repeat(16)}-00\r\ntracestate: a=b\r\n`;
    const said = `X-Forwarded-For: 9.9.9.9, 8.8.8.8\r\nX-Forwarded-Proto: https\r\n${trace}\r\n`;
    const visitor = scene.open(`GET / HTTP/1.1\r\nHost: a.example\r\n${said}`);
    await soon(() => assert.match(visitor.text(), /^HTTP\/1\.1 200 /));
    const [heard = ''] = scene.guest.heard;
    assert.match(heard, /X-Forwarded-For: 9\.9\.9\.9, 8\.8\.8\.8, 127\.0\.0\.1\r\nX-Forwarded-Proto: https\r\n/);
    assert.match(
      heard,
      new RegExp(`traceparent: 00-${'1'.repeat(32)}-${'ab'.repeat(8)}-00\\r\\ntracestate: a=b\\r\\n`),
    );
    assert.equal(scene.exchanges[0]?.head.scheme, 'https');
  });
});
