import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

import { parse } from 'yaml';

import { EPHEMERAL_DOMAINS } from '#controller/api/index.ts';
import type { DiskSpec, DomainSpec, EphemeralDomain, EphemeralDomainSpec } from '#controller/api/index.ts';
import { SCRATCH_PREFIX } from '#controller/domain/disks.ts';
import type { Hypervisor, StoragePool } from '#controller/libvirt/index.ts';
import type { XenHost } from '#hack/hosts/xen/index.ts';
import { sharedHost, STARTUP_TIMEOUT_MS, XEN_TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createStage, finishedAs, inPhase } from '../integration/lifecycle/stage.ts';
import type { RunningController, Stage } from '../integration/lifecycle/stage.ts';
import type { AdoptedHost } from '../integration/lifecycle/stage-hosts.ts';

const LONG = 240_000;
const MIB = 2 ** 20;
const CONTENT = 'the-data-of-a-read-only-volume';
const DATA: DiskSpec = { name: 'data', volume: 'data.img' };
const WORK: DiskSpec = { name: 'work', scratch: { size: '8Mi' } };

describe('devices of domains on Xen', function () {
  this.timeout(XEN_TEST_TIMEOUT_MS);
  this.slow(60_000);
  let stage: Stage;
  let box: XenHost;
  let host: AdoptedHost;
  let controller: RunningController;
  let pool: StoragePool;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    box = await sharedHost('xen', 1);
    stage = await createStage();
    host = await stage.adopt(box);
    controller = await stage.controller({ options: { settleMs: 2_000 } });
    pool = await eventually(() => host.client.poolLookupByName('hatchery'), { timeoutMs: LONG });
    await upload(host.client, pool, 'data.img', Buffer.from(CONTENT.padEnd(MIB, '\n')));
  });
  after(() => stage.dispose());

  function guest(words: string, changes: Partial<DomainSpec> = {}): { readonly domain: DomainSpec } {
    const cmdline = `console=hvc0 quiet ${words}`;
    const boot = { kernel: 'hatchling', initrd: 'hatchling-initrd', cmdline };
    return { domain: { type: 'pv', memory: '96Mi', vcpus: 1, boot, interfaces: [], ...changes } };
  }

  /**
   * What the guest says on its console, up to its last word; read in dom0, since a libvirtd (11.3) can stop answering for
   * good when the stream of a Xen domain's console is closed.
   */
  async function saidBy(name: string): Promise<string> {
    const { status } = await stage.until(name, inPhase('Running'), LONG);
    const console = `/local/domain/${status?.domain?.id ?? ''}/console/tty`;
    const { output } = await box.dom0(`sed '/has [0-9]* disks/q' "$(xenstore-read ${console})"`, { timeoutMs: LONG });
    return output;
  }

  async function scratchVolumes(): Promise<readonly string[]> {
    const names = (await host.client.poolListAllVolumes(pool)).map((volume) => volume.name);
    return names.filter((name) => name.startsWith(SCRATCH_PREFIX));
  }

  /** Neither a scratch volume nor a loop device is left. */
  async function nothingLeft(): Promise<void> {
    await eventually(
      async () => {
        assert.deepEqual(await scratchVolumes(), []);
        assert.equal((await box.dom0('losetup -a')).output, '');
      },
      { timeoutMs: LONG, intervalMs: 500 },
    );
  }

  it('pv and pvh are what the host takes; for hvm it has no emulator, and a domain that asks for it waits', async () => {
    await eventually(
      async () => {
        const { hypervisor } = (await stage.getHost(host.name)).status ?? {};
        assert.deepEqual(hypervisor?.domainTypes, ['pv', 'pvh']);
      },
      { timeoutMs: LONG },
    );
    await stage.create('hvm', guest('-mode hello', { type: 'hvm' }));
    await stage.until('hvm', ({ status }) => assert.equal(status?.message, '0/1 hosts: 1 cannot run hvm'), LONG);
  });

  it('a PVH domain with an interface says hello and ends', async () => {
    await stage.create('pvh', guest('-mode hello', { type: 'pvh', interfaces: [{ name: 'guest' }] }));
    const { status } = await stage.until('pvh', finishedAs('Succeeded', 'PowerOff'), LONG);
    assert.ok(status?.address !== undefined);
  });

  for (const type of ['pv', 'pvh'] as const) {
    it(`a ${type} domain without an interface has a volume that it reads and a scratch disk that it writes`, async () => {
      const name = `disks-${type}`;
      await stage.create(name, guest('-mode disks', { type, disks: [DATA, WORK] }));
      const said = await saidBy(name);
      assert.match(said, new RegExp(`disk xvda: ${MIB} bytes, read-only, begins with "${CONTENT}"`));
      assert.match(said, new RegExp(`disk xvdb: ${8 * MIB} bytes, writable, was empty, written and read back`));
      assert.match(said, /has 2 disks/);
      const { status } = await stage.until(name, finishedAs('Succeeded', 'PowerOff'), LONG);
      assert.equal(status?.address, undefined);
      assert.equal(status?.domain?.name, `edom-${status?.domain?.uuid ?? ''}`);
      await nothingLeft();
    });
  }

  it('examples/disk.yaml and examples/pvh.yaml run', async () => {
    const [disk, pvh] = await Promise.all(['disk', 'pvh'].map(example));
    await stage.create('example-disk', disk);
    await stage.create('example-pvh', pvh);
    const said = await saidBy('example-disk');
    assert.match(said, new RegExp(`disk xvda: .* read-only, begins with "${CONTENT}"`));
    assert.match(said, /disk xvdb: .* writable, was empty, written and read back/);
    await stage.until('example-disk', finishedAs('Succeeded', 'PowerOff'), LONG);
    await stage.until('example-pvh', finishedAs('Succeeded', 'PowerOff'), LONG);
    await nothingLeft();
  });

  it('two domains have one volume at the same time', async () => {
    await stage.create('holder', guest('-mode run -seconds 600', { disks: [DATA] }));
    await stage.until('holder', inPhase('Running'), LONG);
    await stage.create('reader', guest('-mode disks', { disks: [WORK, DATA] }));
    const said = await saidBy('reader');
    assert.match(said, new RegExp(`disk xvdb: .* read-only, begins with "${CONTENT}"`));
    assert.equal((await stage.get('holder')).status?.phase, 'Running');
    await stage.rest.delete(EPHEMERAL_DOMAINS, { name: 'holder', namespace: stage.namespace });
    await stage.until('reader', finishedAs('Succeeded', 'PowerOff'), LONG);
    await nothingLeft();
  });

  it('volumes that are missing are all named [end: image-missing]', async () => {
    const disks = [{ name: 'a', volume: 'no.img' }, DATA, { name: 'b', volume: 'nor.img' }];
    await stage.create('missing', guest('-mode disks', { disks }));
    const { status } = await stage.until('missing', finishedAs('Failed', 'ImageNotFound'), LONG);
    assert.match(
      status?.message ?? '',
      /^there is no image "no\.img" and "nor\.img" in \/var\/lib\/hatchery\/images: .*\(host xen-1\)$/,
    );
  });

  it('a scratch disk that is more than there is room for is named, with its size and its host [end: disk-failed]', async () => {
    const disks: readonly DiskSpec[] = [WORK, { name: 'huge', scratch: { size: '1Ti' } }];
    await stage.create('full', guest('-mode disks', { disks }));
    const { status } = await stage.until('full', finishedAs('Failed', 'DiskFailed'), LONG);
    assert.match(status?.message ?? '', /^xen-1 cannot make the scratch disk "huge" of 1Ti: .* has \d+Mi free; /);
    await nothingLeft();
  });

  for (const when of ['before', 'after'] as const) {
    it(`a controller killed ${when} it asked for the domain: its disk is made once, and goes with it`, async () => {
      const name = `killed-${when}`;
      await controller.stop();
      const kill = { at: 1, when, counts: ({ call }: { readonly call: string }) => call === 'createXml' };
      // The first domain that is made after contact is the poke.
      const first = await stage.controller({ kill: { ...kill, at: 2 }, options: { settleMs: 2_000 } });
      await stage.create(name, guest('-mode disks', { disks: [WORK] }));
      await eventually(() => assert.ok(first.lifeline.isDead, 'not killed yet'), { timeoutMs: LONG });
      assert.equal((await scratchVolumes()).length, 1);
      controller = await stage.controller({ options: { settleMs: 2_000 } });
      const { status } = await stage.until(name, finishedAs('Succeeded', 'PowerOff'), LONG);
      assert.equal(host.starts.get(status?.domain?.uuid ?? ''), 1);
      await nothingLeft();
    });
  }
});

async function example(name: string): Promise<EphemeralDomainSpec> {
  const text = await readFile(new URL(`../../examples/${name}.yaml`, import.meta.url), 'utf8');
  return (parse(text) as EphemeralDomain).spec;
}

async function upload(client: Hypervisor, pool: StoragePool, name: string, content: Buffer): Promise<void> {
  const xml = `<volume><name>${name}</name><capacity>${content.length}</capacity></volume>`;
  await client.volUpload(await client.volCreateXml(pool, xml), content);
}
