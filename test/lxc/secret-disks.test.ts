import assert from 'node:assert/strict';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { secretVolume } from '#controller/domain/disks.ts';
import { SecretValues } from '#controller/domain/secrets.ts';
import { UUID } from '#controller/lifecycle/testing/scene.ts';
import type { StoragePool } from '#controller/libvirt/index.ts';
import { ensurePackages } from '#hack/bed/packages.ts';
import { createLxcHost, packages } from '#hack/hosts/lxc/host.ts';
import type { TestHost } from '#hack/hosts/host.ts';
import { STARTUP_TIMEOUT_MS, sharedBed } from '#test/support/bed.ts';
import { watch } from '../integration/hosts/domains.ts';
import type { Watched } from '../integration/hosts/domains.ts';
import { createDiskStage } from '../integration/lifecycle/disk-stage.ts';

// LXC hosts attach no disks; but their daemon's storage is the one that Xen's has.
describe('disks with secret values, as files of a real daemon', () => {
  let host: TestHost;
  let client: Watched;
  let pool: StoragePool;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    await ensurePackages(packages);
    host = createLxcHost(await sharedBed(), 6);
    await host.start();
    client = watch(host);
    await client.hypervisor.connected(10_000);
    pool = await client.hypervisor.poolCreateXml(
      `<pool type='dir'><name>secrets</name><target><path>${host.imageDirectory}</path></target></pool>`,
    );
  });

  after(async () => {
    await client.close();
    await host.stop();
  });

  it('are root’s alone, hold the values of now, and are overwritten before they are deleted', async () => {
    const { state, contact, disks, forget } = createDiskStage(client.hypervisor, pool);
    const volume = secretVolume({ cluster: state.cluster, uuid: UUID });
    const path = join(host.imageDirectory, volume);
    const make = async (value: string): Promise<Buffer> => {
      const secrets = new SecretValues([['A', Buffer.from(value)]]);
      assert.equal(await disks.make(contact, UUID, [{ kind: 'secret', volume }], secrets), undefined);
      return secrets.disk();
    };
    const contentOf = async (file: Awaited<ReturnType<typeof open>>): Promise<Buffer> => {
      const { size } = await file.stat();
      return (await file.read(Buffer.alloc(size), 0, size, 0)).buffer;
    };

    await make('of a controller that was killed'.repeat(40));
    const earlier = await open(path);
    const disk = await make('TheValueItself');
    const file = await open(path);
    try {
      assert.deepEqual(await contentOf(file), disk);
      const { mode, uid, gid } = await stat(path);
      assert.deepEqual([mode & 0o777, uid, gid], [0o600, 0, 0]);
      const old = await contentOf(earlier);
      assert.ok(old.length > 1_000 && old.every((byte) => byte === 0), 'the earlier one was overwritten');

      forget();
      await disks.release(UUID);
      await assert.rejects(stat(path), { code: 'ENOENT' });
      assert.ok(
        (await contentOf(file)).every((byte) => byte === 0),
        'it was overwritten',
      );
    } finally {
      await earlier.close();
      await file.close();
    }
  });
});
