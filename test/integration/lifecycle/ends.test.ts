import assert from 'node:assert/strict';

import { EPHEMERAL_DOMAINS } from '#controller/api/index.ts';
import { DumpFlags } from '#controller/libvirt/index.ts';
import { STARTUP_TIMEOUT_MS, TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createStage, finishedAs, inPhase } from './stage.ts';
import type { Stage } from './stage.ts';
import type { StageHost } from './stage-hosts.ts';

describe('how a domain ends', function () {
  this.timeout(TEST_TIMEOUT_MS);
  let stage: Stage;
  let host: StageHost;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    stage = await createStage();
    host = await stage.host();
    await stage.controller({ options: { settleMs: 300, hostLostAfterMs: 2_000 } });
  });
  after(() => stage.dispose());

  async function running(name: string, spec = {}): Promise<{ readonly name: string; readonly uuid: string }> {
    await stage.create(name, spec);
    const resource = await stage.until(name, inPhase('Running'));
    return { name: '', uuid: resource.status?.domain?.uuid ?? '' };
  }

  it('crashed: Failed [end: crashed]', async () => {
    const domain = await running('crashed');
    await host.client.coreDump(domain, '/dev/null', DumpFlags.crash);
    await stage.until('crashed', finishedAs('Failed', 'Crashed'));
  });

  it('destroyed by hand: Failed [end: destroyed]', async () => {
    const domain = await running('by-hand');
    await host.client.destroy(domain);
    await stage.until('by-hand', finishedAs('Failed', 'Destroyed'));
  });

  it('destroyed and undefined by hand while running: Failed, and not started again [end: destroyed-whole]', async () => {
    const domain = await running('by-hand-whole');
    await host.client.destroy(domain);
    await host.client.undefine(domain);
    await stage.until('by-hand-whole', finishedAs('Failed', 'Destroyed'));
    assert.equal(host.starts.get(domain.uuid), 1);
  });

  it('its resource deleted: destroyed at once, and its address is free again [end: deleted-running]', async () => {
    const domain = await running('deleted');
    await stage.rest.delete(EPHEMERAL_DOMAINS, { name: 'deleted', namespace: stage.namespace });
    await eventually(async () => {
      const left = await host.client.listAllDomains();
      assert.ok(!left.some(({ uuid }) => uuid === domain.uuid));
    });
    await eventually(async () => {
      const { allocated } = (await stage.getHost(host.name)).status ?? {};
      assert.equal(allocated?.addresses, 0);
      assert.equal(allocated.domains, 0);
    });
  });

  it('its resource deleted and made anew at once: the old domain goes, the new one runs [end: made-anew]', async () => {
    const old = await running('anew');
    await stage.rest.delete(EPHEMERAL_DOMAINS, { name: 'anew', namespace: stage.namespace });
    const fresh = await running('anew');
    assert.notEqual(fresh.uuid, old.uuid);
    await eventually(async () => {
      const left = await host.client.listAllDomains();
      assert.deepEqual(
        left.map(({ uuid }) => uuid),
        [fresh.uuid],
      );
    });
    await host.client.shutdown(fresh);
    await stage.until('anew', finishedAs('Succeeded'));
  });

  it('activeDeadlineSeconds over: Failed, and then destroyed [end: deadline-running]', async () => {
    const domain = await running('overdue', { activeDeadlineSeconds: 1 });
    const done = await stage.until('overdue', finishedAs('Failed', 'DeadlineExceeded'));
    assert.equal(done.status?.attempt, 1);
    await eventually(async () => {
      const left = await host.client.listAllDomains();
      assert.ok(!left.some(({ uuid }) => uuid === domain.uuid));
    });
  });

  it('ttlSecondsAfterFinished over: the resource is deleted [end: ttl]', async () => {
    const domain = await running('short-lived', { ttlSecondsAfterFinished: 0 });
    await host.client.shutdown(domain);
    await eventually(async () => {
      const { items } = await stage.rest.list(EPHEMERAL_DOMAINS, { namespace: stage.namespace });
      assert.ok(!items.some(({ metadata }) => metadata.name === 'short-lived'));
    });
  });

  it('an image that is not there: Failed, with its name and the host [end: image-missing]', async () => {
    const domain = { type: 'pv' as const, memory: '64Mi', vcpus: 1, boot: { kernel: 'no-such-image' } };
    await stage.create('no-image', { domain });
    const failed = await stage.until('no-image', finishedAs('Failed', 'ImageNotFound'));
    assert.match(failed.status?.message ?? '', /no-such-image/);
    assert.match(failed.status?.message ?? '', new RegExp(host.name));
    assert.ok(!host.starts.has(failed.status?.domain?.uuid ?? ''));
  });

  it('a command line that grows too long by its expansion: Failed, with the figures [end: cmdline-too-long]', async () => {
    const cmdline = '$(DOMAIN_UUID)'.repeat(40);
    const domain = { type: 'pv' as const, memory: '64Mi', vcpus: 1, boot: { kernel: 'hatchling', cmdline } };
    await stage.create('long', { domain });
    const failed = await stage.until('long', finishedAs('Failed', 'InvalidCommandLine'));
    assert.match(failed.status?.message ?? '', /1440 bytes.*1023/);
  });

  it('a failed attempt with backoffLimit: another one after a pause, its number kept [end: attempt-failed]', async () => {
    const first = await running('again', { backoffLimit: 1 });
    await host.client.coreDump(first, '/dev/null', DumpFlags.crash);
    const waiting = await stage.until('again', inPhase('Pending'));
    assert.equal(waiting.status?.reason, 'BackOff');
    assert.match(waiting.status.message ?? '', /attempt 1 of 2 failed: Crashed/);
    assert.equal(waiting.status.attempt, 1);
    const again = await stage.until('again', inPhase('Running'), 20_000);
    assert.equal(again.status?.attempt, 2);
    const uuid = again.status.domain?.uuid ?? '';
    assert.notEqual(uuid, first.uuid);
    await host.client.coreDump({ name: '', uuid }, '/dev/null', DumpFlags.crash);
    const failed = await stage.until('again', finishedAs('Failed', 'BackoffLimitExceeded'));
    assert.match(failed.status?.message ?? '', /attempt 2 of 2 failed: Crashed/);
    assert.equal(host.starts.get(first.uuid), 1);
    assert.equal(host.starts.get(uuid), 1);
  });

  it('a host that forgets everything (here its daemon killed): not started again [end: host-rebooted]', async () => {
    const domain = await running('rebooted');
    await host.libvirtd.kill();
    await host.revive();
    await stage.until('rebooted', finishedAs('Failed', 'HostRebooted'));
    assert.equal(host.starts.get(domain.uuid), 1);
  });

  it('a host that answers no more: HostLost after a while, and the domain is fenced on its return [end: host-lost]', async () => {
    const domain = await running('lost');
    host.libvirtd.pause();
    try {
      await stage.until('lost', finishedAs('Failed', 'HostLost'), 60_000);
      const { conditions } = (await stage.getHost(host.name)).status ?? {};
      const ready = conditions?.find(({ type }) => type === 'Ready');
      assert.equal(ready?.status, 'False');
    } finally {
      host.libvirtd.resume();
    }
    await eventually(
      async () => {
        const left = await host.client.listAllDomains();
        assert.ok(!left.some(({ uuid }) => uuid === domain.uuid));
      },
      { timeoutMs: 30_000 },
    );
  });
});
