import assert from 'node:assert/strict';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ShutoffReason } from '#controller/libvirt/index.ts';
import type { Domain } from '#controller/libvirt/index.ts';
import { createTestHost, packages } from '#hack/hosts/test/host.ts';
import { STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import type { Bed } from '#hack/bed/bed.ts';
import type { TestHost } from '#hack/hosts/host.ts';
import { startWatched } from './domains.ts';
import type { Watched } from './domains.ts';

describe("a host on libvirt's test driver", () => {
  let bed: Bed;
  let host: TestHost;
  let client: Watched;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    ({ bed, host, client } = await startWatched(packages, (own) => createTestHost(own, 64)));
  });

  after(async () => {
    await client.close();
    await host.stop();
  });

  const pidOf = async (name: string): Promise<number> =>
    Number((await readFile(join(bed.dir, 'run', `${name}.pid`), 'utf8')).trim());

  const poolOfNow = async (): Promise<string> => (await client.hypervisor.poolLookupByName('hatchery')).uuid;

  const stateOf = async (domain: Domain): Promise<string> => {
    const { state, reason } = await client.hypervisor.getState(domain);
    return `${state}/${reason}`;
  };

  it('is empty at first, with the images that every host has', async () => {
    assert.deepEqual(await client.hypervisor.listAllDomains(), []);
    const pool = await client.hypervisor.poolLookupByName('hatchery');
    for (const name of ['hatchling', 'hatchling-initrd']) {
      const volume = await client.hypervisor.volLookupByName(pool, name);
      assert.equal(await client.hypervisor.volGetPath(volume), join(host.imageDirectory, name));
    }
  });

  const endings = [
    { words: 'quiet -mode hello', ends: `shutoff/${ShutoffReason.shutdown}`, event: 'stopped/0' },
    { words: '-mode run -seconds 0.2', ends: `shutoff/${ShutoffReason.shutdown}`, event: 'stopped/0' },
    { words: '-mode reboot', ends: `shutoff/${ShutoffReason.shutdown}`, event: 'stopped/0' },
    { words: '-mode crash', ends: `shutoff/${ShutoffReason.crashed}`, event: 'stopped/2' },
  ];
  for (const [index, { words, ends, event }] of endings.entries()) {
    it(`plays "${words}"`, async () => {
      const domain = await client.start({ address: `198.19.252.${10 + index}`, words });
      await eventually(async () => assert.equal(await stateOf(domain), ends));
      await eventually(() => assert.deepEqual(client.eventsOf(domain), ['defined/0', 'started/0', event]));
    });
  }

  it('leaves one that hangs alone', async () => {
    const hanging = await client.start({ address: '198.19.252.30', words: '-mode hang' });
    const later = await client.start({ address: '198.19.252.31', words: '-mode run -seconds 0.4' });
    await eventually(async () => assert.equal(await stateOf(later), `shutoff/${ShutoffReason.shutdown}`));
    assert.equal((await client.hypervisor.getState(hanging)).state, 'running');
    await client.hypervisor.destroy(hanging);
  });

  it('plays two hundred at once', async () => {
    const addresses = Array.from({ length: 200 }, (_, index) => `198.19.253.${index + 1}`);
    const domains = await Promise.all(addresses.map((address) => client.start({ address, words: '-mode hello' })));
    await eventually(() => {
      for (const domain of domains) assert.equal(client.eventsOf(domain).at(-1), 'stopped/0');
    });
  });

  it('forgets everything when its daemon is killed, and has another pool before a client can make one', async () => {
    const before = await poolOfNow();
    await client.start({ address: '198.19.252.40', words: '-mode hang' });
    const daemon = await pidOf(host.name);
    await host.daemon.kill();
    await host.daemon.start();
    assert.notEqual(await pidOf(host.name), daemon);
    await client.hypervisor.connected(10_000);
    assert.notEqual(await poolOfNow(), before);
    assert.deepEqual(await client.hypervisor.listAllDomains(), []);
    const domain = await client.start({ address: '198.19.252.41', words: '-mode hello' });
    await eventually(async () => assert.equal(await stateOf(domain), `shutoff/${ShutoffReason.shutdown}`));
  });

  it('answers nothing while it is paused, and goes on', async () => {
    await host.daemon.pause();
    try {
      await assert.rejects(client.hypervisor.getHostname({ timeoutMs: 200 }), { kind: 'timeout' });
    } finally {
      await host.daemon.resume();
    }
    assert.equal(typeof (await client.hypervisor.getHostname()), 'string');
  });

  it('gets a new player where that one was killed, who plays on with those that run', async () => {
    const pool = await poolOfNow();
    const running = await client.start({ address: '198.19.252.50', words: '-mode run -seconds 1' });
    process.kill(await pidOf(`${host.name}-guests`), 'SIGKILL');
    await eventually(async () => assert.equal(await host.isRunning(), false));
    await host.start();
    assert.equal(await poolOfNow(), pool);
    await eventually(async () => assert.equal(await stateOf(running), `shutoff/${ShutoffReason.shutdown}`));
  });

  it('leaves nothing when it is stopped, and stops twice', async () => {
    const other = createTestHost(bed, 63);
    await other.start();
    assert.equal(await other.isRunning(), true);
    await other.stop();
    await other.stop();
    assert.equal(await other.isRunning(), false);
    await assert.rejects(access(join(bed.runDir, other.name)), { code: 'ENOENT' });
    await assert.rejects(access(join(bed.dir, 'run', `${other.name}.pid`)), { code: 'ENOENT' });
  });
});
