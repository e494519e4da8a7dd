import assert from 'node:assert/strict';

import fc from 'fast-check';

import { cidrContains, cidrsOverlap, ipv4Text, ipv4Value, netmaskOf, parseCidr } from './ipv4.ts';
import type { Cidr } from './ipv4.ts';

const cidr = (text: string): Cidr => {
  const reading = parseCidr(text);
  assert.ok(reading.ok, text);
  return reading.cidr;
};

describe('ipv4Value', () => {
  it('reads every address back that ipv4Text writes', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (value) => ipv4Value(ipv4Text(value)) === value));
  });

  for (const text of ['', '1.2.3', '1.2.3.4.5', '256.1.1.1', '01.2.3.4', '1.2.3.x', ' 1.2.3.4', '::1', '1..2.3']) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.equal(ipv4Value(text), undefined);
    });
  }
});

describe('parseCidr', () => {
  it('knows first and last address and the netmask', () => {
    const range = cidr('198.18.4.128/25');
    assert.deepEqual([ipv4Text(range.first), ipv4Text(range.last)], ['198.18.4.128', '198.18.4.255']);
    assert.equal(netmaskOf(range), '255.255.255.128');
    assert.equal(netmaskOf(cidr('0.0.0.0/0')), '0.0.0.0');
    assert.equal(netmaskOf(cidr('1.2.3.4/32')), '255.255.255.255');
  });

  it('says the range that was meant where host bits are set', () => {
    assert.deepEqual(parseCidr('198.18.4.130/25'), {
      ok: false,
      why: '198.18.4.130/25 has host bits set: did you mean 198.18.4.128/25?',
    });
  });

  for (const text of ['198.18.4.0', '198.18.4.0/33', '198.18.4.0/-1', '198.18.4.0/24/8', 'fd00::/64', '/24', 'a/24']) {
    it(`refuses ${text}`, () => {
      const reading = parseCidr(text);
      assert.ok(!reading.ok && reading.why.startsWith(JSON.stringify(text)));
    });
  }

  it('holds exactly the addresses that share its prefix', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 1, max: 32 }), (value, prefix) => {
        const range = cidr(`${ipv4Text(value - (value % 2 ** (32 - prefix)))}/${prefix}`);
        assert.ok(cidrContains(range, ipv4Text(value)));
        assert.ok(!cidrContains(range, ipv4Text((value ^ (1 << (32 - prefix))) >>> 0)));
      }),
    );
  });
});

describe('cidrsOverlap', () => {
  it('tells neighbours from ranges that share addresses', () => {
    assert.equal(cidrsOverlap(cidr('10.0.0.0/25'), cidr('10.0.0.128/25')), false);
    assert.equal(cidrsOverlap(cidr('10.0.0.0/24'), cidr('10.0.0.128/25')), true);
    assert.equal(cidrsOverlap(cidr('10.0.0.128/25'), cidr('10.0.0.0/24')), true);
  });
});
