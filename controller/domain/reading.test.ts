import assert from 'node:assert/strict';

import fc from 'fast-check';

import type { Ownership } from './metadata.ts';
import { readDomainXml } from './reading.ts';

const CLUSTER = '6b1d3b5e-0000-4000-8000-000000000001';
const OWN = `cluster="${CLUSTER}" namespace="default" name="hello" uid="u-1" attempt="2"`;

const domain = (metadata: string): string => `<domain type='xen' id='7'>
  <name>edom-198-18-4-21</name>
  <uuid>12dfc8e1-e90f-560a-960f-dd7ed38319c7</uuid>
  ${metadata}
  <memory unit='KiB'>65536</memory>
  <currentMemory unit='KiB'>65536</currentMemory>
  <vcpu placement='static'>1</vcpu>
  <devices>
    <interface type='bridge'>
      <mac address='02:48:c6:12:04:15'/>
      <source bridge='xenbr1'/>
    </interface>
  </devices>
</domain>`;

const own = (attributes: string, prefix = 'hatchery'): string =>
  `<metadata>
    <other:thing xmlns:other="https://example.test/"><other:inner/></other:thing>
    <${prefix}:attempt xmlns:${prefix}="https://hatchery.dev/domain/v1" ${attributes}/>
  </metadata>`;

const ownership = (metadata: string): Ownership => {
  const reading = readDomainXml(domain(metadata), CLUSTER);
  assert.ok(reading.ok);
  return reading.domain.ownership;
};

describe('readDomainXml', () => {
  it('reads what libvirt returns of a domain', () => {
    assert.deepEqual(readDomainXml(domain(''), CLUSTER), {
      ok: true,
      domain: {
        ownership: { kind: 'none' },
        name: 'edom-198-18-4-21',
        uuid: '12dfc8e1-e90f-560a-960f-dd7ed38319c7',
        title: undefined,
        memoryKiB: 65_536,
        vcpus: 1,
        interfaces: [{ mac: '02:48:c6:12:04:15', bridge: 'xenbr1' }],
      },
    });
  });

  it('knows the units of memory', () => {
    const memory = (element: string): number | undefined => {
      const reading = readDomainXml(`<domain>${element}</domain>`, CLUSTER);
      return reading.ok ? reading.domain.memoryKiB : undefined;
    };
    assert.equal(memory('<memory>1024</memory>'), 1024);
    assert.equal(memory("<memory unit='MiB'>64</memory>"), 65_536);
    assert.equal(memory("<memory unit='GB'>1</memory>"), 976_563);
    assert.equal(memory("<memory unit='cows'>1</memory>"), undefined);
    assert.equal(memory('<memory>lots</memory>'), undefined);
  });

  it('says so where the text is no domain, whatever it is', () => {
    for (const text of ['', 'x', '<network/>', '<domain', '{"domain":{}}']) {
      assert.equal(readDomainXml(text, CLUSTER).ok, false);
    }
    fc.assert(fc.property(fc.string(), (text) => !readDomainXml(text, CLUSTER).ok));
  });
});

describe('the owner of a domain', () => {
  it('is us where cluster and format are ours, whatever prefix libvirt kept', () => {
    const identity = { cluster: CLUSTER, namespace: 'default', name: 'hello', uid: 'u-1', attempt: 2 };
    assert.deepEqual(ownership(own(`format="1" ${OWN}`)), { kind: 'ours', identity });
    assert.deepEqual(ownership(own(`format="1" ${OWN} address="198.18.4.21"`, 'h')), {
      kind: 'ours',
      identity: { ...identity, address: '198.18.4.21' },
    });
    const notifyToken = '0123456789abcdef0123456789abcdef';
    assert.deepEqual(ownership(own(`format="1" ${OWN} notify-token="${notifyToken}"`)), {
      kind: 'ours',
      identity: { ...identity, notifyToken },
    });
    const bare = `<metadata><attempt xmlns="https://hatchery.dev/domain/v1" format="1" ${OWN}/></metadata>`;
    assert.deepEqual(ownership(bare), { kind: 'ours', identity });
  });

  it('is another cluster where its UID differs', () => {
    assert.deepEqual(ownership(own(`format="1" ${OWN.replace(CLUSTER, 'other')}`)), {
      kind: 'other-cluster',
      cluster: 'other',
    });
  });

  it('is nobody of ours where there is no element of our namespace', () => {
    const other = '<metadata><hatchery:attempt xmlns:hatchery="https://hatchery.dev/domain/v2"/></metadata>';
    assert.deepEqual(ownership(other), { kind: 'none' });
    assert.deepEqual(ownership('<metadata/>'), { kind: 'none' });
  });

  const malformed: readonly (readonly [string, string, string])[] = [
    ['a newer format', `format="2" ${OWN}`, 'format 2 is newer than 1, the newest that this version knows'],
    ['no format', OWN, 'format is "", no version'],
    ['no UID', `format="1" ${OWN.replace('uid="u-1"', '')}`, 'uid missing'],
    ['an attempt that is no count', `format="1" ${OWN.replace('"2"', '"0"')}`, 'attempt is "0", no count'],
    ['a token that is none', `format="1" ${OWN} notify-token="secret"`, 'notify-token is none'],
    ['a bad address', `format="1" ${OWN} address="x"`, 'address is "x", no IPv4 address'],
  ];
  for (const [what, attributes, why] of malformed) {
    it(`cannot be told with ${what}, and is not taken for ours`, () => {
      assert.deepEqual(ownership(own(attributes)), { kind: 'malformed', why });
    });
  }

  it('cannot be told where two elements claim it', () => {
    const twice =
      own(`format="1" ${OWN}`).replace('</metadata>', '') + own(`format="1" ${OWN}`).replace('<metadata>', '');
    assert.equal(ownership(twice).kind, 'malformed');
  });
});
