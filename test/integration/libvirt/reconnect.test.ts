import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';

import { LibvirtError, connect } from '#controller/libvirt/index.ts';
import type { Hypervisor } from '#controller/libvirt/index.ts';
import { eventually } from '#test/support/eventually.ts';
import { startLibvirtd } from '#test/support/libvirtd.ts';
import type { Libvirtd } from '#test/support/libvirtd.ts';
import { connectRecorded, testDomain } from './domains.ts';
import { Workers, describeTimes, killAndReturn } from './workers.ts';

describe('libvirt sessions through the death of a real daemon', () => {
  let daemon: Libvirtd;
  let hypervisor: Hypervisor;

  beforeEach(async () => {
    daemon = await startLibvirtd();
  });

  afterEach(async () => {
    await hypervisor.close();
    await daemon.stop();
  });

  it('converge: six times kill -9 under 16 workers, every call in doubt settled by looking', async function () {
    this.timeout(60_000);
    hypervisor = connect({ uri: daemon.uri });
    await hypervisor.connected(10_000);
    const workers = new Workers(hypervisor, 16);
    const running = workers.run();
    const times: number[] = [];
    for (let kill = 1; kill <= 6; kill++) {
      const before = workers.cycles;
      await eventually(() => assert.ok(workers.cycles > before + 200), { intervalMs: 2 });
      times.push(await killAndReturn(daemon, hypervisor));
    }
    const after = workers.cycles;
    await eventually(() => assert.ok(workers.cycles > after + 200), { intervalMs: 2 });
    workers.stop();
    await running;

    assert.equal(hypervisor.session?.generation, 7);
    assert.ok(workers.inDoubt > 0, 'no call was under way at a kill, so nothing was shown');
    const left = (await hypervisor.listAllDomains()).filter(({ name }) => name.startsWith('worker-'));
    assert.deepEqual(left, []);
    console.log(
      `      ${workers.cycles} cycles, ${workers.inDoubt} calls in doubt, ${workers.refused} refused while down; ` +
        `from kill to reconnected ${describeTimes(times)}`,
    );
  });

  it('reject what was sent as "may have run", what was not as never run', async () => {
    hypervisor = connect({ uri: daemon.uri });
    await hypervisor.connected(10_000);
    daemon.pause();
    const calls = Array.from({ length: 6 }, (_, i) => hypervisor.createXml(testDomain(`doubt-${i}`)));
    const settled = Promise.allSettled(calls);
    // They are handed to the socket once this tick is over.
    await new Promise((resolve) => setImmediate(resolve));
    await daemon.kill();
    const errors = (await settled).map((result) =>
      result.status === 'rejected' ? (result.reason as unknown) : undefined,
    );
    assert.ok(errors.every((error) => error instanceof LibvirtError && error.kind === 'connection-lost'));
    const mayHaveRun = errors.map((error) => error instanceof LibvirtError && error.mayHaveRun);
    assert.deepEqual(mayHaveRun, [true, true, true, true, false, false]);
  });

  it('refuse calls at once while there is none, and tell observers of loss and return', async () => {
    const told: string[] = [];
    hypervisor = connect({
      uri: daemon.uri,
      observer: {
        onConnected: ({ generation }) => told.push(`connected ${generation}`),
        onDisconnected: ({ kind }) => told.push(`lost: ${kind}`),
      },
    });
    await hypervisor.connected(10_000);
    await daemon.kill();
    await eventually(() => assert.equal(hypervisor.session, undefined));
    await assert.rejects(hypervisor.getHostname(), (error) => {
      assert.ok(error instanceof LibvirtError);
      assert.deepEqual([error.kind, error.mayHaveRun], ['not-connected', false]);
      return true;
    });
    await daemon.start();
    await hypervisor.connected(10_000);
    assert.notEqual(await hypervisor.getHostname(), '');
    assert.deepEqual(told, ['connected 1', 'lost: connection-lost', 'connected 2']);
  });

  it('come back over the socket file that a killed daemon left, and over none at all', async () => {
    const failures: string[] = [];
    hypervisor = connect({
      uri: daemon.uri,
      backoff: { minMs: 5, maxMs: 20 },
      observer: { onConnectFailed: ({ cause }) => failures.push(codeOf(cause)) },
    });
    await hypervisor.connected(10_000);
    await daemon.kill();
    assert.ok(existsSync(daemon.socket));
    await eventually(() => assert.ok(failures.includes('ECONNREFUSED'), String(failures)));
    await daemon.start();
    await hypervisor.connected(10_000);
    await daemon.terminate();
    await eventually(() => assert.ok(failures.includes('ENOENT'), String(failures)));
    await daemon.start();
    await hypervisor.connected(10_000);
    assert.equal(hypervisor.session?.generation, 3);
  });

  it('end when the daemon is stopped without a word: its silence is noticed', async () => {
    const recorded = await connectRecorded({ uri: daemon.uri, keepAlive: { intervalMs: 100, misses: 3 } });
    hypervisor = recorded.hypervisor;
    const lost = new Promise<LibvirtError>((resolve) => hypervisor.observe({ onDisconnected: resolve }));
    const pending = hypervisor.getHostname();
    await pending;
    const stopped = performance.now();
    daemon.pause();
    const call = hypervisor.createXml(testDomain('unheard')).then(
      () => assert.fail('answered'),
      (error: unknown) => error,
    );
    const error = await lost;
    const took = performance.now() - stopped;
    assert.equal(error.kind, 'connection-lost');
    assert.ok(took >= 300 && took < 3_000, `${took} ms`);
    const failed = await call;
    assert.ok(failed instanceof LibvirtError && failed.mayHaveRun);
    daemon.resume();
    await hypervisor.connected(10_000);
  });

  it('survive silence on both sides: pings are answered either way', async function () {
    this.timeout(30_000);
    await daemon.stop();
    daemon = await startLibvirtd({ settings: { keepalive_interval: 1, keepalive_count: 1 } });
    ({ hypervisor } = await connectRecorded({ uri: daemon.uri, keepAlive: { intervalMs: 60_000, misses: 1 } }));
    // The daemon drops who leaves its pings unanswered for two seconds; it has sent three by then.
    await new Promise((resolve) => setTimeout(resolve, 3_500));
    assert.equal(hypervisor.session?.generation, 1);
  });

  it('close cleanly: what is pending is rejected, nothing reconnects, the daemon sees no broken client', async () => {
    hypervisor = connect({ uri: daemon.uri });
    await hypervisor.connected(10_000);
    const before = await daemon.log();
    await hypervisor.close();
    await assert.rejects(hypervisor.getHostname(), (error) => error instanceof LibvirtError && error.kind === 'closed');
    await assert.rejects(
      hypervisor.connected(1_000),
      (error) => error instanceof LibvirtError && error.kind === 'closed',
    );
    await hypervisor.close();
    assert.equal(await daemon.log(), before);
  });
});

const codeOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return 'none';
  if ('code' in cause && typeof cause.code === 'string') return cause.code;
  return codeOf(cause.cause);
};
