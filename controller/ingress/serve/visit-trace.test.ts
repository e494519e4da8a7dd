import assert from 'node:assert/strict';

import type { SpanRecord } from '#controller/observe/index.ts';
import { RECEIVED, spawnedOf, visitOf } from './testing/visits.ts';
import { traceVisit } from './visit-trace.ts';
import type { Visit } from './visit.ts';

const WALL = 5_000_000;
const MARKS = { begun: 1_010, created: 1_020, bound: 1_030, ready: 1_140, reachable: 1_150 };
const SERVED: Partial<Visit> = {
  ...{ askedAt: 1_002, admittedAt: 1_010, spawned: spawnedOf(MARKS), tries: 1, status: 200 },
  marks: new Map([
    ['sent', 1_160],
    ['head', 1_200],
  ]),
};

const traced = (visit: Visit, isTold = true): readonly SpanRecord[] => {
  const spans: SpanRecord[] = [];
  const record = (span: SpanRecord) => {
    spans.push(span);
    return isTold ? { traceId: 't', spanId: 's', sampled: true } : undefined;
  };
  traceVisit({ record }, visit, RECEIVED + 250, WALL);
  return spans;
};

describe('the spans of a request', () => {
  it('are the whole, by the ids that its guest knows, and one part after the other below it', () => {
    const [whole, ...parts] = traced(visitOf(SERVED));
    assert.partialDeepStrictEqual(whole, {
      ...{ name: 'GET', kind: 'server', start: WALL - 250, end: WALL },
      own: { traceId: 'f'.repeat(32), spanId: 'a'.repeat(16) },
    });
    assert.equal(whole?.failure, undefined);
    assert.deepEqual(
      parts.map(({ name, start, end }) => [name, start - WALL, end - WALL]),
      [
        ['admission', -250, -240],
        ['api', -240, -230],
        ['spawn', -230, -110],
        ['ready', -110, -100],
        ['connect', -100, -90],
        ['guest', -90, -50],
      ],
    );
    assert.ok(parts.every(({ parent }) => parent?.spanId === 's'));
  });

  it('are an error where the answer is one of 500 or more', () => {
    const failure = { phase: 'guest', reason: 'GuestEnded' } as const;
    assert.equal(traced(visitOf({ ...SERVED, status: 502, failure }))[0]?.failure, 'GuestEnded');
    assert.equal(traced(visitOf({ ...SERVED, status: 404 }))[0]?.failure, undefined);
  });

  it('are not even made where nobody is told', () => {
    assert.equal(traced(visitOf(SERVED), false).length, 1);
  });
});
