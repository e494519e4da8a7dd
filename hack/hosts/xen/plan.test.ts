import assert from 'node:assert/strict';
import type { Bed } from '../../bed/bed.ts';
import { MAX_BOXES, planXenHost } from './plan.ts';

const bed: Bed = {
  root: '/checkout',
  dir: '/checkout/.hatchery',
  id: 'a1b2c3',
  runDir: '/run/hatchery-a1b2c3',
  cacheDir: '/cache',
  owner: { uid: 1000, gid: 1000 },
  block: 15,
};
const plans = Array.from({ length: MAX_BOXES }, (_, index) => planXenHost(bed, index + 1));

describe('plan of a Xen box', () => {
  it('puts management and guests on ranges of their own', () => {
    const plan = planXenHost(bed, 1);
    assert.equal(plan.managementGateway, '198.18.254.17');
    assert.equal(plan.managementAddress, '198.18.254.18');
    assert.equal(plan.network.domainCIDR, '198.18.254.128/25');
  });

  it('shares nothing between two boxes', () => {
    const apart = plans.map(({ name, namespace, rootLink, network, hostUuid, controlSocket }) => [
      ...[name, namespace, rootLink, network.prefix, hostUuid, controlSocket],
    ]);
    for (const values of apart[0]?.keys() ?? []) {
      assert.equal(new Set(apart.map((plan) => plan[values])).size, MAX_BOXES);
    }
  });

  it('keeps to what the kernel allows for names', () => {
    for (const { rootLink, controlSocket } of plans) {
      assert.ok(rootLink.length <= 15, rootLink);
      assert.ok(controlSocket.length <= 107, controlSocket);
    }
  });

  it('gives a host UUID of the right form, the same each time', () => {
    const { hostUuid } = planXenHost(bed, 2);
    assert.match(hostUuid, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.equal(planXenHost(bed, 2).hostUuid, hostUuid);
  });

  for (const n of [0, 8, 1.5, Number.NaN]) {
    it(`refuses number ${n}`, () => {
      assert.throws(() => planXenHost(bed, n), RangeError);
    });
  }
});
