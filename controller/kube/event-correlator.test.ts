import assert from 'node:assert/strict';
import { EventCorrelator, Lru } from './event-correlator.ts';
import type { EventRecord, Occurrence } from './event-correlator.ts';
import { FakeClock } from './testing/fake-clock.ts';

const ABOUT = { apiVersion: 'v1', kind: 'Thing', namespace: 'default', name: 'a', uid: 'u' };

function bench() {
  const clock = new FakeClock();
  const correlator = new EventCorrelator(clock);
  const see = (message: string, more: Partial<Occurrence> = {}): EventRecord | undefined => {
    const correlation = correlator.correlate({ about: ABOUT, type: 'Normal', reason: 'R', message, ...more });
    return correlation.kind === 'send' ? correlation.record : undefined;
  };
  return { clock, see };
}

describe("events: client-go's aggregation", () => {
  it('counts up the same event under one name', async () => {
    const { clock, see } = bench();
    const first = see('m');
    await clock.advance(5000);
    const second = see('m');
    assert.deepEqual([first?.count, second?.count, second?.name], [1, 2, first?.name]);
    assert.equal((second?.last.getTime() ?? 0) - (second?.first.getTime() ?? 0), 5000);
  });

  it('keeps apart what differs in object, type, reason or message', () => {
    const { see } = bench();
    const names = [
      see('m'),
      see('n'),
      see('m', { type: 'Warning' }),
      see('m', { reason: 'S' }),
      see('m', { about: { ...ABOUT, uid: 'v' } }),
    ].map((record) => record?.name);
    assert.equal(new Set(names).size, 5);
  });

  it('combines from the tenth different message on', () => {
    const { see } = bench();
    const records = Array.from({ length: 12 }, (_, i) => see(`message ${i}`));
    assert.equal(records[8]?.occurrence.message, 'message 8');
    assert.deepEqual(
      records.slice(9).map((record) => [record?.occurrence.message, record?.count]),
      [9, 10, 11].map((i) => [`(combined from similar events): message ${i}`, i - 8]),
    );
    assert.equal(records[9]?.name, records[11]?.name);
  });

  it('starts anew after ten minutes without one like it', async () => {
    const { clock, see } = bench();
    for (let i = 0; i < 12; i++) see(`message ${i}`);
    await clock.advance(600_001);
    assert.equal(see('message x')?.occurrence.message, 'message x');
  });

  it('lets an object have 25 events at once, then one in five minutes', async () => {
    const { clock, see } = bench();
    const sent = Array.from({ length: 30 }, () => see('m')).filter((record) => record !== undefined);
    assert.equal(sent.length, 25);
    assert.ok(see('m', { about: { ...ABOUT, uid: 'other' } }) !== undefined);
    await clock.advance(299_000);
    assert.equal(see('m'), undefined);
    await clock.advance(1_000);
    assert.equal(see('m')?.count, 32);
  });

  it('makes names the server takes, of the longest object names too', () => {
    const { see } = bench();
    const name = see('m', { about: { ...ABOUT, name: `${'a'.repeat(235)}.${'b'.repeat(17)}` } })?.name ?? '';
    assert.ok(name.length <= 253);
    assert.match(name, /^a{235}\.[0-9a-f]{16}$/);
  });
});

describe('LRU map', () => {
  it('forgets what was not used for longest', () => {
    const lru = new Lru<string, number>(2);
    lru.set('a', 1);
    lru.set('b', 2);
    lru.get('a');
    lru.set('c', 3);
    assert.deepEqual([lru.get('a'), lru.get('b'), lru.get('c')], [1, undefined, 3]);
  });
});
