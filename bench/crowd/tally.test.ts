import assert from 'node:assert/strict';
import { arrivalRefusals, faultsOf, parseVisit, returnsOf, spread, spreadOfCrowds, tallyOf } from './tally.ts';

describe('the bench of crowds', () => {
  const visits = [
    '200 -1 410000 420000 1200 whole',
    '503 7 20500 20600 900 whole',
    '503 9 5010000 5010500 5000100 whole',
    '503 -1 3000000 3000100 800 whole',
    '504 -1 9000000 9000100 1200 whole',
    '200 -1 500000 -1 1200 cut',
    '0 -1 -1 -1 -1 cut',
    '0 -1 -1 -1 -1 hung',
  ].map(parseVisit);

  it('reads what its visitors print', () => {
    const { headMs, wholeMs, serverMs, ...rest } = visits[1] ?? assert.fail();
    assert.deepEqual(rest, { status: 503, retryAfter: 7, end: 'whole' });
    assert.deepEqual([headMs, wholeMs, serverMs], [20.5, 20.6, 0.9]);
    assert.equal(visits.at(-1)?.headMs, undefined);
    assert.throws(() => parseVisit('503 7'), /not a line of visitors/);
  });

  it('counts whole answers by their status, and each that is cut, hangs or does not say when to come again', () => {
    const tally = tallyOf(visits);
    assert.deepEqual(tally, {
      ...{ visits: 8, served: 1, refused: 3, cut: 2, hung: 1, others: { 504: 1 }, withoutRetryAfter: 1 },
    });
    assert.deepEqual(faultsOf('x', tally), [
      'x: 2 cut',
      'x: 1 hung',
      'x: 1 503 without Retry-After',
      'x: 1 answered 504',
    ]);
    assert.deepEqual(faultsOf('x', tallyOf(visits.slice(0, 3))), []);
  });

  it('knows who was refused on arrival by what the server says, however late that was heard', () => {
    assert.deepEqual(
      arrivalRefusals(visits).map(({ headMs }) => headMs),
      [20.5, 3_000],
    );
    assert.deepEqual(spread([20.5, 30]), { n: 2, p50: 25.3, p99: 29.9 });
  });

  it('tells how the slowest hundredth differs from crowd to crowd, and that of all visitors', () => {
    assert.deepEqual(spreadOfCrowds([[10, 110], [20], [30, 40]]), {
      n: 5,
      p50: 30,
      p99: 107.2,
      crowd_p99: { median: 39.9, each: [109, 20, 39.9] },
    });
  });

  it('counts of those who were sent away and came back who was served then', () => {
    const [ok, full] = [
      { status: 200, retryAfter: undefined },
      { status: 503, retryAfter: 1 },
    ];
    assert.deepEqual(returnsOf([[ok], [full, ok], [full, full, ok], [full]]), { returned: 2, served: 1 });
  });
});
