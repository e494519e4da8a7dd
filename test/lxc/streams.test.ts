import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Domain, StoragePool } from '#controller/libvirt/index.ts';
import { createLxcHost, packages } from '#hack/hosts/lxc/host.ts';
import type { TestHost } from '#hack/hosts/host.ts';
import { STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { endIfItRuns, startWatched } from '../integration/hosts/domains.ts';
import type { Watched } from '../integration/hosts/domains.ts';

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

// The test driver has neither consoles nor volumes of substance.
describe('libvirt streams of a real daemon', () => {
  let host: TestHost;
  let client: Watched;
  let pool: StoragePool;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    ({ host, client } = await startWatched(packages, (bed) => createLxcHost(bed, 5)));
    pool = await client.hypervisor.poolCreateXml(
      `<pool type='dir'><name>streams</name><target><path>${host.imageDirectory}</path></target></pool>`,
    );
  });

  after(async () => {
    await client.close();
    await host.stop();
  });

  const start = (last: number, words: string): Promise<Domain> =>
    client.start({ address: `${host.gateway.replace(/\.\d+$/, '')}.${last}`, words });

  const makeVolume = (name: string) =>
    client.hypervisor.volCreateXml(
      pool,
      `<volume><name>${name}</name><capacity unit='bytes'>0</capacity><target><format type='raw'/></target></volume>`,
    );

  it('uploads a volume whole', async () => {
    const { hypervisor } = client;
    const bytes = randomBytes(3_000_001);
    const volume = await makeVolume('uploaded');
    assert.equal(await hypervisor.volUpload(volume, bytes), bytes.length);
    assert.equal(digest(await readFile(join(host.imageDirectory, 'uploaded'))), digest(bytes));
    await hypervisor.poolRefresh(pool);
    assert.equal((await hypervisor.volGetInfo(volume)).capacity, bytes.length);
    await hypervisor.volDelete(volume);
  });

  it('uploads from a source that comes in pieces, many at once beside other calls', async () => {
    const { hypervisor } = client;
    const pieces = Array.from({ length: 40 }, () => randomBytes(50_000));
    const uploads = ['a', 'b', 'c'].map(async (name) => {
      const volume = await makeVolume(name);
      await hypervisor.volUpload(volume, pieces);
      assert.equal(digest(await readFile(join(host.imageDirectory, name))), digest(Buffer.concat(pieces)));
      await hypervisor.volDelete(volume);
    });
    await Promise.all([...uploads, hypervisor.listAllDomains(), hypervisor.getHostname()]);
    assert.equal(hypervisor.session?.generation, 1);
  });

  it('breaks off an upload whose source fails, and the daemon goes on', async () => {
    const volume = await makeVolume('broken');
    const source = function* (): Generator<Uint8Array> {
      yield randomBytes(300_000);
      throw new RangeError('unreadable');
    };
    await assert.rejects(client.hypervisor.volUpload(volume, source()), RangeError);
    // The daemon lets the volume go once it has noticed.
    await eventually(() => client.hypervisor.volDelete(volume));
  });

  it('reads what a domain says on its console until it ends', async () => {
    const domain = await start(160, '-mode print -bytes 200000');
    const console = await client.hypervisor.openConsole(domain);
    let length = 0;
    for await (const bytes of console) length += bytes.length;
    assert.ok(length > 100_000, `${length} bytes`);
    await eventually(async () => assert.equal((await client.hypervisor.getState(domain)).state, 'shutoff'));
    await client.hypervisor.undefine(domain);
  });

  it('leaves a console, which the domain survives and another may take', async () => {
    const domain = await start(161, '-mode run -seconds 30');
    const first = await client.hypervisor.openConsole(domain);
    await first.close();
    const second = await eventually(() => client.hypervisor.openConsole(domain));
    await second.close();
    assert.equal((await client.hypervisor.getState(domain)).state, 'running');
    await client.hypervisor.destroy(domain);
    await client.hypervisor.undefine(domain);
  });

  it('tells of a reboot, which is the guest’s own and not the machine’s', async () => {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    // libvirt does not tell of every container's end (lxc-host.md, 5), nor of its reboot: of one of several it does.
    const domains = await Promise.all([162, 163, 164, 165].map((last) => start(last, '-mode reboot')));
    await eventually(() => assert.ok(domains.some(({ uuid }) => client.reboots.includes(uuid))));
    // Started again, each reboots again, until it is once gone too soon for libvirt to see it start.
    for (const domain of domains) {
      await endIfItRuns(client.hypervisor, domain);
      await client.hypervisor.undefine(domain);
    }
    assert.equal(await readFile('/proc/sys/kernel/random/boot_id', 'utf8'), boot);
  });
});
