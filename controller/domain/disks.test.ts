import assert from 'node:assert/strict';

import { diskTarget, SCRATCH_PREFIX, scratchOwner, scratchVolume } from './disks.ts';

const CLUSTER = '6b1d3b5e-0000-4000-8000-000000000001';
const UUID = '5f1c2a0e-8d34-5b7e-9a41-6c0d3e9b7f25';

describe('diskTarget', () => {
  it('counts in letters', () => {
    assert.deepEqual([0, 1, 7].map(diskTarget), ['xvda', 'xvdb', 'xvdh']);
    assert.throws(() => diskTarget(26), RangeError);
  });
});

describe('scratchVolume', () => {
  it('is a name that says whose the volume is', () => {
    const owner = { cluster: CLUSTER, uuid: UUID };
    assert.equal(scratchVolume(owner, 3), `hatchery-scratch-${CLUSTER}-${UUID}-3`);
    assert.deepEqual(scratchOwner(scratchVolume(owner, 3)), owner);
  });

  const others = [
    'hatchling',
    'hatchery-poke',
    SCRATCH_PREFIX,
    `${SCRATCH_PREFIX}${UUID}-0`,
    `${SCRATCH_PREFIX}${CLUSTER}-${UUID}`,
    `${SCRATCH_PREFIX}${CLUSTER}-${UUID}-0.bak`,
    `${SCRATCH_PREFIX}${CLUSTER}-${UUID}-01`,
    `x${SCRATCH_PREFIX}${CLUSTER}-${UUID}-0`,
    `${SCRATCH_PREFIX}${CLUSTER}-${UUID.toUpperCase()}-0`,
  ];
  for (const name of others) {
    it(`"${name}" is none`, () => assert.equal(scratchOwner(name), undefined));
  }
});
