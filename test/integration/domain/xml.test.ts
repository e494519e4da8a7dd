import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { attemptUuid, domainName, macOf } from '#controller/domain/identity.ts';
import { readDomainXml } from '#controller/domain/reading.ts';
import { domainXml } from '#controller/domain/xml.ts';
import type { DomainPlan, HypervisorKind } from '#controller/domain/xml.ts';

const ADDRESS = '198.18.4.21';
const CLUSTER = '6b1d3b5e-0000-4000-8000-000000000001';
const UUID = attemptUuid('0b6f3e0c-7a0e-4c39-8f7e-3c9a5e6d1f20', 1);

const identity = { cluster: CLUSTER, namespace: 'default', name: 'hello', uid: 'u-1', attempt: 1, address: ADDRESS };

const full: DomainPlan = {
  identity,
  uuid: UUID,
  name: domainName(ADDRESS, UUID),
  type: 'pv',
  memoryKiB: 65_536,
  vcpus: 2,
  kernel: 'hatchling',
  initrd: 'hatchling-initrd',
  cmdline: `console=hvc0 "quoted" <angle> & 'single' é $(STAYS) -mode hello`,
  imageDirectory: '/var/lib/hatchery/images',
  disks: [
    { kind: 'image', name: 'data', volume: `data 'img' &.raw` },
    { kind: 'scratch', name: 'work', volume: 'hatchery-scratch-c-u-1', size: '1Gi', bytes: 2 ** 30 },
    { kind: 'secret', volume: 'hatchery-secret-c-u' },
  ],
  interface: {
    mac: macOf(ADDRESS),
    bridge: 'xenbr1',
    address: ADDRESS,
    mtu: 1400,
    vifScript: '/etc/xen/scripts/vif-h',
  },
};

const bare: DomainPlan = {
  ...full,
  identity: { ...identity, address: undefined },
  name: domainName(undefined, UUID),
  type: 'pvh',
  initrd: undefined,
  cmdline: undefined,
  disks: [],
  interface: undefined,
};

const hvm: DomainPlan = { ...full, type: 'hvm' };

/** What libvirt makes of a domain: its own schema checks it, and its own parser reads and writes it. */
const throughLibvirt = async (folder: string, xml: string): Promise<string> => {
  const file = join(folder, 'domain.xml');
  await writeFile(file, xml);
  const script = `define --validate ${file}; dumpxml ${UUID}`;
  const { stdout } = await promisify(execFile)('virsh', ['-c', 'test:///default', script], { timeout: 15_000 });
  return stdout.slice(stdout.indexOf('<domain'));
};

describe("libvirt's own schema and parser", () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hatchery-xml-'));
  });

  after(() => rm(folder, { recursive: true, force: true }));

  for (const kind of ['xen', 'lxc', 'test'] satisfies readonly HypervisorKind[]) {
    for (const [what, plan] of Object.entries({ full, bare, hvm })) {
      it(`accept a ${what} domain for ${kind}, and give back whose it is`, async () => {
        const returned = await throughLibvirt(folder, domainXml(kind, plan));
        const reading = readDomainXml(returned, CLUSTER);
        assert.ok(reading.ok, returned);
        const { ownership, name, uuid, memoryKiB, title, interfaces } = reading.domain;
        const { address, ...rest } = plan.identity;
        const expected = address === undefined ? rest : { ...rest, address };
        assert.deepEqual(ownership, { kind: 'ours', identity: expected });
        assert.deepEqual([name, uuid, memoryKiB, title], [plan.name, UUID, 65_536, 'default/hello']);
        const wanted = plan.interface === undefined ? [] : [{ mac: macOf(ADDRESS), bridge: 'xenbr1' }];
        // LXC's link on no bridge is there to be looked at, not to be used.
        assert.deepEqual(
          interfaces.filter(({ bridge }) => bridge !== undefined),
          wanted,
        );
      });
    }
  }

  it('keep the command line for whoever plays the guests of the test driver', async () => {
    const returned = await throughLibvirt(folder, domainXml('test', full));
    assert.match(
      returned,
      /<cmdline>console=hvc0 &quot;quoted&quot; &lt;angle&gt; &amp; .* é \$\(STAYS\) -mode hello<\/cmdline>/,
    );
  });
});
