import assert from 'node:assert/strict';

import type { LeaseObject } from '#controller/kube/index.ts';
import { FakeClock } from '#controller/kube/testing/fake-clock.ts';
import { ReplicaWatch } from './abandoned.ts';
import { resource } from './testing/resources.ts';
import { DOMAIN_INDEXERS } from './writer.ts';

function lease(replica: string, renewTime: number, holderIdentity = replica): LeaseObject {
  const name = `hatchery-ingress-${replica}`;
  const metadata = { name, namespace: 'ns', uid: name, resourceVersion: '1', creationTimestamp: '' };
  const leaseDurationSeconds = holderIdentity === '' ? 1 : 15;
  return { metadata, spec: { holderIdentity, renewTime: String(renewTime), leaseDurationSeconds } };
}

describe('ReplicaWatch', () => {
  it('a replica is dead when its Lease ran out 15 s ago, and not while it renews', async () => {
    const clock = new FakeClock();
    const watch = new ReplicaWatch(clock);
    for (let seconds = 0; seconds < 30; seconds += 5) {
      watch.sightings.seeAll([lease('dies', 0), lease('lives', seconds), lease('gave-up', 0, '')]);
      assert.deepEqual(watch.dead(['dies', 'lives', 'gave-up']), seconds < 20 ? [] : ['gave-up']);
      await clock.advance(5_000);
    }
    assert.deepEqual(watch.dead(['dies', 'lives']), ['dies']);
  });

  it('one that has no Lease is dead after 30 s; one that gets it back is not', async () => {
    const clock = new FakeClock();
    const watch = new ReplicaWatch(clock);
    assert.deepEqual(watch.dead(['a', 'b']), []);
    await clock.advance(29_999);
    assert.deepEqual(watch.dead(['a', 'b']), []);
    watch.sightings.seeAll([lease('b', 1)]);
    await clock.advance(1);
    assert.deepEqual(watch.dead(['a', 'b']), ['a']);
  });
});

describe('whom an EphemeralDomain is left by', () => {
  const request = { receivedTime: '2026-01-02T03:04:05Z' };
  const labels = { 'hatchery.dev/replica': 'r-1' };
  const rows: readonly [string, object, object, string | undefined, readonly string[]][] = [
    ['one that serves a request', { request }, labels, undefined, ['r-1']],
    ['one that runs', { request }, labels, 'Running', ['r-1']],
    ['one that is finished: it is kept', { request }, labels, 'Succeeded', []],
    ['one of a user who only uses the label', {}, labels, 'Running', []],
    ['one without the label', { request }, {}, 'Running', []],
  ];
  for (const [what, spec, given, phase, wanted] of rows) {
    it(what, () => {
      const one = resource(spec, phase === undefined ? undefined : { phase });
      assert.deepEqual(
        DOMAIN_INDEXERS.replica({ ...one, metadata: { ...one.metadata, labels: { ...given } } }),
        wanted,
      );
    });
  }
});
