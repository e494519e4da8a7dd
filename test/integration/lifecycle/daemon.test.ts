import assert from 'node:assert/strict';

import { DOMAIN_HOSTS } from '#controller/api/index.ts';
import { NODES } from '#controller/kube/index.ts';
import { DomainProcedure } from '#controller/libvirt/protocol.ts';
import { STARTUP_TIMEOUT_MS, TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createStage, finishedAs, forget, inPhase } from './stage.ts';
import type { Stage } from './stage.ts';
import type { StageHost } from './stage-hosts.ts';

describe("a host's daemon that is killed, paused or cut off", function () {
  this.timeout(TEST_TIMEOUT_MS);
  let stage: Stage;
  let host: StageHost;

  beforeEach(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    stage = await createStage();
    host = await stage.host();
    await stage.controller({ options: { settleMs: 300, hostLostAfterMs: 3_000 } });
    await stage.untilHost(host.name, 'True');
  });
  afterEach(async () => {
    host.libvirtd.resume();
    await stage.dispose();
  });

  async function endsWell(name: string): Promise<void> {
    const uuid = (await stage.until(name, inPhase('Running'), 40_000)).status?.domain?.uuid ?? '';
    await host.client.shutdown({ name: '', uuid });
    await stage.until(name, finishedAs('Succeeded', 'PowerOff'));
    assert.equal(host.starts.get(uuid), 1);
    await eventually(async () => assert.deepEqual(await host.client.listAllDomains(), []));
  }

  it('killed before a place is found: it waits, and runs once the daemon is back [end: daemon-killed-pending]', async () => {
    await host.libvirtd.kill();
    await stage.untilHost(host.name, 'False');
    await stage.create('early');
    await host.revive();
    await endsWell('early');
  });

  it('killed before the start was acted on, and all forgotten: not started [end: daemon-killed-scheduled]', async () => {
    host.libvirtd.pause();
    await stage.create('bound');
    await stage.until('bound', inPhase('Scheduled'));
    await host.libvirtd.kill();
    await host.revive();
    await stage.until('bound', finishedAs('Failed', 'HostRebooted'), 40_000);
    assert.equal(host.starts.size, 0);
  });

  it('paused and resumed before it counts as lost: nothing happens to what runs [end: daemon-paused-running]', async () => {
    await stage.create('steady');
    await stage.until('steady', inPhase('Running'));
    host.libvirtd.pause();
    host.libvirtd.resume();
    await endsWell('steady');
  });

  it('paused as the start is asked for, until it counts as lost: HostLost, fenced [end: daemon-paused-scheduled]', async () => {
    host.libvirtd.pause();
    await stage.create('stuck');
    await stage.until('stuck', inPhase('Scheduled'));
    await stage.until('stuck', finishedAs('Failed', 'HostLost'), 60_000);
    host.libvirtd.resume();
    await stage.untilHost(host.name, 'True', 40_000);
    await eventually(async () => assert.deepEqual(await host.client.listAllDomains(), []));
    assert.equal((await stage.get('stuck')).status?.reason, 'HostLost');
  });

  it('silent for long, with backoffLimit: another attempt on another host, the first fenced [end: host-lost-retried]', async () => {
    await stage.create('moves', { backoffLimit: 1 });
    const first = (await stage.until('moves', inPhase('Running'))).status?.domain?.uuid ?? '';
    const other = await stage.host();
    await stage.untilHost(other.name, 'True');
    host.libvirtd.pause();
    const moved = await stage.until('moves', ({ status }) => assert.equal(status?.attempt, 2), 60_000);
    assert.equal(moved.status?.host, other.name);
    await stage.until('moves', inPhase('Running'));
    host.libvirtd.resume();
    await eventually(async () => assert.deepEqual(await host.client.listAllDomains(), []), { timeoutMs: 40_000 });
    assert.equal(host.starts.get(first), 1);
  });

  const losses = [
    { title: 'the call that starts it is lost with the connection', what: 'call', end: '[end: start-lost]' },
    { title: 'the answer to its start is lost with the connection', what: 'answer', end: '[end: answer-lost]' },
  ] as const;
  for (const { title, what, end } of losses) {
    it(`${title}: looked at, not repeated blindly; it runs once ${end}`, async () => {
      const lost = host.wire.loseNext(DomainProcedure.createWithFlags, what);
      await stage.create('doubtful');
      await lost;
      await endsWell('doubtful');
    });
  }

  it('the connection is cut while it runs and ends: its end is found [end: connection-cut]', async () => {
    await stage.create('cut');
    const uuid = (await stage.until('cut', inPhase('Running'))).status?.domain?.uuid ?? '';
    host.wire.cut();
    await host.client.shutdown({ name: '', uuid });
    await stage.until('cut', finishedAs('Succeeded', 'PowerOff'));
    assert.equal(host.starts.get(uuid), 1);
  });

  it('its Node and DomainHost are deleted: Failed, HostRemoved, with what is not known [end: host-removed]', async () => {
    await stage.create('homeless');
    await stage.until('homeless', inPhase('Running'));
    // The garbage collector follows the Node, and may be the one who deletes the DomainHost.
    await stage.rest.delete(NODES, { name: host.name });
    await forget(stage.rest, DOMAIN_HOSTS, { name: host.name });
    const failed = await stage.until('homeless', finishedAs('Failed', 'HostRemoved'));
    assert.match(failed.status?.message ?? '', new RegExp(`the DomainHost ${host.name} was deleted`));
  });

  it('its DomainHost is edited into nonsense and stays so: Failed, HostLost; mended, it is fenced [end: host-spec-broken]', async () => {
    await stage.create('stranded');
    const running = await stage.until('stranded', inPhase('Running'));
    const { spec } = await stage.getHost(host.name);
    await stage.rest.patch(DOMAIN_HOSTS, { name: host.name }, { spec: { domainCIDR: 'nonsense' } });
    const failed = await stage.until('stranded', finishedAs('Failed', 'HostLost'));
    assert.match(failed.status?.message ?? '', new RegExp(`${host.name} cannot be used .*domainCIDR`));
    await stage.rest.patch(DOMAIN_HOSTS, { name: host.name }, { spec: { domainCIDR: spec.domainCIDR ?? null } });
    const uuid = running.status?.domain?.uuid ?? '';
    await eventually(async () => {
      assert.ok(!(await host.client.listAllDomains()).some((domain) => domain.uuid === uuid));
    });
  });

  it('its deadline passes meanwhile: Failed for that [end: host-spec-broken]', async () => {
    await stage.create('overdue', { activeDeadlineSeconds: 2 });
    await stage.until('overdue', inPhase('Running'));
    await stage.rest.patch(DOMAIN_HOSTS, { name: host.name }, { spec: { domainCIDR: 'nonsense' } });
    await stage.until('overdue', finishedAs('Failed', 'DeadlineExceeded'));
  });
});
