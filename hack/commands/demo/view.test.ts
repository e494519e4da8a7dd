import assert from 'node:assert/strict';
import { describeChange, isFinished, momentsOf } from './view.ts';
import type { DomainView } from './view.ts';

const domain = (status: DomainView['status'] & object): DomainView => ({ metadata: { name: 'hello' }, status });

describe('what the demo shows', () => {
  it('is each change once', () => {
    const bound = domain({ phase: 'Scheduled', host: 'xen-1', address: '198.18.1.130' });
    const runs = domain({ phase: 'Running', host: 'xen-1', address: '198.18.1.130' });
    assert.equal(describeChange(undefined, { metadata: { name: 'hello' } }), 'created');
    assert.equal(describeChange(undefined, bound), 'Scheduled, host xen-1, address 198.18.1.130');
    assert.equal(describeChange(bound, runs), 'Running');
    assert.equal(describeChange(runs, runs), undefined);
  });

  it('includes why something failed', () => {
    const failed = domain({ phase: 'Failed', reason: 'ImageNotFound', message: 'xen-1 has no image "nope"' });
    assert.equal(describeChange(undefined, failed), 'Failed, reason ImageNotFound, "xen-1 has no image "nope""');
  });

  it('ends with Succeeded and Failed', () => {
    assert.deepEqual(
      ['Pending', 'Scheduled', 'Running', 'Succeeded', 'Failed'].map((phase) => isFinished(domain({ phase }))),
      [false, false, false, true, true],
    );
    assert.equal(isFinished(undefined), false);
  });
});

describe('momentsOf', () => {
  it('orders by time and counts from the first and from the one before, to the microsecond', () => {
    const moments = momentsOf({
      stopped: '2026-01-01T00:00:01.000250Z',
      created: '2026-01-01T00:00:00.500000Z',
      scheduled: '2026-01-01T00:00:00.500125Z',
      odd: 'no time',
    });
    assert.deepEqual(
      moments.map(({ name, sinceFirstMs, sinceLastMs }) => [name, round(sinceFirstMs), round(sinceLastMs)]),
      [
        ['created', 0, 0],
        ['scheduled', 0.125, 0.125],
        ['stopped', 500.25, 500.125],
      ],
    );
  });
});

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
