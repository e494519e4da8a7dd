import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import type { DomainSpec, EphemeralDomain } from '#controller/api/index.ts';
import { scratchVolume } from '#controller/domain/disks.ts';
import { NAMESPACES } from '#controller/kube/index.ts';
import { STARTUP_TIMEOUT_MS, TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createStage, inPhase } from './stage.ts';
import type { Stage } from './stage.ts';
import type { StageHost } from './stage-hosts.ts';

describe('what a host on the test driver is able to do', function () {
  this.timeout(TEST_TIMEOUT_MS);
  let stage: Stage;
  let host: StageHost;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    stage = await createStage();
    // Six addresses, one of them the gateway's.
    host = await stage.host({ 'hatchery.dev/domain-cidr': '198.19.251.0/29' });
  });
  after(() => stage.dispose());

  const spec = (changes: Partial<DomainSpec>): { readonly domain: DomainSpec } => ({
    domain: { type: 'pv', memory: '64Mi', vcpus: 1, boot: { kernel: 'hatchling', cmdline: '$(IP)' }, ...changes },
  });
  const waiting = (message: string) => (resource: EphemeralDomain) => {
    assert.equal(resource.status?.message, message);
  };
  const volumes = async (): Promise<readonly string[]> => {
    const pool = await host.client.poolLookupByName('hatchery');
    return (await host.client.poolListAllVolumes(pool)).map(({ name }) => name);
  };

  it('deletes scratch disks that a controller which was killed left there, and nothing else', async () => {
    const { uid: cluster } = (await stage.rest.get(NAMESPACES, { name: 'kube-system' })).metadata;
    const left = scratchVolume({ cluster, uuid: randomUUID() }, 0);
    const others = scratchVolume({ cluster: randomUUID(), uuid: randomUUID() }, 0);
    const pool = await host.client.poolLookupByName('hatchery');
    for (const name of [left, others]) {
      await host.client.volCreateXml(pool, `<volume><name>${name}</name><capacity>1024</capacity></volume>`);
    }
    await stage.controller();
    await eventually(async () => assert.ok(!(await volumes()).includes(left)), { timeoutMs: 50_000, intervalMs: 500 });
    assert.deepEqual((await volumes()).toSorted(), ['hatchling', others].toSorted());
  });

  it('is told by its DomainHost: it takes every type', async () => {
    await eventually(async () => {
      const { hypervisor } = (await stage.getHost(host.name)).status ?? {};
      assert.deepEqual(hypervisor?.domainTypes, ['pv', 'pvh', 'hvm']);
    });
    await stage.create('hvm', spec({ type: 'hvm' }));
    await stage.until('hvm', inPhase('Running'));
  });

  it('is not to attach disks: a domain with one waits, and says why', async () => {
    await stage.create('disk', spec({ disks: [{ name: 'work', scratch: { size: '1Mi' } }] }));
    await stage.until('disk', waiting('0/1 hosts: 1 cannot attach disks'));
  });

  it('a domain without an interface takes no address, and is named by its UUID', async () => {
    await stage.create('mute', spec({ interfaces: [] }));
    const { status } = await stage.until('mute', inPhase('Running'));
    assert.equal(status?.address, undefined);
    const { name, uuid = '' } = status?.domain ?? {};
    assert.equal(name, `edom-${uuid}`);
    const xml = await host.client.getXmlDesc({ name: '', uuid });
    assert.doesNotMatch(xml, /<interface/);
    assert.match(xml, /<cmdline>\$\(IP\)<\/cmdline>/);
  });

  it('runs one without an interface where no address is free', async () => {
    const names = ['a', 'b', 'c', 'd'];
    for (const name of names) await stage.create(name, spec({}));
    for (const name of names) await stage.until(name, inPhase('Running'));
    await stage.create('late', spec({}));
    await stage.create('none', spec({ interfaces: [] }));
    await stage.until('none', inPhase('Running'));
    await stage.until('late', waiting('0/1 hosts: 1 has no free address'));
  });
});
