import assert from 'node:assert/strict';

import { findCondition, isTrue, removeCondition, setCondition } from './conditions.ts';
import type { Condition, NewCondition } from './conditions.ts';

const EARLIER = '2030-01-01T00:00:00Z';
const NOW = '2030-01-01T00:00:05Z';

const ready: Condition = {
  type: 'Ready',
  status: 'True',
  reason: 'DomainStarted',
  message: 'runs',
  lastTransitionTime: EARLIER,
};
const scheduled: Condition = { ...ready, type: 'Scheduled', reason: 'Bound' };

describe('setCondition', () => {
  it('adds a condition at the end, changed now', () => {
    const fresh: NewCondition = { type: 'Ready', status: 'True', reason: 'DomainStarted', message: 'runs' };
    assert.deepEqual(setCondition([scheduled], fresh, NOW), [scheduled, { ...fresh, lastTransitionTime: NOW }]);
    assert.deepEqual(setCondition(undefined, fresh, NOW), [{ ...fresh, lastTransitionTime: NOW }]);
  });

  it('moves lastTransitionTime when status changes, in the condition’s old place', () => {
    const after = setCondition([ready, scheduled], { ...ready, status: 'False', reason: 'DomainStopped' }, NOW);
    assert.deepEqual(after, [
      { ...ready, status: 'False', reason: 'DomainStopped', lastTransitionTime: NOW },
      scheduled,
    ]);
  });

  it('keeps lastTransitionTime when only reason, message or generation change', () => {
    for (const change of [{ reason: 'Other' }, { message: 'other' }, { observedGeneration: 2 }]) {
      assert.deepEqual(setCondition([ready], { ...ready, ...change }, NOW), [{ ...ready, ...change }]);
    }
  });

  it('returns the very same list where nothing changes', () => {
    const list = [scheduled, ready];
    assert.equal(setCondition(list, { ...ready }, NOW), list);
  });
});

describe('findCondition, isTrue, removeCondition', () => {
  it('find by type, and say True only of a condition that is', () => {
    assert.equal(findCondition([scheduled, ready], 'Ready'), ready);
    assert.equal(findCondition(undefined, 'Ready'), undefined);
    assert.equal(isTrue([ready], 'Ready'), true);
    assert.equal(isTrue([{ ...ready, status: 'Unknown' }], 'Ready'), false);
    assert.equal(isTrue([], 'Ready'), false);
  });

  it('remove one, and return the very same list where it is not there', () => {
    const list = [scheduled];
    assert.deepEqual(removeCondition([scheduled, ready], 'Ready'), [scheduled]);
    assert.equal(removeCondition(list, 'Ready'), list);
  });
});
