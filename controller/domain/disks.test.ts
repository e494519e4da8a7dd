import assert from 'node:assert/strict';

import { diskTarget, SCRATCH_PREFIX, scratchVolume, SECRET_PREFIX, secretVolume, volumeOwner } from './disks.ts';

const CLUSTER = '6b1d3b5e-0000-4000-8000-000000000001';
const UUID = '5f1c2a0e-8d34-5b7e-9a41-6c0d3e9b7f25';

describe('diskTarget', () => {
  it('counts in letters', () => {
    assert.deepEqual([0, 1, 7].map(diskTarget), ['xvda', 'xvdb', 'xvdh']);
    assert.throws(() => diskTarget(26), RangeError);
  });
});

describe('names of volumes made for attempts', () => {
  it('are made so that they say whose the volume is', () => {
    const owner = { cluster: CLUSTER, uuid: UUID };
    assert.equal(scratchVolume(owner, 3), `hatchery-scratch-${CLUSTER}-${UUID}-3`);
    assert.deepEqual(volumeOwner(scratchVolume(owner, 3)), owner);
    assert.equal(secretVolume(owner), `hatchery-secret-${CLUSTER}-${UUID}`);
    assert.deepEqual(volumeOwner(secretVolume(owner)), owner);
  });

  const others = [
    'hatchling',
    'hatchery-poke',
    SCRATCH_PREFIX,
    `${SCRATCH_PREFIX}${UUID}-0`,
    `${SCRATCH_PREFIX}${CLUSTER}-${UUID}`,
    `${SCRATCH_PREFIX}${CLUSTER}-${UUID}-0.bak`,
    `${SCRATCH_PREFIX}${CLUSTER}-${UUID}-01`,
    SECRET_PREFIX,
    `${SECRET_PREFIX}${UUID}`,
    `${SECRET_PREFIX}${CLUSTER}-${UUID}.bak`,
    `${SECRET_PREFIX}${CLUSTER}-${UUID}-0`,
    `x${SECRET_PREFIX}${CLUSTER}-${UUID}`,
    `x${SCRATCH_PREFIX}${CLUSTER}-${UUID}-0`,
    `${SCRATCH_PREFIX}${CLUSTER}-${UUID.toUpperCase()}-0`,
  ];
  for (const name of others) {
    it(`"${name}" is none`, () => assert.equal(volumeOwner(name), undefined));
  }
});
