import assert from 'node:assert/strict';

import fc from 'fast-check';

import { AddressBook, isGuestAddress } from './addresses.ts';
import { ipv4Text, parseCidr } from './ipv4.ts';
import type { Cidr } from './ipv4.ts';

const cidr = (text: string): Cidr => {
  const reading = parseCidr(text);
  assert.ok(reading.ok, text);
  return reading.cidr;
};

const book = (range = '198.18.4.128/29', gateway = '198.18.4.129', now = () => 0): AddressBook =>
  new AddressBook({ cidr: cidr(range), gateway, now });

describe('AddressBook', () => {
  it('gives out every address but network, broadcast and gateway, then none', () => {
    const addresses = book();
    const given = Array.from({ length: 6 }, (_, index) => addresses.acquire(`edom-${index}`));
    const all = ['198.18.4.130', '198.18.4.131', '198.18.4.132', '198.18.4.133', '198.18.4.134'];
    assert.deepEqual(given, [...all, undefined]);
    assert.deepEqual(addresses.counts(), { usable: 5, held: 5, quarantined: 0, free: 0 });
  });

  it('lets an address rest for as long as others are free', () => {
    const addresses = book();
    const first = addresses.acquire('a');
    assert.ok(first !== undefined && addresses.release(first, 'a'));
    const later = Array.from({ length: 5 }, () => addresses.acquire('b'));
    assert.equal(later.indexOf(first), 4);
  });

  it('gives an address back only from its holder', () => {
    const addresses = book();
    const address = addresses.acquire('a') ?? '';
    assert.equal(addresses.release(address, 'b'), false);
    assert.equal(addresses.holderOf(address), 'a');
    assert.equal(addresses.release(address, 'a'), true);
    assert.equal(addresses.release(address, 'a'), false);
  });

  it('never gives out what was noted as held, and says by whom it is taken', () => {
    const addresses = book();
    assert.deepEqual(addresses.hold('198.18.4.130', 'a'), { kind: 'held' });
    assert.deepEqual(addresses.hold('198.18.4.130', 'a'), { kind: 'held' });
    assert.deepEqual(addresses.hold('198.18.4.130', 'b'), { kind: 'taken', by: 'a' });
    assert.equal(addresses.acquire('c'), '198.18.4.131');
    assert.deepEqual(addresses.hold('nonsense', 'a'), { kind: 'not-an-address' });
  });

  it('notes addresses outside of its range and never gives them out', () => {
    const addresses = book();
    for (const address of ['10.0.0.1', '198.18.4.128', '198.18.4.129']) {
      assert.deepEqual(addresses.hold(address, 'a'), { kind: 'held' });
      assert.ok(addresses.release(address, 'a'));
    }
    const given = Array.from({ length: 6 }, () => addresses.acquire('b'));
    assert.equal(given.filter((address) => address !== undefined).length, 5);
    assert.equal(given.includes('10.0.0.1'), false);
    assert.equal(addresses.counts().held, 5);
  });

  it('keeps an address in quarantine until its time, even from its holder', () => {
    let now = 0;
    const addresses = book('198.18.4.128/29', '198.18.4.129', () => now);
    const address = addresses.acquire('a') ?? '';
    assert.ok(addresses.quarantine(address, { why: 'name taken', untilMs: 1000 }));
    assert.equal(addresses.holderOf(address), undefined);
    const others = Array.from({ length: 5 }, () => addresses.acquire('b'));
    assert.deepEqual(others.slice(-1), [undefined]);
    now = 999;
    assert.equal(addresses.acquire('c'), undefined);
    now = 1000;
    assert.equal(addresses.acquire('c'), address);
  });

  it('keeps an address in quarantine without a time until it is told', () => {
    const addresses = book();
    addresses.quarantine('198.18.4.130', { why: 'host state unknown' });
    assert.deepEqual([...addresses.quarantined()], [['198.18.4.130', { why: 'host state unknown' }]]);
    assert.equal(addresses.acquire('a'), '198.18.4.131');
    assert.equal(addresses.endQuarantine('198.18.4.130'), true);
    assert.equal(addresses.endQuarantine('198.18.4.130'), false);
    assert.equal(addresses.counts().free, 4);
  });

  it('costs nothing for a wide range that is hardly used', () => {
    const addresses = book('10.0.0.0/16', '10.0.0.1');
    assert.equal(addresses.counts().free, 65_533);
    assert.equal(addresses.acquire('a'), '10.0.0.2');
  });
});

type Step =
  | { readonly kind: 'acquire' }
  | { readonly kind: 'tick' }
  | {
      readonly kind: 'hold' | 'release' | 'quarantine' | 'endQuarantine';
      readonly offset: number;
      readonly holder: string;
    };

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    fc.constantFrom<Step>({ kind: 'acquire' }, { kind: 'acquire' }, { kind: 'tick' }),
    fc.record({
      kind: fc.constantFrom('hold', 'release', 'quarantine', 'endQuarantine'),
      offset: fc.integer({ min: 0, max: 7 }),
      holder: fc.constantFrom('a', 'b', 'c'),
    }),
  ),
  { maxLength: 60 },
);

describe('AddressBook under any use', () => {
  it('never gives an address a second holder, a special address, or one in quarantine', () => {
    fc.assert(
      fc.property(steps, (sequence) => {
        let now = 0;
        const range = cidr('198.18.4.128/29');
        const addresses = book(range.text, '198.18.4.129', () => now);
        for (const step of sequence) {
          const before = addresses.held();
          if (step.kind === 'tick') now += 1;
          else if (step.kind === 'acquire') {
            const resting = addresses.quarantined();
            const address = addresses.acquire('new');
            if (address === undefined) {
              assert.equal(addresses.counts().free, 0);
              continue;
            }
            assert.ok(!before.has(address) && !resting.has(address));
            assert.ok(isGuestAddress(range, '198.18.4.129', address));
          } else {
            const address = ipv4Text(range.first + step.offset);
            if (step.kind === 'hold') addresses.hold(address, step.holder);
            else if (step.kind === 'release') addresses.release(address, step.holder);
            else if (step.kind === 'quarantine') addresses.quarantine(address, { why: 'test', untilMs: now + 2 });
            else addresses.endQuarantine(address);
            const holder = addresses.holderOf(address);
            const earlier = before.get(address);
            assert.ok(earlier === undefined || holder === undefined || holder === earlier);
          }
          const counts = addresses.counts();
          assert.equal(counts.usable, counts.held + counts.quarantined + counts.free);
          assert.ok(counts.free >= 0);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('gives every free address out before it says that none is left', () => {
    fc.assert(
      fc.property(steps, (sequence) => {
        const addresses = book();
        for (const step of sequence) {
          if (step.kind === 'hold') addresses.hold(ipv4Text(0xc6120480 + step.offset), 'a');
        }
        const { free } = addresses.counts();
        const given = Array.from({ length: free + 1 }, () => addresses.acquire('new'));
        assert.equal(new Set(given.slice(0, free)).size, free);
        assert.deepEqual(given.slice(free), [undefined]);
      }),
    );
  });
});
