import assert from 'node:assert/strict';

import { LeaseSightings } from './lease-sightings.ts';
import type { LeaseObject } from './resources.ts';
import { FakeClock } from './testing/fake-clock.ts';

function lease(name: string, renewTime: string, holderIdentity = name, leaseDurationSeconds = 15): LeaseObject {
  const metadata = { name, namespace: 'ns', uid: name, resourceVersion: '1', creationTimestamp: '' };
  return { metadata, spec: { holderIdentity, renewTime, leaseDurationSeconds } };
}

describe('LeaseSightings', () => {
  it('a Lease lives from one change of it for as long as it says, by our own clock', async () => {
    const clock = new FakeClock();
    const sightings = new LeaseSightings(clock);
    sightings.seeAll([lease('a', '1999-01-01T00:00:00Z')]);
    await clock.advance(14_999);
    sightings.seeAll([lease('a', '1999-01-01T00:00:00Z')]);
    assert.deepEqual(sightings.live(), ['a']);
    await clock.advance(1);
    assert.deepEqual(sightings.live(), []);
    assert.equal(sightings.overdueMs('a'), 0);
    sightings.seeAll([lease('a', '1999-01-01T00:00:02Z')]);
    assert.deepEqual(sightings.live(), ['a']);
    assert.equal(sightings.overdueMs('a'), -15_000);
  });

  it('one that was given up lives no more; one that is gone was never there', () => {
    const sightings = new LeaseSightings(new FakeClock());
    sightings.seeAll([lease('a', '1'), lease('b', '1', '', 1)]);
    assert.deepEqual(sightings.live(), ['a']);
    assert.equal(sightings.overdueMs('b'), -1_000);
    sightings.seeAll([lease('b', '1', '', 1)]);
    assert.equal(sightings.overdueMs('a'), undefined);
  });
});
