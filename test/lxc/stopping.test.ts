import assert from 'node:assert/strict';

import { EPHEMERAL_DOMAINS } from '#controller/api/index.ts';
import type { EphemeralDomainSpec } from '#controller/api/index.ts';
import { sharedHost, STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { waitsAs } from '../integration/lifecycle/policy-stage.ts';
import { createStage, finishedAs, inPhase } from '../integration/lifecycle/stage.ts';
import type { Stage } from '../integration/lifecycle/stage.ts';
import type { AdoptedHost } from '../integration/lifecycle/stage-hosts.ts';

/** Guests that are asked to shut down for real: process 1 hears it, or is deaf to it. */
describe('domains that are stopped on an LXC host', function () {
  this.timeout(STARTUP_TIMEOUT_MS);
  let stage: Stage;
  let host: AdoptedHost;

  before(async () => {
    stage = await createStage();
    host = await stage.adopt(await sharedHost('lxc', 1));
    await stage.controller({ options: { settleMs: 1_000 } });
  });
  after(() => stage.dispose());

  async function running(name: string, mode: string, policy: Partial<EphemeralDomainSpec>): Promise<string> {
    const cmdline = `quiet -ipaddr $(IP) -netmask $(NETMASK) -gateway $(GATEWAY) -mode ${mode}`;
    const domain = { type: 'pv' as const, memory: '64Mi', vcpus: 1, boot: { kernel: 'hatchling', cmdline } };
    await stage.create(name, { domain, ...policy });
    return (await stage.until(name, inPhase('Running'), 30_000)).status?.domain?.uuid ?? '';
  }

  async function gone(uuid: string): Promise<void> {
    await eventually(async () => {
      const left = await host.client.listAllDomains();
      assert.ok(!left.some((domain) => domain.uuid === uuid));
    });
  }

  for (const [mode, grace] of [
    ['run -seconds 600', 600],
    ['deaf', 2],
  ] as const) {
    const name = mode.slice(0, 4).trim();
    const how = mode === 'deaf' ? 'deaf: destroyed after its grace' : 'listening: ended long before its grace is over';

    it(`activeDeadlineSeconds over, ${how}`, async () => {
      const policy = { activeDeadlineSeconds: 2, terminationGracePeriodSeconds: grace };
      const uuid = await running(`${name}-overdue`, mode, policy);
      await stage.until(`${name}-overdue`, finishedAs('Failed', 'DeadlineExceeded'), 30_000);
      await gone(uuid);
      assert.equal(host.starts.get(uuid), 1);
    });

    it(`suspended, ${how}; after the resume the next attempt runs`, async () => {
      const ref = { name: `${name}-suspended`, namespace: stage.namespace };
      const first = await running(ref.name, mode, { terminationGracePeriodSeconds: grace });
      await stage.rest.patch(EPHEMERAL_DOMAINS, ref, { spec: { suspend: true } });
      await stage.until(ref.name, waitsAs('Suspended'), 30_000);
      await gone(first);
      await stage.rest.patch(EPHEMERAL_DOMAINS, ref, { spec: { suspend: false } });
      const { status } = await stage.until(ref.name, inPhase('Running'), 30_000);
      assert.deepEqual([status?.attempt, status?.suspendedAttempts], [2, 1]);
      assert.deepEqual([host.starts.get(first), host.starts.get(status?.domain?.uuid ?? '')], [1, 1]);
    });
  }
});
