import assert from 'node:assert/strict';

import { statusWanted } from './status.ts';
import type { Addresses } from './status.ts';
import { ingress } from './testing/resources.ts';

const OURS: Addresses = [{ ip: '192.0.2.1' }, { hostname: 'edge.example.org' }];
const THEIRS: Addresses = [{ ip: '198.51.100.1' }];

describe('status.loadBalancer of an Ingress', () => {
  for (const [what, now, ours, wasOurs, expected] of [
    ['that is ours and says nothing is written', undefined, true, true, OURS],
    ['that is ours and says so is left', OURS, true, true, undefined],
    ['that is ours and says another is written', THEIRS, true, true, OURS],
    ['that is ours and says them in another order is written', OURS.toReversed(), true, true, OURS],
    ['that was ours is cleared', OURS, false, true, []],
    ['that was ours and has its new controller’s is left', THEIRS, false, true, undefined],
    ['that was ours and says nothing is left', undefined, false, true, undefined],
    ['that never was ours is left, though it says our address', OURS, false, false, undefined],
  ] as const) {
    it(what, () => {
      const one = { ...ingress('web', {}), status: now === undefined ? {} : { loadBalancer: { ingress: now } } };
      assert.deepEqual(statusWanted(one, ours, wasOurs, OURS), expected);
    });
  }
});
