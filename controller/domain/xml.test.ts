import assert from 'node:assert/strict';

import fc from 'fast-check';

import { attemptUuid, domainName, macOf } from './identity.ts';
import { readDomainXml } from './reading.ts';
import { domainXml, LONELY_MAC } from './xml.ts';
import type { DomainPlan, HypervisorKind } from './xml.ts';
import { attributeOf, elementsOf, parseXml, textOf, XmlTextError } from './xmltext.ts';
import type { XmlElement } from './xmltext.ts';

const KINDS: readonly HypervisorKind[] = ['xen', 'lxc', 'test'];
const ADDRESS = '198.18.4.21';
const UUID = attemptUuid('0b6f3e0c-7a0e-4c39-8f7e-3c9a5e6d1f20', 1);

const plan: DomainPlan = {
  identity: {
    cluster: '6b1d3b5e-0000-4000-8000-000000000001',
    namespace: 'default',
    name: 'hello',
    uid: '0b6f3e0c-7a0e-4c39-8f7e-3c9a5e6d1f20',
    attempt: 1,
    address: ADDRESS,
  },
  uuid: UUID,
  name: domainName(ADDRESS, UUID),
  type: 'pv',
  memoryKiB: 65_536,
  vcpus: 2,
  kernel: 'hatchling',
  initrd: 'hatchling-initrd',
  cmdline: 'console=hvc0 -mode hello',
  imageDirectory: '/var/lib/hatchery/images',
  disks: [
    { kind: 'image', name: 'data', volume: 'data.img' },
    { kind: 'scratch', name: 'work', volume: 'hatchery-scratch-c-u-1', size: '1Gi', bytes: 2 ** 30 },
    { kind: 'secret', volume: 'hatchery-secret-c-u' },
  ],
  interface: {
    mac: macOf(ADDRESS),
    bridge: 'xenbr1',
    address: ADDRESS,
    vifScript: '/etc/xen/scripts/vif-h',
    mtu: 1400,
  },
};

const parsed = (kind: HypervisorKind, planned: DomainPlan): XmlElement => {
  const domain = parseXml(domainXml(kind, planned), 'domain');
  assert.ok(domain !== undefined);
  return domain;
};

const os = (kind: HypervisorKind, planned: DomainPlan): XmlElement | undefined =>
  elementsOf(parsed(kind, planned), 'os')[0];

describe('domainXml for Xen', () => {
  it('describes a PV domain that is preserved when it ends', () => {
    const domain = parsed('xen', plan);
    assert.equal(domain['@type'], 'xen');
    assert.deepEqual(domain['os'], {
      type: { '@arch': 'x86_64', '@machine': 'xenpv', '#text': 'linux' },
      kernel: '/var/lib/hatchery/images/hatchling',
      initrd: '/var/lib/hatchery/images/hatchling-initrd',
      cmdline: 'console=hvc0 -mode hello',
    });
    for (const end of ['on_poweroff', 'on_reboot', 'on_crash']) assert.equal(domain[end], 'preserve');
    assert.deepEqual(domain['devices'], {
      disk: [
        {
          '@type': 'file',
          '@device': 'disk',
          driver: { '@name': 'phy', '@type': 'raw' },
          source: { '@file': '/var/lib/hatchery/images/data.img' },
          target: { '@dev': 'xvda', '@bus': 'xen' },
          readonly: '',
          shareable: '',
        },
        {
          '@type': 'file',
          '@device': 'disk',
          driver: { '@name': 'phy', '@type': 'raw' },
          source: { '@file': '/var/lib/hatchery/images/hatchery-scratch-c-u-1' },
          target: { '@dev': 'xvdb', '@bus': 'xen' },
        },
        {
          '@type': 'file',
          '@device': 'disk',
          driver: { '@name': 'phy', '@type': 'raw' },
          source: { '@file': '/var/lib/hatchery/images/hatchery-secret-c-u' },
          target: { '@dev': 'xvdc', '@bus': 'xen' },
          readonly: '',
        },
      ],
      interface: {
        '@type': 'bridge',
        mac: { '@address': '02:48:c6:12:04:15' },
        source: { '@bridge': 'xenbr1' },
        ip: { '@address': ADDRESS },
        script: { '@path': '/etc/xen/scripts/vif-h' },
        mtu: { '@size': '1400' },
      },
      console: { '@type': 'pty', target: { '@type': 'xen' } },
    });
  });

  for (const [type, machine, text] of [
    ['pv', 'xenpv', 'linux'],
    ['pvh', 'xenpvh', 'linux'],
    ['hvm', 'xenfv', 'hvm'],
  ] as const) {
    it(`tells ${type} by the machine ${machine}`, () => {
      const told = elementsOf(os('xen', { ...plan, type }), 'type')[0];
      assert.deepEqual(told, { '@arch': 'x86_64', '@machine': machine, '#text': text });
    });
  }

  it('leaves out what the plan leaves out', () => {
    const bare = { ...plan, initrd: undefined, cmdline: undefined, interface: undefined, disks: [] };
    assert.deepEqual(Object.keys(os('xen', bare) ?? {}), ['type', 'kernel']);
    assert.deepEqual(Object.keys(elementsOf(parsed('xen', bare), 'devices')[0] ?? {}), ['console']);
  });
});

describe('domainXml for LXC', () => {
  it('runs the volume as init of a read-only root, with the words as its arguments', () => {
    const domain = parsed('lxc', plan);
    assert.deepEqual(domain['os'], {
      type: { '@arch': 'x86_64', '#text': 'exe' },
      init: '/hatchling',
      initarg: ['console=hvc0', '-mode', 'hello'],
    });
    const devices = elementsOf(domain, 'devices')[0];
    assert.deepEqual(elementsOf(devices, 'filesystem')[0], {
      '@type': 'mount',
      '@accessmode': 'passthrough',
      source: { '@dir': '/var/lib/hatchery/images' },
      target: { '@dir': '/' },
      readonly: '',
    });
    assert.deepEqual(elementsOf(elementsOf(devices, 'interface')[0], 'port')[0], { '@isolated': 'yes' });
  });

  it('has a network of its own also where it has no interface', () => {
    assert.equal(parsed('lxc', plan)['features'], undefined);
    assert.deepEqual(parsed('lxc', { ...plan, interface: undefined })['features'], { privnet: '' });
  });

  it('has a link that is down and leads nowhere where it has no interface, by which its end can be seen', () => {
    const [devices] = elementsOf(parsed('lxc', { ...plan, interface: undefined }), 'devices');
    assert.deepEqual(elementsOf(devices, 'interface'), [
      {
        '@type': 'ethernet',
        mac: { '@address': LONELY_MAC },
        guest: { '@dev': 'none0' },
        link: { '@state': 'down' },
      },
    ]);
  });

  it('gives init no arguments where there is no command line', () => {
    assert.equal(os('lxc', { ...plan, cmdline: undefined })?.['initarg'], undefined);
  });
});

describe('domainXml for the test driver', () => {
  it('keeps the command line for whoever plays the guest', () => {
    assert.equal(textOf(os('test', plan), 'cmdline'), 'console=hvc0 -mode hello');
  });

  it('needs no bridge', () => {
    const { interface: planned } = plan;
    assert.ok(planned !== undefined);
    const domain = parsed('test', { ...plan, interface: { ...planned, bridge: undefined } });
    assert.equal(domain['devices'], '');
  });
});

/** Any text that XML can carry, with much of what matters to a parser. */
const text = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '<',
        '>',
        '&',
        '"',
        "'",
        ']]>',
        '<!--',
        '-->',
        '</domain>',
        '&amp;',
        '&#10;',
        '<![CDATA[',
        '$&',
        ' ',
      ),
      fc.string({ unit: 'grapheme', maxLength: 4 }).filter((value) => !/[\p{Cc}\p{Cs}\ufffe\uffff]/u.test(value)),
    ),
    { minLength: 1, maxLength: 12 },
  )
  .map((parts) => `x${parts.join('')}x`);

describe('domainXml with any text', () => {
  const anyPlan: fc.Arbitrary<DomainPlan> = fc
    .record({ namespace: text, name: text, uid: text, cmdline: text, kernel: text, volume: text, folder: text })
    .map(({ namespace, name, uid, cmdline, kernel, volume, folder }) => ({
      ...plan,
      disks: (plan.disks ?? []).map((disk) => ({ ...disk, volume })),
      identity: { ...plan.identity, namespace, name, uid },
      kernel,
      cmdline,
      imageDirectory: `/${folder}`,
    }));

  for (const kind of KINDS) {
    it(`reads back as it was written for ${kind}`, () => {
      fc.assert(
        fc.property(anyPlan, (planned) => {
          const reading = readDomainXml(domainXml(kind, planned), planned.identity.cluster);
          assert.ok(reading.ok);
          assert.deepEqual(reading.domain.ownership, { kind: 'ours', identity: planned.identity });
          assert.equal(reading.domain.title, `${planned.identity.namespace}/${planned.identity.name}`);
          assert.equal(reading.domain.memoryKiB, plan.memoryKiB);
          if (kind !== 'lxc') assert.equal(textOf(os(kind, planned), 'cmdline'), planned.cmdline);
          if (kind !== 'xen') return;
          assert.equal(textOf(os(kind, planned), 'kernel'), `${planned.imageDirectory}/${planned.kernel}`);
          for (const disk of elementsOf(elementsOf(parsed(kind, planned), 'devices')[0], 'disk')) {
            const file = attributeOf(elementsOf(disk, 'source')[0], 'file');
            assert.equal(file, `${planned.imageDirectory}/${planned.disks?.[0]?.volume ?? ''}`);
          }
        }),
      );
    });

    it(`has the same elements whatever the texts are for ${kind}`, () => {
      const shape = (domain: XmlElement): readonly string[] =>
        Object.entries(domain).flatMap(([name, value]) => [
          name,
          ...(typeof value === 'object' && !Array.isArray(value)
            ? shape(value as XmlElement).map((one) => `${name}.${one}`)
            : []),
        ]);
      const expected = shape(parsed(kind, plan));
      fc.assert(
        fc.property(anyPlan, (planned) => {
          assert.deepEqual(
            shape(parsed(kind, { ...planned, cmdline: `${planned.cmdline?.replaceAll(' ', '') ?? ''} y z` })),
            expected,
          );
        }),
      );
    });
  }

  for (const character of ['\0', '\n', '\t', '\u001f', '\ufffe', '\ud800']) {
    it(`refuses a text with ${JSON.stringify(character)} and says where it is`, () => {
      assert.throws(
        () => domainXml('xen', { ...plan, cmdline: `a${character}` }),
        (error) => error instanceof XmlTextError && error.path === 'domain.os.cmdline',
      );
    });
  }
});
