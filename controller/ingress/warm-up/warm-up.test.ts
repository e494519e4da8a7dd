import assert from 'node:assert/strict';

import { systemClock } from '#controller/kube/index.ts';
import { FakeClock } from '#controller/kube/testing/fake-clock.ts';
import { AdmissionQueue } from '../admission/index.ts';
import type { Exchange } from '../proxy/index.ts';
import { startScene, visit } from '../proxy/testing/scene.ts';
import type { Scene } from '../proxy/testing/scene.ts';
import { createWarmUp, fullRoutes } from './index.ts';
import type { WarmUpParts } from './warm-up.ts';

const HOST = 'own.invalid';
const NEVER = new AbortController().signal;

describe('the warm-up of an ingress', () => {
  let scene: Scene | undefined;
  afterEach(() => scene?.close());

  const setUp = async (parts: Partial<WarmUpParts> = {}) => {
    const asked = { own: 0, others: 0 };
    const lines: string[] = [];
    const write = (message: string) => lines.push(message);
    const answer = async ({ answer: to }: Exchange, status: number) => to.whole({ status, headers: [], body: '' });
    const warmUp = createWarmUp({
      ...{ visitors: 40, host: HOST, clock: systemClock },
      refuse: (exchange) => {
        asked.own += 1;
        return answer(exchange, 503);
      },
      serve: (exchange) => {
        asked.others += 1;
        return answer(exchange, 200);
      },
      logger: { debug: write, info: write, warn: write, error: write },
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

  it('refuses as many requests of its own as it is told, over the front, and is then over', async () => {
    const { warmUp, asked, lines, front } = await setUp();
    await warmUp.run(front, NEVER);
    assert.deepEqual(asked, { own: 40, others: 0 });
    assert.deepEqual(lines, ['The ingress is warm']);
    await warmUp.run(front, NEVER);
    assert.deepEqual(asked, { own: 40, others: 0 }, 'when its Lease was lost, and is held again, it is warm');
  });

  it('serves visitors meanwhile, and those who ask for its own host before and after', async () => {
    const { warmUp, asked, front } = await setUp({ visitors: 200 });
    assert.equal(await ask(front.port, HOST), 'HTTP/1.1 200 OK');
    const running = warmUp.run(front, NEVER);
    assert.ok(warmUp.isUnderway());
    assert.equal(await ask(front.port, 'page.test'), 'HTTP/1.1 200 OK');
    await running;
    assert.ok(!warmUp.isUnderway());
    assert.equal(await ask(front.port, HOST), 'HTTP/1.1 200 OK');
    assert.deepEqual(asked, { own: 200, others: 3 });
  });

  it('has nobody come where it is told 0', async () => {
    const { warmUp, asked, lines, front } = await setUp({ visitors: 0 });
    await warmUp.run(front, NEVER);
    assert.deepEqual({ ...asked, lines }, { own: 0, others: 0, lines: [] });
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

  it('asks for what has no place for anybody', () => {
    const { table } = fullRoutes(HOST).current();
    const match = table.match({ host: HOST, path: '/', tls: false });
    assert.ok(match.kind === 'backend');
    const { namespace, template, limits } = match.backend;
    const total = { maxConcurrent: 1, maxQueued: 1, queueTimeoutMs: 1 };
    const queue = new AdmissionQueue({ clock: systemClock, random: Math.random, total });
    assert.equal(queue.refusal({ namespace, template, client: 'x', limits })?.reason, 'QueueFull');
    assert.deepEqual(table.match({ host: 'page.test', path: '/', tls: false }), { kind: 'none' });
  });
});
