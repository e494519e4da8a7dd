import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';

import { silentLogger, systemClock } from '#controller/kube/index.ts';
import { FakeClock } from '#controller/kube/testing/fake-clock.ts';
import { startNotifyServer } from '#controller/notify/index.ts';
import type { Receiver } from '#controller/notify/index.ts';
import { AdmissionQueue } from '../admission/index.ts';
import type { Exchange } from '../proxy/index.ts';
import { startScene, visit } from '../proxy/testing/scene.ts';
import type { Scene } from '../proxy/testing/scene.ts';
import { createStandIn } from '../spawn/index.ts';
import { spawnRequest } from '../spawn/testing/request.ts';
import { createWarmUp, FULL, ownRoutes, ROOMY } from './index.ts';
import type { WarmUpParts } from './warm-up.ts';

const HOSTS = { full: 'full.invalid', roomy: 'roomy.invalid' };
const NEVER = new AbortController().signal;
/** Nobody listens there. */
const NOWHERE: AddressInfo = { address: '127.0.0.1', port: 1, family: 'IPv4' };

describe('the warm-up of an ingress', () => {
  let scene: Scene | undefined;
  afterEach(() => scene?.close());

  const setUp = async (parts: Partial<WarmUpParts> = {}) => {
    const asked = { full: 0, roomy: 0, elsewhere: 0 };
    const lines: string[] = [];
    const write = (message: string) => lines.push(message);
    const logger = { debug: write, info: write, warn: write, error: write };
    const answer = (where: keyof typeof asked, status: number) => (exchange: Exchange) => {
      asked[where] += 1;
      return exchange.answer.whole({ status, headers: [], body: '' });
    };
    const warmUp = createWarmUp({
      ...{ visitors: 40, hosts: HOSTS, notify: NOWHERE, clock: systemClock, logger },
      standIn: { open: () => undefined, close: () => undefined },
      ...{ refuse: answer('full', 503), hatch: answer('roomy', 200), serve: answer('elsewhere', 200) },
      ...parts,
    });
    scene = await startScene({ handle: warmUp.handle });
    return { warmUp, asked, lines, front: scene.front.http };
  };

  /** The first line of the answer to a visitor who asks for that host. */
  const ask = async (port: number, host: string): Promise<string | undefined> => {
    const visitor = visit(port, `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    await visitor.ended;
    return visitor.text().split('\r\n')[0];
  };

  it('has as many visitors as it is told come over the front, who ask for all that it has, and is then over', async () => {
    const { warmUp, asked, lines, front } = await setUp();
    await warmUp.run(front, NEVER);
    // Of ten visitors one is hatched for, and two of those who are refused ask twice.
    assert.deepEqual(asked, { full: 44, roomy: 4, elsewhere: 0 });
    assert.deepEqual(lines, ['The ingress is warm']);
    await warmUp.run(front, NEVER);
    assert.deepEqual(asked, { full: 44, roomy: 4, elsewhere: 0 }, 'its Lease was lost, and is held again');
  });

  it('serves visitors meanwhile, and those who ask for its own hosts before and after', async () => {
    const { warmUp, asked, front } = await setUp({ visitors: 200 });
    assert.equal(await ask(front.port, HOSTS.full), 'HTTP/1.1 200 OK');
    const running = warmUp.run(front, NEVER);
    assert.ok(warmUp.isUnderway());
    assert.equal(await ask(front.port, 'page.test'), 'HTTP/1.1 200 OK');
    await running;
    assert.ok(!warmUp.isUnderway());
    assert.equal(await ask(front.port, HOSTS.roomy), 'HTTP/1.1 200 OK');
    assert.deepEqual(asked, { full: 220, roomy: 20, elsewhere: 3 });
  });

  it('has nobody come where it is told 0', async () => {
    const { warmUp, asked, lines, front } = await setUp({ visitors: 0 });
    await warmUp.run(front, NEVER);
    assert.deepEqual({ ...asked, lines }, { full: 0, roomy: 0, elsewhere: 0, lines: [] });
  });

  it('ends when the ingress is told to end, whatever is not answered', async () => {
    const stop = new AbortController();
    const { warmUp, lines, front } = await setUp({
      refuse: async () => {
        stop.abort();
        await new Promise(() => undefined);
      },
    });
    await warmUp.run(front, stop.signal);
    assert.deepEqual(lines, []);
  });

  it('takes 15 s at most', async () => {
    const clock = new FakeClock();
    const { warmUp, lines, front } = await setUp({
      clock,
      refuse: async () => {
        await clock.advance(15_000);
        await new Promise(() => undefined);
      },
    });
    await warmUp.run(front, NEVER);
    assert.deepEqual(lines, ['The ingress could not warm up, and serves all the same']);
  });

  it('says that nobody could come, where its own address does not answer', async () => {
    const { warmUp, lines, front } = await setUp();
    await scene?.close();
    scene = undefined;
    await warmUp.run(front, NEVER);
    assert.deepEqual(lines, ['The ingress could not warm up, and serves all the same']);
  });

  it('has guests of its own say that they are ready, and serve who asks for the host where each has a place', async () => {
    const standIn = createStandIn({
      clock: systemClock,
      logger: silentLogger,
      randomHex: (bytes) => randomBytes(bytes).toString('hex'),
    });
    const heard: string[] = [];
    const receiver: Receiver = {
      admit: (claim) => {
        const of = standIn.receiverOf(claim.token);
        heard.push(of === undefined ? 'a stranger' : claim.name);
        return of?.admit(claim) ?? Promise.resolve({ kind: 'unknown' });
      },
    };
    const notify = await startNotifyServer({
      address: { host: '127.0.0.1', port: 0 },
      logger: silentLogger,
      now: () => 0,
    });
    const detach = notify.attach(receiver);
    const bodies: (string | undefined)[] = [];
    const { warmUp, front } = await setUp({
      ...{ standIn, notify: notify.address },
      hatch: async ({ answer, signal }) => {
        const { reachable } = standIn.start(spawnRequest({}, { signal }));
        const reaching = await reachable;
        assert.ok(reaching.kind === 'reachable');
        const { address, port } = reaching.guest;
        const page = await fetch(`http://${address}:${port}/`);
        bodies.push((await page.text()).slice(0, 3));
        await answer.whole({ status: 200, headers: [], body: '' });
      },
    });
    await warmUp.run(front, NEVER);
    assert.deepEqual(bodies, ['...', '...', '...', '...']);
    assert.ok(heard.length > 0, 'some say so before they are taken to be ready');
    assert.deepEqual([...new Set(heard)], ['edom-127-0-0-1']);
    detach();
    await notify.close();
  });

  it('asks for a place where there is none for anybody, and where there is one for each', () => {
    const total = { maxConcurrent: 1, maxQueued: 1, queueTimeoutMs: 1 };
    const rows = [
      [FULL, 'QueueFull'],
      [ROOMY, undefined],
    ] as const;
    for (const [http, reason] of rows) {
      const { table } = ownRoutes('own.invalid', http).current();
      const match = table.match({ host: 'own.invalid', path: '/', tls: false });
      assert.ok(match.kind === 'backend');
      const { namespace, template, limits } = match.backend;
      const queue = new AdmissionQueue({ clock: systemClock, random: Math.random, total });
      assert.equal(queue.refusal({ namespace, template, client: 'x', limits })?.reason, reason);
      assert.deepEqual(table.match({ host: 'own.invalid', path: '/not/there', tls: false }), { kind: 'none' });
      assert.deepEqual(table.match({ host: 'page.test', path: '/', tls: false }), { kind: 'none' });
    }
  });
});
