import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';

import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#controller/kube/testing/fake-clock.ts';
import { awaitBeginning, BEGINNING } from './exchange.ts';
import type { Exchange } from './exchange.ts';
import { Cancels } from './front/cancels.ts';
import { RateMeter } from './leg/rate.ts';
import { failurePage, prefersJson } from './pages.ts';
import type { Failure } from './pages.ts';
import { Budget, ReadAhead } from './read-ahead.ts';
import { serverTiming } from './server-timing.ts';

describe('a page of a failure', () => {
  const failure: Failure = {
    status: 503,
    phase: 'admission',
    reason: 'Full',
    why: 'Too <many> at once.',
    domain: { namespace: 'demo', name: 'hello-1' },
    retryAfterSeconds: 7,
  };

  it('says which phase failed and why, escaped, and when to come again', () => {
    const { body, headers } = failurePage(failure, 'text/html,*/*');
    assert.match(body, /Over capacity/);
    assert.match(body, /waiting for a free place/);
    assert.match(body, /Too &#60;many&#62; at once/);
    assert.match(body, /demo\/hello-1/);
    assert.equal(headers[headers.indexOf('Retry-After') + 1], '7');
    assert.doesNotMatch(body, /src=|href=|url\(|<script/);
    assert.match(body, /prefers-color-scheme:dark/);
  });

  it('is JSON where that is asked for', () => {
    const { body, headers } = failurePage(failure, 'application/json');
    assert.partialDeepStrictEqual(JSON.parse(body), { status: 503, reason: 'Full', phase: 'admission' });
    assert.ok(headers.includes('application/json'));
  });

  for (const [accept, json] of [
    [undefined, false],
    ['*/*', false],
    ['application/json', true],
    ['text/html,application/json;q=0.9', false],
    ['text/html;q=0.5, application/problem+json', true],
    ['application/json;q=0', false],
  ] as const) {
    it(`Accept: ${accept ?? 'none'} is ${json ? 'JSON' : 'HTML'}`, () => assert.equal(prefersJson(accept), json));
  }
});

describe('Server-Timing', () => {
  it('has each span in order, and none that has no duration', () => {
    const spans = [
      { name: 'admission', ms: 0.126 },
      { name: 'boot', ms: NaN },
      { name: 'guest', ms: 12, description: 'a "b"\r\n' },
    ];
    assert.equal(serverTiming(spans), 'admission;dur=0.13, guest;dur=12;desc="a  b   "');
    assert.equal(serverTiming([]), undefined);
  });
});

describe('a rate', () => {
  const rig = () => {
    const clock = new FakeClock();
    const state = { bytes: 0, slow: 0 };
    const onSlow = () => {
      state.slow++;
    };
    const meter = new RateMeter({
      minBytesPerSecond: 240,
      windowMs: 5_000,
      clock,
      progress: () => state.bytes,
      onSlow,
    });
    return { clock, state, meter };
  };

  it('is too low after five seconds of waiting for less than 1,200 bytes', async () => {
    const { clock, state, meter } = rig();
    meter.begin();
    state.bytes = 1_199;
    await clock.advance(5_000);
    assert.equal(state.slow, 1);
  });

  it('is well with 1,200, and looked at anew then', async () => {
    const { clock, state, meter } = rig();
    meter.begin();
    state.bytes = 1_200;
    await clock.advance(5_000);
    assert.equal(state.slow, 0);
    await clock.advance(5_000);
    assert.equal(state.slow, 1);
  });

  it('counts no time in which nobody waits', async () => {
    const { clock, state, meter } = rig();
    meter.begin();
    await clock.advance(4_000);
    meter.end();
    await clock.advance(60_000);
    assert.equal(state.slow, 0);
    meter.begin();
    await clock.advance(999);
    assert.equal(state.slow, 0);
    await clock.advance(1);
    assert.equal(state.slow, 1);
  });
});

describe('cancelled streams', () => {
  it('are too many where more than 20 fall into ten seconds', () => {
    const cancels = new Cancels(20, 10_000);
    for (let i = 0; i < 20; i++) assert.equal(cancels.add(i), false);
    assert.equal(cancels.add(10_019), false);
    for (let i = 0; i < 19; i++) cancels.add(10_020);
    assert.equal(cancels.add(10_020), true);
  });
});

describe('the beginning of a body', () => {
  for (const [what, framing, expectsContinue] of [
    ['where there is none', { kind: 'none' }, false],
    ['of no told length', { kind: 'open' }, false],
    ['that its visitor waits to send', { kind: 'length', bytes: 10 }, true],
  ] as const) {
    it(`is not waited for ${what}`, async () => {
      const clock = new FakeClock();
      const body = new ReadAhead(new PassThrough(), 100, new Budget(10));
      const head = { framing, expectsContinue } as Exchange['head'];
      assert.equal(await awaitBeginning({ head, body, left: undefined }, BEGINNING, clock), 'here');
      assert.equal(clock.pending, 0);
      assert.equal(await awaitBeginning({ head, body, left: 'visitor-left' }, BEGINNING, clock), 'left');
    });
  }
});

describe('reading ahead', () => {
  it('stops where the budget of all is spent, goes on when there is room, and starves nobody who waits', async () => {
    const budget = new Budget(10);
    const [one, other] = [new PassThrough(), new PassThrough()];
    const [first, second] = [new ReadAhead(one, 100, budget), new ReadAhead(other, 100, budget)];
    first.start();
    one.write(Buffer.alloc(10));
    await eventually(() => assert.equal(first.held, 10));
    second.start();
    other.write('abc');
    assert.equal(second.paused, true);
    assert.equal(String(await second.next()), 'abc');
    assert.equal(second.paused, true);
    await first.next();
    assert.equal(second.paused, false);
    assert.equal(budget.used, 0);
  });

  it('wakes nobody where something is given back that nobody waited for', () => {
    const budget = new Budget(10);
    let woken = 0;
    budget.onRoom(() => (woken += 1));
    budget.take(9);
    budget.give(9);
    budget.take(20);
    budget.give(5);
    assert.equal(woken, 0);
    budget.give(10);
    assert.equal(woken, 1);
  });

  it('knows what became of a source before it was opened', async () => {
    const [ended, broken] = [new PassThrough(), new PassThrough()];
    ended.resume().end();
    broken.destroy();
    await eventually(() => assert.ok(ended.readableEnded && broken.closed));
    for (const { source, state } of [
      { source: ended, state: 'ended' },
      { source: broken, state: 'broken' },
    ]) {
      const ahead = new ReadAhead(source, 100, new Budget(10));
      assert.equal(ahead.state, state);
      assert.equal(await ahead.next(), undefined);
    }
  });

  it('gives all back that a broken source left', async () => {
    const budget = new Budget(10);
    const source = new PassThrough();
    const ahead = new ReadAhead(source, 100, budget);
    ahead.start();
    source.write('abc');
    await eventually(() => assert.equal(budget.used, 3));
    source.destroy();
    await eventually(() => assert.equal(budget.used, 0));
    assert.equal(await ahead.next(), undefined);
    assert.equal(ahead.state, 'broken');
  });
});
