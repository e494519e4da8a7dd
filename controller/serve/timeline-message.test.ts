import assert from 'node:assert/strict';

import fc from 'fast-check';

import { microTime } from '#controller/lifecycle/time.ts';
import { readTimeline, timelineMessage } from './timeline-message.ts';

const UID = '0b9d1f6e-8f6f-4f4e-9f0a-2f4b7c9d1e3a';
const READY = '2026-01-02T03:04:05.678901Z';
const LATER = '2026-01-02T03:04:05.70Z';

describe('a message of when a request was answered', () => {
  it('has a UID and two times, to the microsecond', () => {
    const reading = readTimeline(JSON.stringify({ uid: UID, ready: READY, responded: LATER }));
    assert.ok(reading.ok);
    const { uid, ready = 0, responded = 0 } = reading.times;
    assert.deepEqual([uid, microTime(ready), microTime(responded)], [UID, READY, '2026-01-02T03:04:05.700000Z']);
  });

  it('may have one of the times', () => {
    for (const fields of [{ ready: READY }, { responded: READY }]) {
      assert.ok(readTimeline(JSON.stringify({ uid: UID, ...fields })).ok);
    }
  });

  it('is read as it was written', () => {
    const moment = fc.double({ min: Date.UTC(2000), max: Date.UTC(2100), noNaN: true });
    fc.assert(
      fc.property(moment, fc.double({ min: 0, max: 60_000, noNaN: true }), (ready, took) => {
        const times = { uid: UID, ready, responded: ready + took };
        const reading = readTimeline(timelineMessage(times, microTime));
        assert.ok(reading.ok);
        assert.equal(microTime(reading.times.ready ?? 0), microTime(ready));
        assert.equal(microTime(reading.times.responded ?? 0), microTime(ready + took));
      }),
    );
  });

  const bad: readonly (readonly [string, string, RegExp])[] = [
    ['nothing', '', /JSON object/],
    ['no JSON', '{"uid"', /JSON object/],
    ['a list', '[]', /JSON object/],
    ['null', 'null', /JSON object/],
    ['no UID', JSON.stringify({ ready: READY }), /uid/],
    ['a UID that is a number', JSON.stringify({ uid: 7, ready: READY }), /uid/],
    ['a UID that is long', JSON.stringify({ uid: 'a'.repeat(65), ready: READY }), /uid/],
    ['no time', JSON.stringify({ uid: UID }), /is missing/],
    ['a time that is a number', JSON.stringify({ uid: UID, ready: 1 }), /RFC 3339/],
    ['a time of another zone', JSON.stringify({ uid: UID, ready: '2026-01-02T03:04:05+01:00' }), /RFC 3339/],
    ['nanoseconds', JSON.stringify({ uid: UID, ready: '2026-01-02T03:04:05.123456789Z' }), /RFC 3339/],
    ['a month that there is not', JSON.stringify({ uid: UID, ready: '2026-13-02T03:04:05Z' }), /RFC 3339/],
    ['times the wrong way round', JSON.stringify({ uid: UID, ready: LATER, responded: READY }), /before ready/],
    ['a field that nobody knows', JSON.stringify({ uid: UID, ready: READY, phase: 'Failed' }), /only uid/],
  ];
  for (const [what, body, why] of bad) {
    it(`is refused with ${what}`, () => {
      const reading = readTimeline(body);
      assert.ok(!reading.ok);
      assert.match(reading.why, why);
    });
  }
});
