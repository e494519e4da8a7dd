import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import { Affect, LibvirtError, ShutoffReason, Signal } from '#controller/libvirt/index.ts';
import type { Hypervisor, LibvirtErrorKind } from '#controller/libvirt/index.ts';
import { startLibvirtd } from '#test/support/libvirtd.ts';
import type { Libvirtd } from '#test/support/libvirtd.ts';
import { connectRecorded, testDomain } from './domains.ts';

const failsWith = (kind: LibvirtErrorKind, code: number) => (error: unknown) => {
  assert.ok(error instanceof LibvirtError, String(error));
  assert.deepEqual({ kind: error.kind, code: error.code }, { kind, code }, error.message);
  assert.equal(error.mayHaveRun, false);
  return true;
};

describe('libvirt calls on a real daemon', () => {
  let daemon: Libvirtd;
  let hypervisor: Hypervisor;

  before(async () => {
    daemon = await startLibvirtd();
    ({ hypervisor } = await connectRecorded({ uri: daemon.uri }));
  });

  after(async () => {
    await hypervisor.close();
    await daemon.stop();
  });

  it('tells about the host', async () => {
    const [capabilities, name, version, hypervisorVersion, node, free] = await Promise.all([
      hypervisor.getCapabilities(),
      hypervisor.getHostname(),
      hypervisor.getLibVersion(),
      hypervisor.getVersion(),
      hypervisor.nodeGetInfo(),
      hypervisor.nodeGetFreeMemory(),
    ]);
    assert.match(capabilities, /^<capabilities>/);
    assert.notEqual(name, '');
    assert.equal(version.text, `${version.major}.${version.minor}.${version.release}`);
    assert.ok(version.major >= 9);
    assert.equal(hypervisorVersion.text, '0.0.2');
    assert.deepEqual(node, {
      model: 'i686',
      memory: 3_145_728,
      cpus: 16,
      mhz: 1400,
      nodes: 2,
      sockets: 2,
      cores: 2,
      threads: 2,
    });
    assert.equal(free, 3_145_728);
  });

  it('runs a transient domain and forgets it when it is destroyed', async () => {
    const uuid = randomUUID();
    const domain = await hypervisor.createXml(testDomain('transient', uuid));
    assert.deepEqual({ name: domain.name, uuid: domain.uuid }, { name: 'transient', uuid });
    assert.ok(domain.id > 0);
    assert.deepEqual(await hypervisor.lookupByUuid(uuid), domain);
    assert.deepEqual(await hypervisor.lookupByName('transient'), domain);
    assert.ok((await hypervisor.listAllDomains()).some((listed) => listed.uuid === uuid));
    assert.equal((await hypervisor.getState(domain)).state, 'running');
    const info = await hypervisor.getInfo(domain);
    assert.deepEqual([info.state, info.memory, info.maxMemory, info.vcpus], ['running', 1024, 1024, 1]);
    assert.match(await hypervisor.getXmlDesc(domain), new RegExp(`<uuid>${uuid}</uuid>`));
    await hypervisor.destroy(domain);
    await assert.rejects(hypervisor.getState(domain), failsWith('no-domain', 42));
    await assert.rejects(hypervisor.lookupByUuid(uuid), failsWith('no-domain', 42));
    await assert.rejects(hypervisor.lookupByName('transient'), failsWith('no-domain', 42));
  });

  it('defines, starts, shuts down and undefines a persistent domain', async () => {
    const defined = await hypervisor.defineXml(testDomain('persistent'));
    assert.equal(defined.id, -1);
    assert.equal((await hypervisor.getState(defined)).state, 'shutoff');
    const started = await hypervisor.create(defined);
    assert.ok(started.id > 0);
    await hypervisor.suspend(started);
    assert.equal((await hypervisor.getState(started)).state, 'paused');
    await hypervisor.resume(started);
    await hypervisor.shutdown(started);
    assert.deepEqual(await hypervisor.getState(started), {
      state: 'shutoff',
      code: 5,
      reason: ShutoffReason.shutdown,
    });
    await assert.rejects(hypervisor.destroy(started), failsWith('operation-invalid', 55));
    await hypervisor.undefine(started);
    await assert.rejects(hypervisor.getState(started), failsWith('no-domain', 42));
  });

  it('keeps metadata under a namespace', async () => {
    const namespace = 'urn:example';
    const domain = await hypervisor.createXml(testDomain('described'));
    await assert.rejects(hypervisor.getMetadata(domain, namespace), failsWith('no-metadata', 80));
    await hypervisor.setMetadata(domain, { xml: '<mark>1</mark>', key: 'e', namespace }, Affect.live);
    assert.match(await hypervisor.getMetadata(domain, namespace), /<mark>1<\/mark>/);
    await hypervisor.setMetadata(domain, { xml: undefined, key: 'e', namespace }, Affect.live);
    await assert.rejects(hypervisor.getMetadata(domain, namespace), failsWith('no-metadata', 80));
    await hypervisor.destroy(domain);
  });

  it('reads the counters of an interface by its device or not at all', async () => {
    const interfaces = `<devices><interface type='network'><source network='default'/><target dev='testnet9'/></interface></devices>`;
    const domain = await hypervisor.createXml(testDomain('networked', randomUUID(), interfaces));
    const stats = await hypervisor.interfaceStats(domain, 'testnet9');
    assert.ok(Object.values(stats).every((value) => Number.isSafeInteger(value)));
    assert.equal(Object.keys(stats).length, 8);
    await assert.rejects(hypervisor.interfaceStats(domain, 'nowhere'), failsWith('invalid-arg', 8));
    await hypervisor.destroy(domain);
  });

  it('names the cause of a refusal', async () => {
    const uuid = randomUUID();
    const domain = await hypervisor.createXml(testDomain('taken', uuid));
    await assert.rejects(hypervisor.createXml(testDomain('taken', uuid)), failsWith('operation-invalid', 55));
    await assert.rejects(hypervisor.createXml(testDomain('taken')), failsWith('operation-failed', 9));
    await assert.rejects(hypervisor.createXml(testDomain('other', uuid)), failsWith('operation-failed', 9));
    await assert.rejects(hypervisor.createXml('<domain'), failsWith('xml', 35));
    await hypervisor.destroy(domain);
  });

  it('names process and signal where one is sent (the test driver looks at both and does no more)', async () => {
    const domain = await hypervisor.createXml(testDomain('signalled'));
    await hypervisor.sendProcessSignal(domain, 1, Signal.kill);
    await assert.rejects(hypervisor.sendProcessSignal(domain, 77, Signal.kill), /only sending a signal to pid 1/);
    await assert.rejects(hypervisor.sendProcessSignal(domain, 1, 999), /signum value 999/);
    await hypervisor.destroy(domain);
  });

  it('makes, reads and removes pools and volumes', async () => {
    const uuid = randomUUID();
    const pool = await hypervisor.poolCreateXml(
      `<pool type='dir'><name>images</name><uuid>${uuid}</uuid><target><path>/nowhere</path></target></pool>`,
    );
    assert.deepEqual(pool, { name: 'images', uuid });
    assert.deepEqual(await hypervisor.poolLookupByName('images'), pool);
    assert.deepEqual(await hypervisor.poolLookupByUuid(uuid), pool);
    assert.ok((await hypervisor.listAllPools()).some((listed) => listed.uuid === uuid));
    assert.match(await hypervisor.poolGetXmlDesc(pool), new RegExp(`<uuid>${uuid}</uuid>`));
    await hypervisor.poolRefresh(pool);

    const volume = await hypervisor.volCreateXml(pool, '<volume><name>kernel</name><capacity>4096</capacity></volume>');
    assert.deepEqual(volume, { pool: 'images', name: 'kernel', key: '/nowhere/kernel' });
    assert.deepEqual(await hypervisor.volLookupByName(pool, 'kernel'), volume);
    assert.deepEqual(await hypervisor.volGetInfo(volume), { type: 'file', capacity: 4096, allocation: 4096 });
    assert.equal(await hypervisor.volGetPath(volume), '/nowhere/kernel');

    await hypervisor.volDelete(volume);
    await assert.rejects(hypervisor.volLookupByName(pool, 'kernel'), failsWith('no-storage-vol', 50));
    await hypervisor.poolDestroy(pool);
    await assert.rejects(hypervisor.poolLookupByName('images'), failsWith('no-storage-pool', 49));
  });

  it('says what the driver cannot do: a stream is refused and its connection given back', async () => {
    const domain = await hypervisor.createXml(testDomain('mute'));
    await assert.rejects(hypervisor.openConsole(domain), failsWith('no-support', 3));
    const pool = await hypervisor.poolLookupByName('default-pool');
    const volume = await hypervisor.volCreateXml(pool, '<volume><name>v</name><capacity>1</capacity></volume>');
    await assert.rejects(hypervisor.volUpload(volume, Buffer.from('x')), failsWith('no-support', 3));
    await hypervisor.destroy(domain);
  });

  it('refuses what does not fit into a message before it is sent', async () => {
    await assert.rejects(hypervisor.lookupByUuid('no uuid'), (error) => {
      assert.ok(error instanceof LibvirtError);
      assert.deepEqual([error.kind, error.mayHaveRun], ['protocol', false]);
      return true;
    });
    await assert.rejects(hypervisor.lookupByName('x'.repeat(4_194_305)), /string of 4194305/);
    assert.notEqual(await hypervisor.getHostname(), '');
  });
});
