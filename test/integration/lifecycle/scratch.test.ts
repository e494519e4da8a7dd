import assert from 'node:assert/strict';

import { scratchVolume, secretVolume } from '#controller/domain/disks.ts';
import type { ScratchPlan } from '#controller/domain/disks.ts';
import { SecretValues } from '#controller/domain/secrets.ts';
import { silentLogger } from '#controller/kube/index.ts';
import { connect } from '#controller/libvirt/index.ts';
import type { Hypervisor } from '#controller/libvirt/index.ts';
import { UUID } from '#controller/lifecycle/testing/scene.ts';
import { ScratchDisks } from '#controller/lifecycle/scratch.ts';
import { startLibvirtd } from '#test/support/libvirtd.ts';
import type { Libvirtd } from '#test/support/libvirtd.ts';
import { createDiskStage } from './disk-stage.ts';

const STRANGER = '6f1c2a0e-8d34-5b7e-9a41-6c0d3e9b7f25';
const GIB = 2 ** 30;

/** libvirt's test driver keeps volumes in name only, and counts what they take: all that bookkeeping needs. */
describe('scratch disks on a real daemon', () => {
  let daemon: Libvirtd;
  let client: Hypervisor;

  before(async () => {
    daemon = await startLibvirtd();
    client = connect({ uri: daemon.uri });
    await client.connected(10_000);
  });

  after(async () => {
    await client.close();
    await daemon.stop();
  });

  /** A pool of its own, and a host that knows one domain: UUID. */
  async function setUp(name: string) {
    const pool = await client.poolCreateXml(
      `<pool type='dir'><name>${name}</name><target><path>/${name}</path></target></pool>`,
    );
    const stage = createDiskStage(client, pool);
    const { state } = stage;
    const plan = (index: number, bytes: number, uuid = UUID): ScratchPlan => ({
      kind: 'scratch',
      name: `disk-${index}`,
      volume: scratchVolume({ cluster: state.cluster, uuid }, index),
      size: `${bytes}`,
      bytes,
    });
    const addVolume = (volume: string) =>
      client.volCreateXml(pool, `<volume><name>${volume}</name><capacity>1024</capacity></volume>`);
    return { ...stage, plan, addVolume };
  }

  it('are made of their size, and deleted once the domain is gone', async () => {
    const { contact, disks, pool, volumes, plan, forget } = await setUp('made');
    const plans = [plan(0, 2 ** 20), plan(2, GIB)];
    assert.equal(await disks.make(contact, UUID, plans), undefined);
    assert.deepEqual(
      await volumes(),
      plans.map(({ volume }) => volume),
    );
    for (const { volume, bytes } of plans) {
      const { capacity } = await client.volGetInfo(await client.volLookupByName(pool, volume));
      assert.equal(capacity, bytes);
    }
    forget();
    await disks.release(UUID);
    assert.deepEqual(await volumes(), []);
  });

  it('are made anew where an earlier process made them', async () => {
    const { state, store, contact, disks, volumes, plan, forget } = await setUp('twice');
    await disks.make(contact, UUID, [plan(0, GIB)]);
    const later = new ScratchDisks({ state, store, logger: silentLogger });
    assert.equal(await later.make(contact, UUID, [plan(0, GIB)]), undefined);
    assert.equal((await volumes()).length, 1);
    await later.sweep(contact);
    forget();
    await later.release(UUID);
    assert.deepEqual(await volumes(), []);
  });

  it('are of their size also where an earlier one was made by half', async () => {
    const { contact, disks, pool, plan } = await setUp('half');
    const { volume } = plan(0, 0);
    await client.volCreateXml(pool, `<volume><name>${volume}</name><capacity>0</capacity></volume>`);
    assert.equal(await disks.make(contact, UUID, [plan(0, GIB)]), undefined);
    assert.equal((await client.volGetInfo(await client.volLookupByName(pool, volume))).capacity, GIB);
  });

  it('that are more than there is room for are refused by name, size and host, and none is left', async () => {
    const { contact, disks, pool, volumes, plan, forget } = await setUp('full');
    const { available } = await client.poolGetInfo(pool);
    const big = { ...plan(1, available), size: '10Gi' };
    const fault = await disks.make(contact, UUID, [plan(0, GIB), big]);
    assert.match(
      fault ?? '',
      /^h cannot make the scratch disk "disk-1" of 10Gi: the image directory has \d+Gi free; ask for less, or make room there$/,
    );
    forget();
    await disks.release(UUID);
    assert.deepEqual(await volumes(), []);
  });

  it('stay while their domain is listed, bound, being bound, or perhaps known to Xen alone', async () => {
    const { state, store, bound, contact, disks, volumes, plan } = await setUp('wanted');
    await disks.make(contact, UUID, [plan(0, GIB)]);
    const stays = async (): Promise<void> => {
      await disks.release(UUID);
      for (let look = 0; look < 3; look += 1) await disks.sweep(contact);
      assert.equal((await volumes()).length, 1);
    };
    await stays();
    state.domains.delete(UUID);
    await stays();
    const failed = { ...bound, status: { ...bound.status, phase: 'Failed', reason: 'HostStateUnknown' } };
    store.replaceAll([failed], '9');
    await stays();
    store.replaceAll([], '10');
    state.assumed.add(UUID);
    await stays();
    state.assumed.delete(UUID);
    await disks.release(UUID);
    assert.deepEqual(await volumes(), []);
  });

  it('that are left over go at the second look; images and what another cluster made never do', async () => {
    const { state, contact, disks, volumes, plan, addVolume } = await setUp('swept');
    const others = [
      'hatchling',
      'hatchery-scratch-notes',
      scratchVolume({ cluster: 'another', uuid: STRANGER }, 0),
      secretVolume({ cluster: 'another', uuid: STRANGER }),
      `${plan(0, 0, STRANGER).volume}.bak`,
    ];
    const secret = secretVolume({ cluster: state.cluster, uuid: STRANGER });
    const left = [plan(0, 0, STRANGER).volume, plan(1, 0, STRANGER).volume, secret];
    for (const volume of [...others, ...left]) await addVolume(volume);
    await disks.sweep(contact);
    assert.equal((await volumes()).length, 8);
    await disks.sweep(contact);
    assert.deepEqual(await volumes(), others.toSorted());
  });

  it('with secret values that cannot be written are refused by size and host, without a value, and none is left', async () => {
    const { state, contact, disks, volumes, plan, forget } = await setUp('secrets');
    const volume = secretVolume({ cluster: state.cluster, uuid: UUID });
    const secrets = new SecretValues([['A', Buffer.from('TheValueItself')]]);
    const fault = await disks.make(contact, UUID, [plan(0, GIB), { kind: 'secret', volume }], secrets);
    // The test driver takes no uploads.
    assert.match(
      fault ?? '',
      /^h cannot make the disk of 512 bytes for parameters from Secrets: .*not supported.*; ask for less, or make room there$/,
    );
    assert.doesNotMatch(fault ?? '', /TheValue/);
    assert.deepEqual(await volumes(), [plan(0, 0).volume, volume]);
    forget();
    await disks.release(UUID);
    assert.deepEqual(await volumes(), []);
  });

  it('are no trouble where the host does not answer: they are swept later', async () => {
    const { state, contact, disks, volumes, plan, forget } = await setUp('silent');
    await disks.make(contact, UUID, [plan(0, GIB)]);
    forget();
    const lost = { ...contact, session: { ...contact.session, generation: -1 } };
    state.contact = lost;
    await disks.release(UUID);
    await disks.sweep(lost);
    assert.equal((await volumes()).length, 1);
    state.contact = contact;
    await disks.sweep(contact);
    await disks.sweep(contact);
    assert.deepEqual(await volumes(), []);
  });
});
