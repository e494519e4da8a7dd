import assert from 'node:assert/strict';

import { EPHEMERAL_DOMAINS, findCondition } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import type { XenHost } from '#hack/hosts/xen/index.ts';
import { sharedHost, STARTUP_TIMEOUT_MS, XEN_TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createStage, finishedAs, inPhase } from '../integration/lifecycle/stage.ts';
import type { Stage } from '../integration/lifecycle/stage.ts';
import type { AdoptedHost } from '../integration/lifecycle/stage-hosts.ts';

const LONG = 240_000;

/** Guests that are asked to shut down by Xen's own way (xenstore's control/shutdown): their kernel runs /sbin/poweroff. */
describe('domains that are stopped on Xen', function () {
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

  /** Runs until its guest listens: a kernel that boots, or an init that does, would not hear that it is asked. */
  async function running(name: string, mode: string, terminationGracePeriodSeconds: number): Promise<void> {
    const boot = { kernel: 'hatchling', initrd: 'hatchling-initrd', cmdline: `console=hvc0 quiet -mode ${mode}` };
    const domain = { type: 'pv' as const, memory: '96Mi', vcpus: 1, boot, interfaces: [] };
    await stage.create(name, { domain, terminationGracePeriodSeconds });
    const { status } = await stage.until(name, inPhase('Running'), LONG);
    const tty = `/local/domain/${status?.domain?.id ?? ''}/console/tty`;
    const { output } = await box.dom0(`grep -m 1 ' stays' "$(xenstore-read ${tty})"`, { timeoutMs: LONG });
    assert.match(output, / stays/);
  }

  /** Its deadline is over within a second or two: the grace counts from the deadline, so one long past would leave none. */
  async function overdue(name: string): Promise<EphemeralDomain> {
    const ref = { name, namespace: stage.namespace };
    const active = (Date.now() - Date.parse((await stage.get(name)).status?.startTime ?? '')) / 1_000;
    await stage.rest.patch(EPHEMERAL_DOMAINS, ref, { spec: { activeDeadlineSeconds: Math.ceil(active) + 1 } });
    return stage.until(name, finishedAs('Failed', 'DeadlineExceeded'), LONG);
  }

  /** Seconds from the decision to stop it to its end. */
  function stoppedWithin({ status }: EphemeralDomain): number {
    const asked = findCondition(status?.conditions, 'FailureTarget')?.lastTransitionTime ?? '';
    return (Date.parse(status?.completionTime ?? '') - Date.parse(asked)) / 1_000;
  }

  async function gone({ status }: EphemeralDomain): Promise<void> {
    const { uuid = '' } = status?.domain ?? {};
    await eventually(
      async () => assert.ok(!(await host.client.listAllDomains()).some((domain) => domain.uuid === uuid)),
      { timeoutMs: LONG },
    );
    assert.equal(host.starts.get(uuid), 1);
  }

  it('at the deadline one that listens shuts down by itself, long before its grace is over [end: deadline-running]', async () => {
    await running('listens', 'hang', 600);
    const ended = await overdue('listens');
    assert.ok(stoppedWithin(ended) < 100, `${stoppedWithin(ended)} s`);
    await gone(ended);
  });

  it('one that is deaf is destroyed after its grace [end: ignores-shutdown]', async () => {
    await running('deaf', 'deaf', 4);
    const ended = await overdue('deaf');
    assert.ok(stoppedWithin(ended) >= 3, `${stoppedWithin(ended)} s`);
    await gone(ended);
  });
});
