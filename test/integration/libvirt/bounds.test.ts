import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';

import { LibvirtError, connect } from '#controller/libvirt/index.ts';
import type { Domain, Hypervisor } from '#controller/libvirt/index.ts';
import { eventually } from '#test/support/eventually.ts';
import { startLibvirtd } from '#test/support/libvirtd.ts';
import type { Libvirtd } from '#test/support/libvirtd.ts';
import { connectRecorded, testDomain } from './domains.ts';

const kindOf = (error: unknown): string => (error instanceof LibvirtError ? error.kind : String(error));

/**
 * Calls that a real daemon does not answer: a core dump into a named pipe that nobody reads waits in open(2), with its
 * domain locked.
 */
const blockedDumps = async (hypervisor: Hypervisor, daemon: Libvirtd, count: number, timeoutMs: number) => {
  const pipe = join(daemon.folder, `pipe-${randomUUID()}`);
  execFileSync('mkfifo', [pipe]);
  const domains: Domain[] = [];
  for (let i = 0; i < count; i++) domains.push(await hypervisor.createXml(testDomain(`blocked-${randomUUID()}`)));
  const dumps = domains.map((domain) => hypervisor.coreDump(domain, pipe, 0, { timeoutMs }));
  return { settled: Promise.allSettled(dumps), release: () => readFrom(pipe) };
};

/**
 * Reads a named pipe until destroyed. Open for writing too, so that it does not end with the first dumps while others
 * are still to come; not by fs, where a read that waits would hold a thread that all file access shares.
 */
const readFrom = (pipe: string): Socket => {
  const fd = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
  return new Socket({ fd, readable: true, writable: false }).resume();
};

describe('libvirt calls that a real daemon leaves unanswered', () => {
  let daemon: Libvirtd;
  let hypervisor: Hypervisor;

  beforeEach(async () => {
    daemon = await startLibvirtd();
  });

  afterEach(async () => {
    await hypervisor.close();
    await daemon.stop();
  });

  it('never number five on a connection: with eight of them the daemon still reads it and answers pings', async () => {
    ({ hypervisor } = await connectRecorded({ uri: daemon.uri, keepAlive: { intervalMs: 50, misses: 4 } }));
    const domain = await hypervisor.createXml(testDomain('free'));
    const { settled, release } = await blockedDumps(hypervisor, daemon, 8, 20_000);

    // Twenty intervals of silence on that connection: five times what a deaf one survives.
    const waits = hypervisor.suspend(domain, { timeoutMs: 1_000 });
    await assert.rejects(waits, (error) => kindOf(error) === 'timeout');
    assert.equal(hypervisor.session?.generation, 1);

    const reader = release();
    const results = await settled;
    assert.deepEqual(new Set(results.map(({ status }) => status)), new Set(['fulfilled']));
    reader.destroy();
  });

  it('do not stand before what looks and ends: that goes over the other connection', async () => {
    ({ hypervisor } = await connectRecorded({ uri: daemon.uri }));
    const domain = await hypervisor.createXml(testDomain('free'));
    const { settled, release } = await blockedDumps(hypervisor, daemon, 4, 20_000);
    const slow = hypervisor.suspend(domain, { timeoutMs: 200 });

    assert.equal((await hypervisor.getState(domain, { timeoutMs: 1_000 })).state, 'running');
    await hypervisor.destroy(domain, 0, { timeoutMs: 1_000 });
    await assert.rejects(hypervisor.lookupByUuid(domain.uuid), (error) => kindOf(error) === 'no-domain');

    await assert.rejects(slow, (error) => {
      assert.ok(error instanceof LibvirtError);
      assert.deepEqual([error.kind, error.mayHaveRun], ['timeout', false]);
      return true;
    });
    const reader = release();
    await settled;
    reader.destroy();
  });

  it('run out of time as "may have run"; when they hold every place a new session is made', async () => {
    hypervisor = connect({ uri: daemon.uri });
    await hypervisor.connected(10_000);
    const { settled, release } = await blockedDumps(hypervisor, daemon, 4, 300);
    for (const result of await settled) {
      assert.ok(result.status === 'rejected' && result.reason instanceof LibvirtError);
      assert.ok(result.reason.mayHaveRun);
    }
    await eventually(() => assert.equal(hypervisor.session?.generation, 2));
    await hypervisor.createXml(testDomain('after'));
    release().destroy();
  });

  it('are bounded in number: more than may wait are refused at once', async () => {
    hypervisor = connect({ uri: daemon.uri, maxQueued: 10 });
    await hypervisor.connected(10_000);
    const kinds = await Promise.all(
      Array.from({ length: 30 }, () => hypervisor.getHostname().then(() => 'answered', kindOf)),
    );
    assert.equal(kinds.filter((kind) => kind === 'answered').length, 10);
    assert.equal(kinds.filter((kind) => kind === 'queue-full').length, 20);
  });
});

describe('libvirt calls side by side', () => {
  let daemon: Libvirtd;
  let hypervisor: Hypervisor;

  before(async () => {
    daemon = await startLibvirtd({ settings: { max_client_requests: 5 } });
    ({ hypervisor } = await connectRecorded({ uri: daemon.uri, maxQueued: 20_000 }));
  });

  after(async () => {
    await hypervisor.close();
    await daemon.stop();
  });

  it('have no order: a destroy sent right behind its create is told whether it came too early', async () => {
    let early = 0;
    for (let i = 0; i < 200; i++) {
      const uuid = randomUUID();
      const name = `raced-${i}`;
      const [created, destroyed] = await Promise.allSettled([
        hypervisor.createXml(testDomain(name, uuid)),
        hypervisor.destroy({ name, uuid }),
      ]);
      assert.equal(created.status, 'fulfilled');
      if (destroyed.status === 'fulfilled') continue;
      assert.equal(kindOf(destroyed.reason), 'no-domain');
      early++;
      await hypervisor.destroy({ name, uuid });
    }
    assert.ok(early > 0, 'no destroy overtook its create, so nothing was shown');
  });

  it('fail alone where the daemon has more domains than a list may hold', async function () {
    this.timeout(120_000);
    const inFlight = 64;
    let left = 16_384;
    const worker = async (): Promise<void> => {
      while (left-- > 0) await hypervisor.createXml(testDomain(`many-${left}`));
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
    await assert.rejects(hypervisor.listAllDomains(), /Too many domains/);
    assert.notEqual(await hypervisor.getHostname(), '');
    assert.equal(hypervisor.session?.generation, 1);
  });
});
