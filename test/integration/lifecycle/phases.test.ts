import assert from 'node:assert/strict';

import { EPHEMERAL_DOMAINS } from '#controller/api/index.ts';
import { attemptUuid } from '#controller/domain/identity.ts';
import { NODES } from '#controller/kube/index.ts';
import { DumpFlags } from '#controller/libvirt/index.ts';
import { STARTUP_TIMEOUT_MS, TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createStage, finishedAs, inPhase } from './stage.ts';
import type { Stage } from './stage.ts';
import type { StageHost } from './stage-hosts.ts';

describe('what a person or a clock does to an EphemeralDomain in each of its phases', function () {
  this.timeout(TEST_TIMEOUT_MS);
  let stage: Stage;
  let host: StageHost;

  beforeEach(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    stage = await createStage();
    host = await stage.host();
    await stage.controller({ options: { settleMs: 300 } });
    await stage.untilHost(host.name, 'True');
  });
  afterEach(() => stage.dispose());

  const remove = (name: string): Promise<void> =>
    stage.rest.delete(EPHEMERAL_DOMAINS, { name, namespace: stage.namespace });

  /** Nothing on the host, and nothing of it taken. */
  async function untilEmpty(): Promise<void> {
    await eventually(async () => {
      assert.deepEqual(await host.client.listAllDomains(), []);
      const { allocated } = (await stage.getHost(host.name)).status ?? {};
      assert.deepEqual([allocated?.domains, allocated?.addresses], [0, 0]);
    });
  }

  async function crashFirstAttempt(name: string, spec: object): Promise<string> {
    await stage.create(name, { backoffLimit: 3, ...spec });
    const uuid = (await stage.until(name, inPhase('Running'))).status?.domain?.uuid ?? '';
    await host.client.coreDump({ name: '', uuid }, '/dev/null', DumpFlags.crash);
    await stage.until(name, ({ status }) => assert.equal(status?.reason, 'BackOff'));
    return uuid;
  }

  it('deleted while it waits for a place: it is never started [end: deleted-pending]', async () => {
    const hostSelector = { matchLabels: { disk: 'ssd' } };
    const gone = await stage.create('gone', { hostSelector });
    await remove('gone');
    await stage.rest.patch(NODES, { name: host.name }, { metadata: { labels: { disk: 'ssd' } } });
    await stage.create('after', { hostSelector });
    await stage.until('after', inPhase('Running'));
    assert.ok(!host.starts.has(attemptUuid(gone.metadata.uid, 1)));
  });

  it('deleted while its start is under way: destroyed if it runs after all [end: deleted-scheduled]', async () => {
    host.libvirtd.pause();
    try {
      await stage.create('gone');
      await stage.until('gone', inPhase('Scheduled'));
      await remove('gone');
    } finally {
      host.libvirtd.resume();
    }
    await untilEmpty();
  });

  it('deleted between two attempts: no other attempt is started [end: deleted-backoff]', async () => {
    const first = await crashFirstAttempt('gone', {});
    await remove('gone');
    await untilEmpty();
    await stage.create('after');
    await stage.until('after', inPhase('Running'));
    assert.equal(host.starts.get(first), 1);
    assert.equal(host.starts.size, 2);
  });

  it('activeDeadlineSeconds while it waits for its first place: not counted yet [end: deadline-pending]', async () => {
    const hostSelector = { matchLabels: { disk: 'ssd' } };
    await stage.create('patient', { hostSelector, activeDeadlineSeconds: 3 });
    // Told after 5 s: longer than the deadline.
    await stage.until('patient', ({ status }) => assert.equal(status?.reason, 'Unschedulable'));
    await stage.rest.patch(NODES, { name: host.name }, { metadata: { labels: { disk: 'ssd' } } });
    const running = await stage.until('patient', inPhase('Running'));
    await host.client.shutdown({ name: '', uuid: running.status?.domain?.uuid ?? '' });
    await stage.until('patient', finishedAs('Succeeded'));
  });

  it('activeDeadlineSeconds over while its host is silent: Failed, and fenced later [end: deadline-scheduled]', async () => {
    host.libvirtd.pause();
    try {
      await stage.create('overdue', { activeDeadlineSeconds: 1, backoffLimit: 3 });
      await stage.until('overdue', inPhase('Scheduled'));
      await stage.until('overdue', finishedAs('Failed', 'DeadlineExceeded'), 60_000);
    } finally {
      host.libvirtd.resume();
    }
    await untilEmpty();
  });

  it('activeDeadlineSeconds over between two attempts: Failed, no other one [end: deadline-backoff]', async () => {
    await crashFirstAttempt('overdue', { activeDeadlineSeconds: 3 });
    const failed = await stage.until('overdue', finishedAs('Failed', 'DeadlineExceeded'));
    assert.equal(failed.status?.attempt, 1);
    assert.equal(host.starts.size, 1);
  });
});
