import assert from 'node:assert/strict';

import { EPHEMERAL_DOMAINS, isTrue } from '#controller/api/index.ts';
import type { XenHost } from '#hack/hosts/xen/index.ts';
import { sharedHost, STARTUP_TIMEOUT_MS, XEN_TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createStage, finishedAs, inPhase } from '../integration/lifecycle/stage.ts';
import type { Stage } from '../integration/lifecycle/stage.ts';
import type { AdoptedHost } from '../integration/lifecycle/stage-hosts.ts';

const LONG = 240_000;

describe('domains on Xen', function () {
  this.timeout(XEN_TEST_TIMEOUT_MS);
  this.slow(60_000);
  let stage: Stage;
  let box: XenHost;
  let host: AdoptedHost;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    box = await sharedHost('xen', 1);
    stage = await createStage();
    host = await stage.adopt(box);
    await stage.controller({ options: { settleMs: 2_000 } });
  });
  after(() => stage.dispose());

  function guest(words: string) {
    const cmdline = `console=hvc0 quiet ${words}`;
    const boot = { kernel: 'hatchling', initrd: 'hatchling-initrd', cmdline };
    return { domain: { type: 'pv' as const, memory: '96Mi', vcpus: 1, boot } };
  }

  /** Column State of xl list: an s in it says that the domain has shut down. */
  async function xenState(name: string): Promise<string> {
    const { output } = await box.dom0('xl list');
    const row = output.split('\n').find((line) => line.split(/\s+/)[0] === name);
    return row?.split(/\s+/)[4] ?? '';
  }

  async function startsOf(name: string): Promise<number | undefined> {
    return host.starts.get((await stage.get(name)).status?.domain?.uuid ?? '');
  }

  async function listed(): Promise<readonly string[]> {
    return (await host.client.listAllDomains()).map(({ uuid }) => uuid);
  }

  const ends = [
    { mode: 'hello', phase: 'Succeeded', reason: 'PowerOff', end: '[end: power-off]' },
    { mode: 'reboot', phase: 'Succeeded', reason: 'PowerOff', end: '[end: rebooted]' },
    { mode: 'crash', phase: 'Failed', reason: 'Crashed', end: '[end: crashed]' },
  ] as const;
  for (const { mode, phase, reason, end } of ends) {
    it(`-mode ${mode}: ${phase}/${reason}, its trace gone ${end}`, async () => {
      await stage.create(mode, guest(`-mode ${mode}`));
      const done = await stage.until(mode, finishedAs(phase, reason), LONG);
      assert.equal(await startsOf(mode), 1);
      await eventually(async () => assert.ok(!(await listed()).includes(done.status?.domain?.uuid ?? '')), {
        timeoutMs: 20_000,
      });
    });
  }

  it('its guest says that it is ready, and how its work ended [end: ready, exit-code]', async () => {
    const network = '-ipaddr $(IP) -netmask $(NETMASK) -gateway $(GATEWAY) -notify';
    const ready = guest(`-mode http -shutdown_after 3 ${network} $(NOTIFY_HOST):$(NOTIFY_PORT)`);
    const readiness = { notify: {}, periodMilliseconds: 200 };
    await stage.create('tells-ready', { domain: { ...ready.domain, readiness } });
    await stage.create('tells-code', guest(`-mode exit -code 3 ${network} $(NOTIFY_URL)`));
    const { status } = await stage.until(
      'tells-ready',
      (resource) => assert.ok(isTrue(resource.status?.conditions, 'Ready')),
      LONG,
    );
    assert.ok(Date.parse(status?.timeline?.ready ?? '') > Date.parse(status?.timeline?.domainStarted ?? ''));
    await stage.until('tells-ready', finishedAs('Succeeded', 'PowerOff'), LONG);
    const failed = await stage.until('tells-code', finishedAs('Failed', 'NonZeroExit'), LONG);
    assert.equal(failed.status?.exitCode, 3);
    assert.equal(failed.status.terminationMessage, `${failed.status.domain?.name ?? ''} leaves with 3`);
  });

  it('its resource deleted: destroyed [end: deleted-running]', async () => {
    await stage.create('deleted', guest('-mode run -seconds 600'));
    const uuid = (await stage.until('deleted', inPhase('Running'), LONG)).status?.domain?.uuid ?? '';
    await stage.rest.delete(EPHEMERAL_DOMAINS, { name: 'deleted', namespace: stage.namespace });
    await eventually(async () => assert.ok(!(await listed()).includes(uuid)), { timeoutMs: 20_000 });
  });

  const deaths = [
    { how: 'kill', end: '[end: daemon-killed-running, daemon-killed-ended]' },
    { how: 'terminate', end: '[end: daemon-stopped]' },
  ] as const;
  for (const { how, end } of deaths) {
    it(`libvirtd down (${how}) while one runs and one ends: each outcome is right, none is started again ${end}`, async () => {
      const [goesOn, ending] = [`goes-on-${how}`, `ends-${how}`];
      // Of the last death of the daemon: starts that this client does not hear of could not be counted.
      await host.client.connected(LONG);
      await stage.create(goesOn, guest('-mode run -seconds 45'));
      await stage.create(ending, guest('-mode run -seconds 10'));
      await stage.until(goesOn, inPhase('Running'), LONG);
      const running = await stage.until(ending, inPhase('Running'), LONG);
      await box.daemon[how]();
      const { name = '' } = running.status?.domain ?? {};
      await eventually(async () => assert.match(await xenState(name), /s/), { timeoutMs: LONG, intervalMs: 500 });
      await box.daemon.start();
      await stage.until(ending, finishedAs('Succeeded', 'PowerOff'), LONG);
      await stage.until(goesOn, finishedAs('Succeeded', 'PowerOff'), LONG);
      assert.equal(await startsOf(goesOn), 1);
      assert.equal(await startsOf(ending), 1);
    });
  }
});
