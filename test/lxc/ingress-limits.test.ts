import assert from 'node:assert/strict';

import { STARTUP_TIMEOUT_MS, TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createIngressScene } from './ingress-scene.ts';
import type { Answer, IngressScene } from './ingress-scene.ts';

const JSON_PLEASE = { Accept: 'application/json' };
/** One domain, and nobody waits. */
const ALONE = { maxConcurrent: 1, maxQueued: 0 };

interface Visitor {
  readonly answer: Promise<Answer | 'left'>;
  leave(): void;
}

/** The real program, with a real host and real guests: who is served, who waits, who leaves, and the program's own end. */
describe('hatchery ingress that has not enough, or whose visitors leave', function () {
  this.timeout(TEST_TIMEOUT_MS);
  let scene: IngressScene;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    scene = await createIngressScene();
  });
  after(() => scene.dispose());

  const visit = (name: string): Visitor => {
    const leaving = new AbortController();
    const answer = scene.ask(name, { signal: leaving.signal, headers: JSON_PLEASE }).catch((error: unknown) => {
      if (!leaving.signal.aborted) throw error;
      return 'left' as const;
    });
    return { answer, leave: () => leaving.abort() };
  };

  const metric = async (name: string): Promise<number> => {
    const text = await (await fetch(scene.ingress.metricsUrl, { signal: AbortSignal.timeout(5_000) })).text();
    return Number(new RegExp(`^hatchery_ingress_${name} (.*)$`, 'm').exec(text)?.[1]);
  };

  const one = async (name: string) => {
    const [domain, ...others] = await scene.domains(name);
    assert.ok(domain !== undefined && others.length === 0);
    return domain;
  };

  /** The line about the one request that this template's visitor did not wait for. */
  const leftLine = (name: string) =>
    eventually(() => {
      const line = scene.ingress
        .requests()
        .find(({ host, reason }) => host === `${name}.test` && reason === 'visitor-left');
      assert.ok(line !== undefined);
      return line;
    });

  it('is full: 503 with Retry-After at once, and serves again once the domain is gone', async () => {
    await scene.serve('full', { words: '-mode http -delay_ms 1500', http: ALONE });
    const first = visit('full');
    await eventually(async () => assert.equal(await metric('slots_held'), 1));
    const refused = await scene.ask('full', { headers: JSON_PLEASE });
    assert.equal(refused.status, 503);
    assert.ok(refused.headMs < 500, `${refused.headMs} ms`);
    assert.partialDeepStrictEqual(JSON.parse(refused.body), { reason: 'QueueFull', phase: 'admission' });
    assert.match(String(refused.headers['retry-after']), /^[1-9]\d?$/);
    const unsent = { 'Content-Length': '100000' };
    const early = await scene.ask('full', { method: 'POST', headers: unsent, body: 'of which this much came' });
    assert.equal(early.status, 503);
    assert.ok(early.headMs < 500, `${early.headMs} ms`);
    const page = await scene.ask('full', { headers: { Accept: 'text/html' } });
    assert.match(page.body, /Over capacity/);
    const answer = await first.answer;
    assert.ok(answer !== 'left' && answer.status === 200);
    await eventually(async () => assert.equal((await scene.ask('full')).status, 200));
    await scene.untilNothingIsLeft('full');
    assert.equal(await metric('slots_held'), 0);
  });

  it('lets who waits have the next slot', async () => {
    await scene.serve('line', {
      words: '-mode http -delay_ms 300',
      http: { maxConcurrent: 1, queueTimeoutSeconds: 30 },
    });
    const answers = await Promise.all(['a', 'b', 'c'].map(() => scene.ask('line')));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200],
    );
    await scene.untilNothingIsLeft('line');
  });

  it('forgets a visitor who leaves while it waits: no domain is made for it', async () => {
    await scene.serve('waits', { words: '-mode http -delay_ms 1000', http: { maxConcurrent: 1 } });
    const first = visit('waits');
    await eventually(async () => assert.equal(await metric('slots_held'), 1));
    const second = visit('waits');
    await eventually(async () => assert.equal(await metric('requests_waiting'), 1));
    second.leave();
    await eventually(async () => assert.equal(await metric('requests_waiting'), 0));
    assert.partialDeepStrictEqual(await leftLine('waits'), { status: 499, phase: 'admission' });
    assert.notEqual(await first.answer, 'left');
    await scene.untilNothingIsLeft('waits');
    await one('waits');
  });

  for (const { phase, name, words, until } of [
    {
      phase: 'while its domain is made',
      name: 'creating',
      words: '-mode http -delay_ms 60000',
      until: async () => assert.equal(await metric('slots_held'), 1),
    },
    {
      phase: 'while its guest comes up',
      name: 'booting',
      words: '-mode deaf',
      until: async () => assert.equal((await one('booting')).status?.phase, 'Running'),
    },
    {
      phase: 'while its guest works',
      name: 'working',
      words: '-mode http -delay_ms 60000',
      until: async () => assert.equal((await one('working')).status?.phase, 'Running'),
    },
  ]) {
    it(`a visitor leaves ${phase}: its domain is deleted, and its slot is free`, async () => {
      await scene.serve(name, { words, http: ALONE });
      const visitor = visit(name);
      await eventually(until, { intervalMs: 5 });
      visitor.leave();
      assert.equal(await visitor.answer, 'left');
      assert.equal((await leftLine(name))['status'], 499);
      await eventually(async () => assert.deepEqual(await scene.domains(name), []));
      await eventually(async () => assert.equal(await metric('slots_held'), 0));
      await scene.untilNothingIsLeft(name);
    });
  }

  it('deletes a domain that stays after its answer, once lingerSeconds are over', async () => {
    await scene.serve('stays', { words: '-mode stay', http: { ...ALONE, lingerSeconds: 1 } });
    assert.equal((await scene.ask('stays')).status, 200);
    assert.equal(await metric('slots_held'), 1);
    await eventually(async () => assert.deepEqual(await scene.domains('stays'), []));
    await eventually(async () => assert.equal(await metric('slots_held'), 0));
    await scene.untilNothingIsLeft('stays');
  });

  it('is told to end: answers what is under way, leaves nothing, and ends with 0', async () => {
    // That a request's domain runs is written half a second after its start, or later: it works for much longer than that.
    await scene.serve('last', { words: '-mode http -delay_ms 5000' });
    await scene.serve('lingers', { words: '-mode stay', http: { lingerSeconds: 60 } });
    assert.equal((await scene.ask('lingers')).status, 200);
    const last = visit('last');
    await eventually(async () => assert.equal((await one('last')).status?.phase, 'Running'), { intervalMs: 10 });
    scene.ingress.kill('SIGTERM');
    const answer = await last.answer;
    assert.ok(answer !== 'left' && answer.status === 200);
    const { code, signal, stderr } = await scene.ingress.ended;
    assert.deepEqual([code, signal], [0, null], stderr);
    await scene.untilNothingIsLeft('last');
    await scene.untilNothingIsLeft('lingers');
    await assert.rejects(scene.ask('last'), { code: 'ECONNREFUSED' });
  });
});
