import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

import { DumpFlags, StoppedDetail } from '#controller/libvirt/index.ts';
import { eventually } from '#test/support/eventually.ts';
import { startLibvirtd } from '#test/support/libvirtd.ts';
import type { Libvirtd } from '#test/support/libvirtd.ts';
import { connectRecorded, testDomain } from './domains.ts';
import type { Recorded } from './domains.ts';

describe('libvirt events from a real daemon', () => {
  let daemon: Libvirtd;
  let recorded: Recorded;

  before(async () => {
    daemon = await startLibvirtd();
  });

  beforeEach(async () => {
    recorded = await connectRecorded({ uri: daemon.uri });
  });

  afterEach(async () => {
    await recorded.hypervisor.close();
  });

  after(async () => {
    await daemon.stop();
  });

  const told = (uuid: string): readonly string[] =>
    recorded.events.filter(({ domain }) => domain.uuid === uuid).map(({ event, detail }) => `${event}/${detail}`);

  it('come once each, for the registration lies on one of the two connections', async () => {
    const { hypervisor } = recorded;
    const domain = await hypervisor.createXml(testDomain('once'));
    await hypervisor.suspend(domain);
    await hypervisor.resume(domain);
    await hypervisor.destroy(domain);
    // A later event shows that no second copy of an earlier one is under way.
    const marker = await hypervisor.createXml(testDomain('marker'));
    await eventually(() => assert.equal(told(marker.uuid).length, 1));
    assert.deepEqual(told(domain.uuid), [
      'started/0',
      'suspended/0',
      'resumed/0',
      `stopped/${StoppedDetail.destroyed}`,
    ]);
  });

  it('tell how a domain ended', async () => {
    const { hypervisor } = recorded;
    const crashed = await hypervisor.createXml(testDomain('crashed'));
    await hypervisor.coreDump(crashed, join(daemon.folder, 'core'), DumpFlags.crash);
    const ended = await hypervisor.createXml(testDomain('ended'));
    await hypervisor.shutdown(ended);
    await eventually(() => {
      assert.deepEqual(told(crashed.uuid), ['started/0', `stopped/${StoppedDetail.crashed}`]);
      assert.deepEqual(told(ended.uuid), ['started/0', `stopped/${StoppedDetail.shutdown}`]);
    });
  });

  it('are told of domains that no reply has named yet: most come before the reply of the call behind them', async () => {
    const { hypervisor, events } = recorded;
    let before = 0;
    for (let i = 0; i < 100; i++) {
      const uuid = randomUUID();
      const domain = await hypervisor.createXml(testDomain(`early-${i}`, uuid));
      if (events.some((event) => event.domain.uuid === uuid)) before++;
      await eventually(() => assert.ok(told(uuid).length > 0), { intervalMs: 1 });
      await hypervisor.destroy(domain);
    }
    assert.ok(before > 0, 'no event came before its reply, so nothing was shown');
  });

  it('reach every observer; one that throws is reported and harms neither the rest nor the connection', async () => {
    const reported: unknown[] = [];
    const failing = await connectRecorded({
      uri: daemon.uri,
      onObserverError: (error) => reported.push(error),
      observer: {
        onConnected: () => {
          throw new Error('at connect');
        },
        onLifecycle: () => {
          throw new Error('at event');
        },
      },
    });
    const domain = await failing.hypervisor.createXml(testDomain('unwelcome'));
    await failing.hypervisor.destroy(domain);
    await eventually(() => assert.equal(failing.events.length, 2));
    assert.deepEqual(reported.map(String), ['Error: at connect', 'Error: at event', 'Error: at event']);
    assert.equal(failing.hypervisor.session?.generation, 1);
    await failing.hypervisor.close();
  });
});
