import assert from 'node:assert/strict';

import fc from 'fast-check';

import { attemptUuid, domainName, macOf } from './identity.ts';
import { ipv4Text } from './ipv4.ts';

const address = fc.integer({ min: 0, max: 2 ** 32 - 1 }).map(ipv4Text);

describe('attemptUuid', () => {
  it('never changes for a resource and attempt, in this and any later version', () => {
    assert.equal(attemptUuid('0b6f3e0c-7a0e-4c39-8f7e-3c9a5e6d1f20', 1), 'af3082cf-1af9-54b7-a13c-f4ced85ab3b1');
  });

  it('is a UUID of version 5 and RFC 4122 variant', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.integer({ min: 1, max: 1000 }), (uid, attempt) => {
        assert.match(
          attemptUuid(uid, attempt),
          /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
        );
      }),
    );
  });

  it('differs between attempts and between resources', () => {
    const uuids = ['a', 'b'].flatMap((uid) => [1, 2, 11].map((attempt) => attemptUuid(uid, attempt)));
    assert.equal(new Set(uuids).size, uuids.length);
  });
});

describe('domainName', () => {
  it('is made from the address, so that a host refuses a second holder', () => {
    assert.equal(domainName('198.18.4.21', 'any'), 'edom-198-18-4-21');
  });

  it('is made from the UUID where there is no address', () => {
    const uuid = attemptUuid('a', 1);
    assert.equal(domainName(undefined, uuid), `edom-${uuid}`);
  });
});

describe('macOf', () => {
  it('is a locally administered unicast address that holds the IPv4 address', () => {
    assert.equal(macOf('198.18.4.21'), '02:48:c6:12:04:15');
  });

  it('never gives two addresses one MAC', () => {
    fc.assert(fc.property(address, address, (one, other) => (macOf(one) === macOf(other)) === (one === other)));
  });

  it('refuses what is no address', () => {
    assert.throws(() => macOf('198.18.4'), TypeError);
  });
});
