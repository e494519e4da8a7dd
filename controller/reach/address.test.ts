import assert from 'node:assert/strict';

import type { LeaseObject } from '#controller/kube/index.ts';
import { addressIn, NoController } from './address.ts';

const NOW = Date.parse('2030-01-01T00:00:00Z');

const lease = (address: string | undefined, spec: LeaseObject['spec'] = {}): LeaseObject => ({
  metadata: {
    name: 'hatchery-controller',
    namespace: 'hatchery-system',
    uid: 'u',
    resourceVersion: '1',
    creationTimestamp: '2030-01-01T00:00:00Z',
    annotations: { 'hatchery.dev/ca': 'PEM', ...(address === undefined ? {} : { 'hatchery.dev/address': address }) },
  },
  spec: { holderIdentity: 'c', leaseDurationSeconds: 15, renewTime: '2030-01-01T00:00:00.000000Z', ...spec },
});

describe('where the Lease says that the controller is', () => {
  const good: readonly (readonly [string, string, number])[] = [
    ['127.0.0.1:8443', '127.0.0.1', 8443],
    ['controller.example:443', 'controller.example', 443],
    ['[2001:db8::7]:8443', '2001:db8::7', 8443],
  ];
  for (const [address, host, port] of good) {
    it(address, () => {
      assert.deepEqual(addressIn(lease(address), NOW), { host, port, anchor: 'PEM' });
    });
  }

  const bad: readonly (readonly [string, LeaseObject, RegExp])[] = [
    ['no address', lease(undefined), /does not say where it serves/],
    ['a path', lease('evil.example/x:1'), /does not say/],
    ['a user', lease('user@evil.example:1'), /does not say/],
    ['no holder', lease('a:1', { holderIdentity: '' }), /no controller acts .*: start one/],
    ['a holder that has been gone for long', lease('a:1', { renewTime: '2029-12-31T23:00:00Z' }), /no controller acts/],
  ];
  for (const [what, object, why] of bad) {
    it(`${what}: a fault that says what to do`, () => {
      assert.throws(
        () => addressIn(object, NOW),
        (error) => error instanceof NoController && why.test(error.message),
      );
    });
  }
});
