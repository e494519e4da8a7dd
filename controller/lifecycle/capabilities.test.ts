import assert from 'node:assert/strict';

import { readCapabilities } from './capabilities.ts';

const guest = (osType: string, arch: string, machine: string, type = 'xen') =>
  `<guest><os_type>${osType}</os_type><arch name='${arch}'><wordsize>64</wordsize>` +
  `<emulator>/usr/lib/xen/bin/qemu-system-i386</emulator>${machine}<domain type='${type}'/></arch></guest>`;

const PV = guest('xen', 'x86_64', '<machine>xenpv</machine>');
const PVH = guest('xenpvh', 'x86_64', '<machine>xenpvh</machine>');
const HVM = guest('hvm', 'x86_64', '<machine>xenfv</machine>');

const capabilities = (...guests: readonly string[]) =>
  `<capabilities><host><uuid>d</uuid></host>${guests.join('')}</capabilities>`;

describe('what a host tells of itself', () => {
  it('is who it is and which hypervisors it has', () => {
    const { daemon, types } = readCapabilities(
      capabilities(PV, guest('exe', 'i686', '', 'lxc'), guest('exe', 'x86_64', '', 'lxc')),
    );
    assert.deepEqual({ daemon, types }, { daemon: 'd', types: new Set(['xen', 'lxc']) });
  });

  it('is nothing where it makes no sense', () => {
    assert.deepEqual(readCapabilities('no xml'), { daemon: '', types: new Set(), xenTypes: [] });
  });

  const rows: readonly {
    readonly what: string;
    readonly guests: readonly string[];
    readonly runs: readonly string[];
  }[] = [
    { what: 'Xen on hardware with virtualisation', guests: [PV, HVM, PVH], runs: ['pv', 'pvh'] },
    { what: 'Xen on hardware without virtualisation', guests: [PV], runs: ['pv'] },
    { what: 'a Xen that was built without PV', guests: [HVM, PVH], runs: ['pvh'] },
    { what: 'PVH for 32 bits alone', guests: [PV, guest('xenpvh', 'i686', '<machine>xenpvh</machine>')], runs: ['pv'] },
    {
      what: 'several machines',
      guests: [guest('xen', 'x86_64', '<machine>other</machine><machine>xenpv</machine>')],
      runs: ['pv'],
    },
    { what: 'another hypervisor', guests: [guest('xen', 'x86_64', '<machine>xenpv</machine>', 'test')], runs: [] },
  ];
  for (const { what, guests, runs } of rows) {
    it(`${what}: runs ${runs.length === 0 ? 'nothing' : runs.join(' and ')}`, () => {
      assert.deepEqual(readCapabilities(capabilities(...guests)).xenTypes, runs);
    });
  }
});
