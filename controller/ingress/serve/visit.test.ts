import assert from 'node:assert/strict';

import { RECEIVED, spawnedOf, visitOf } from './testing/visits.ts';
import { noteLeaving, phaseOf, spansOf } from './visit.ts';
import type { Visit } from './visit.ts';

const NOW = 1_500;
const BEGUN = { begun: 1_010 };
const CREATED = { ...BEGUN, created: 1_020 };
const BOUND = { ...CREATED, bound: 1_030 };
const REACHED = { ...BOUND, ready: 1_140, reachable: 1_150 };
const ADMITTED = { askedAt: 1_002, admittedAt: 1_005, tries: 1 };
const SENT = new Map([['sent', 1_160]] as const);
const ANSWERED = new Map([...SENT, ['head', 1_200]] as const);

interface Case {
  readonly what: string;
  readonly visit: Partial<Omit<Visit, 'exchange'>>;
  readonly phase: ReturnType<typeof phaseOf>;
  /** In their order; the last one is under way. */
  readonly spans: readonly string[];
}

const CASES: readonly Case[] = [
  { what: 'that still sends its beginning', visit: {}, phase: 'request', spans: ['admission'] },
  {
    what: 'that waits for a slot',
    visit: { askedAt: 1_002 },
    ...{ phase: 'admission', spans: ['admission'] },
  },
  { what: 'with a slot', visit: ADMITTED, ...{ phase: 'create', spans: ['admission'] } },
  {
    what: 'whose POST is under way',
    visit: { ...ADMITTED, spawned: spawnedOf(BEGUN) },
    ...{ phase: 'create', spans: ['admission', 'api'] },
  },
  {
    what: 'whose domain waits for a host',
    visit: { ...ADMITTED, spawned: spawnedOf(CREATED) },
    ...{ phase: 'schedule', spans: ['admission', 'api', 'spawn'] },
  },
  {
    what: 'whose domain comes up',
    visit: { ...ADMITTED, spawned: spawnedOf(BOUND) },
    ...{ phase: 'boot', spans: ['admission', 'api', 'spawn'] },
  },
  {
    what: 'whose guest is connected to',
    visit: { ...ADMITTED, spawned: spawnedOf(REACHED) },
    ...{ phase: 'connect', spans: ['admission', 'api', 'spawn', 'ready', 'connect'] },
  },
  {
    what: 'whose guest works',
    visit: { ...ADMITTED, spawned: spawnedOf(REACHED), marks: SENT },
    ...{ phase: 'guest', spans: ['admission', 'api', 'spawn', 'ready', 'connect', 'guest'] },
  },
];

const sumOf = (visit: Visit, now: number): number => spansOf(visit, now).reduce((sum, { ms }) => sum + ms, 0);

describe('a request', () => {
  for (const { what, visit, phase, spans } of CASES) {
    it(`${what} is in phase ${phase}, and takes ${spans.join(', ')}`, () => {
      assert.equal(phaseOf(visitOf(visit)), phase);
      assert.deepEqual(
        spansOf(visitOf(visit), NOW).map(({ name }) => name),
        spans,
      );
    });
  }

  for (const { what, visit } of CASES) {
    it(`${what} has taken spans whose sum is the whole`, () => {
      assert.equal(sumOf(visitOf(visit), NOW), NOW - RECEIVED);
    });
  }

  it('with an answer has taken spans whose sum is the time until its head, whenever one looks', () => {
    const visit = visitOf({ ...ADMITTED, spawned: spawnedOf(REACHED), marks: ANSWERED, status: 200 });
    for (const now of [1_200, NOW]) assert.equal(sumOf(visit, now), 1_200 - RECEIVED);
    assert.equal(phaseOf(visit), 'answer');
  });

  it('that was tried twice tells what the first try took', () => {
    const again = { begun: 1_310, created: 1_320, bound: 1_330, ready: 1_440, reachable: 1_450 };
    const marks = new Map([['sent', 1_460]] as const);
    const visit = visitOf({ ...ADMITTED, tries: 2, spawned: spawnedOf(again), marks });
    const retry = spansOf(visit, NOW).find(({ name }) => name === 'retry');
    assert.deepEqual(retry, { name: 'retry', ms: again.begun - ADMITTED.admittedAt });
    assert.equal(sumOf(visit, NOW), NOW - RECEIVED);
  });
});

describe('noteLeaving', () => {
  for (const { what, visit, exchange, failure, status } of [
    {
      what: 'says where a visitor was who left',
      visit: { askedAt: 1_002 },
      exchange: { left: 'visitor-left', state: 'broken' },
      ...{ failure: { phase: 'admission', reason: 'visitor-left' }, status: undefined },
    },
    {
      what: 'keeps the status of an answer that was left half read',
      visit: { ...ADMITTED, status: 200 },
      exchange: { left: 'visitor-left', state: 'broken' },
      ...{ failure: { phase: 'answer', reason: 'visitor-left' }, status: 200 },
    },
    {
      what: 'knows what one is told who is cut before an answer',
      visit: ADMITTED,
      exchange: { left: 'drain-limit', state: 'whole' },
      ...{ failure: { phase: 'create', reason: 'drain-limit' }, status: 503 },
    },
    {
      what: 'says nothing of who left with a whole answer',
      visit: { ...ADMITTED, status: 200 },
      exchange: { left: 'visitor-left', state: 'whole' },
      ...{ failure: undefined, status: 200 },
    },
    {
      what: 'leaves what a request has failed for already',
      visit: { ...ADMITTED, status: 503, failure: { phase: 'schedule', reason: 'NoPlace' } },
      exchange: { left: 'visitor-left', state: 'broken' },
      ...{ failure: { phase: 'schedule', reason: 'NoPlace' }, status: 503 },
    },
    {
      what: 'says nothing of who is still here',
      visit: ADMITTED,
      exchange: {},
      ...{ failure: undefined, status: undefined },
    },
  ] as const) {
    it(what, () => {
      const noted = visitOf(visit, exchange);
      noteLeaving(noted);
      assert.deepEqual([noted.failure, noted.status], [failure, status]);
    });
  }
});
