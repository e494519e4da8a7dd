import assert from 'node:assert/strict';
import { isUntold, spreadOf, summarizeEnds } from './ends.ts';

describe('the bench of untold ends', () => {
  const rows = [
    { name: 'told, then stored', toldAt: 100, storedAt: 150, untold: false },
    { name: 'stored while the event was under way', toldAt: 160, storedAt: 150, untold: false },
    { name: 'told only as it was cleaned up', toldAt: 6_400, storedAt: 6_000, untold: true },
    { name: 'never told', toldAt: undefined, storedAt: 6_000, untold: true },
    { name: 'told and not stored', toldAt: 100, storedAt: undefined, untold: false },
  ];
  for (const { name, untold, ...times } of rows) {
    it(`${name}: ${untold ? 'untold' : 'not counted as untold'}`, () => {
      assert.equal(isUntold({ processAt: 0, ...times }), untold);
    });
  }

  it('counts from the end of the process, and only those that were seen', () => {
    const summary = summarizeEnds([
      { processAt: 1_000, toldAt: 1_200, storedAt: 1_300 },
      { processAt: undefined, toldAt: 1_200, storedAt: 1_300 },
      { processAt: 1_000, toldAt: undefined, storedAt: 12_000 },
    ]);
    assert.deepEqual(summary, {
      witnessed: 2,
      untold: 1,
      untoldNoticed: { count: 1, p50: 11, max: 11 },
      toldNoticed: { count: 1, p50: 0.3, max: 0.3 },
      told: { count: 1, p50: 0.2, max: 0.2 },
      noticedAfter10s: 1,
    });
  });

  it('nothing is spread over nothing', () => {
    assert.deepEqual(spreadOf([]), { count: 0, p50: 0, max: 0 });
  });
});
