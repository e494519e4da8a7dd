import assert from 'node:assert/strict';

import type { DomainHostSpec } from '#controller/api/index.ts';

import { describeFaults, readHostSpec } from './hostspec.ts';

const spec: DomainHostSpec = {
  uri: 'xen+tls://198.18.1.2/system',
  bridge: 'xenbr1',
  domainCIDR: '198.18.1.128/25',
  gateway: '198.18.1.129',
  vifScript: '/etc/xen/scripts/vif-hatchery',
  mtu: 1500,
  imageDirectory: '/var/lib/hatchery/images/',
  maxDomains: 64,
  maxStarting: 4,
  reservedMemory: '512Mi',
};

/** A key without a value is taken out. */
type Change = { readonly [K in keyof DomainHostSpec]?: DomainHostSpec[K] | undefined };

const changed = (change: Change): DomainHostSpec =>
  Object.fromEntries(
    Object.entries({ ...spec, ...change }).filter(([, value]) => value !== undefined),
  ) as unknown as DomainHostSpec;

const faultsOf = (change: Change): readonly string[] => {
  const reading = readHostSpec(changed(change));
  return reading.ok ? [] : reading.faults.map(({ field, why }) => `${field}: ${why}`);
};

describe('readHostSpec', () => {
  it('makes a spec usable', () => {
    const reading = readHostSpec(spec);
    assert.ok(reading.ok);
    const { config } = reading;
    assert.equal(config.uri.kind, 'xen');
    assert.equal(config.network?.cidr.text, '198.18.1.128/25');
    assert.equal(config.imageDirectory, '/var/lib/hatchery/images');
    assert.equal(config.reservedMemoryKiB, 524_288);
    assert.deepEqual([config.maxDomains, config.maxStarting], [64, 4]);
  });

  it('fills in what is not said', () => {
    const reading = readHostSpec({ uri: spec.uri, bridge: 'xenbr1', domainCIDR: '198.18.1.128/25' });
    assert.ok(reading.ok);
    assert.equal(reading.config.network?.gateway, '198.18.1.129');
    assert.equal(reading.config.imageDirectory, '/var/lib/hatchery/images');
    assert.equal(reading.config.maxDomains, Infinity);
    assert.equal(reading.config.reservedMemoryKiB, 0);
  });

  it('takes a host without a network for its guests', () => {
    const reading = readHostSpec({ uri: spec.uri });
    assert.ok(reading.ok && reading.config.network === undefined);
  });

  it('asks for no bridge on the test driver', () => {
    const reading = readHostSpec({ uri: 'test+unix:///default?socket=/s', domainCIDR: '198.18.1.128/25' });
    assert.ok(reading.ok && reading.config.network?.bridge === undefined);
  });

  const table: readonly (readonly [string, Change, string])[] = [
    ['a URI of another driver', { uri: 'qemu:///system' }, 'spec.uri: scheme qemu is none of'],
    ['a bridge name with a space', { bridge: 'br 0' }, 'spec.bridge: "br 0" is no name of a bridge'],
    ['a bridge name of 16 letters', { bridge: 'b'.repeat(16) }, 'spec.bridge: '],
    ['a bridge that could be an option', { bridge: '-br' }, 'spec.bridge: '],
    ['a range that is none', { domainCIDR: '198.18.1' }, 'spec.domainCIDR: "198.18.1" is no IPv4 range'],
    ['a range with host bits', { domainCIDR: '198.18.1.130/25' }, 'spec.domainCIDR: 198.18.1.130/25 has host bits set'],
    ['a range too wide', { domainCIDR: '198.16.0.0/12' }, 'spec.domainCIDR: 198.16.0.0/12 has a prefix of 12'],
    ['a range too narrow', { domainCIDR: '198.18.1.128/30' }, 'spec.domainCIDR: 198.18.1.128/30 has a prefix of 30'],
    [
      'loopback',
      { domainCIDR: '127.0.1.0/24', gateway: '127.0.1.1' },
      'spec.domainCIDR: 127.0.1.0/24 meets 127.0.0.0/8',
    ],
    ['a gateway elsewhere', { gateway: '198.18.1.1' }, 'spec.gateway: 198.18.1.1 is no address from 198.18.1.129 to'],
    [
      'a gateway that is the broadcast address',
      { gateway: '198.18.1.255' },
      'spec.gateway: 198.18.1.255 is no address',
    ],
    ['a relative image directory', { imageDirectory: 'images' }, 'spec.imageDirectory: "images" is no absolute path'],
    ['an image directory with ..', { imageDirectory: '/srv/../etc' }, 'spec.imageDirectory: '],
    ['the root as image directory', { imageDirectory: '//' }, 'spec.imageDirectory: '],
    ['a script with a blank', { vifScript: '/bin/sh -c x' }, 'spec.vifScript: '],
    ['an MTU that is too small', { mtu: 100 }, 'spec.mtu: 100 is no MTU'],
    ['less than no place', { maxDomains: -1 }, 'spec.maxDomains: -1 is no count of at least 0'],
    ['no start at all', { maxStarting: 0 }, 'spec.maxStarting: 0 is no count of at least 1'],
    ['half a start', { maxStarting: 0.5 }, 'spec.maxStarting: 0.5 is no count'],
    ['no quantity', { reservedMemory: 'much' }, 'spec.reservedMemory: "much" is no amount of memory'],
    ['less than nothing', { reservedMemory: '-1Gi' }, 'spec.reservedMemory: '],
    ['a bridge without a range', { domainCIDR: undefined, gateway: undefined }, 'spec.domainCIDR: not set'],
    ['a gateway without a range', { domainCIDR: undefined, bridge: undefined }, 'spec.gateway: there is no domainCIDR'],
    ['a range without a bridge', { bridge: undefined }, 'spec.bridge: not set'],
    ['a vif script on LXC', { uri: 'lxc+unix:///system' }, 'spec.vifScript: only Xen has vif scripts'],
  ];
  for (const [what, change, start] of table) {
    it(`refuses ${what} and says where`, () => {
      const faults = faultsOf(change);
      assert.equal(faults.length, 1, faults.join('; '));
      assert.ok(faults[0]?.startsWith(start), faults[0]);
    });
  }

  it('says everything that is wrong at once', () => {
    const reading = readHostSpec({ ...spec, uri: 'x', mtu: 1, maxDomains: -1 });
    assert.ok(!reading.ok);
    assert.match(describeFaults(reading.faults), /^spec\.uri: .*; spec\.mtu: .*; spec\.maxDomains: /);
  });
});
