import assert from 'node:assert/strict';

import { EPHEMERAL_DOMAIN_TEMPLATES, EPHEMERAL_DOMAINS } from '#controller/api/index.ts';
import type { EphemeralDomain, EphemeralDomainSpec } from '#controller/api/index.ts';
import type { Hypervisor } from '#controller/libvirt/index.ts';
import { STARTUP_TIMEOUT_MS, TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { createStage, inPhase } from './stage.ts';
import type { Stage } from './stage.ts';
import { withCalls } from './tampered.ts';

const DOMAIN: EphemeralDomainSpec['domain'] = {
  ...{ type: 'pv', memory: '48Mi', vcpus: 1 },
  boot: { kernel: 'hatchling', cmdline: '-mode run' },
};

/** A host that answers the look-up of an image, which comes before each start, no sooner than told. */
const slowed =
  (until: Promise<unknown>) =>
  (host: Hypervisor): Hypervisor =>
    withCalls(host, {
      volLookupByName: async (...asked) => {
        await until;
        return host.volLookupByName(...asked);
      },
    });

describe('a host that is asked for one start at a time', function () {
  this.timeout(TEST_TIMEOUT_MS);
  let stage: Stage;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    stage = await createStage();
  });
  after(() => stage.dispose());

  it('starts the more urgent first, then of each template in turn, whoever has more bound there', async () => {
    const { name: host } = await stage.host();
    const slow = Promise.withResolvers<undefined>();
    await stage.controller({ options: { settleMs: 300 }, between: slowed(slow.promise) });
    await stage.untilHost(host, 'True');
    await stage.changeHost(host, { maxStarting: 1 });
    await stage.rest.create(EPHEMERAL_DOMAIN_TEMPLATES, {
      metadata: { name: 'another', namespace: stage.namespace },
      spec: { template: { spec: { domain: DOMAIN } } },
    });

    const templated = { templateRef: { name: 'another' } };
    const asked: readonly (readonly [string, Partial<EphemeralDomain['spec']>])[] = [
      ...['first', 'crowd-1', 'crowd-2', 'crowd-3'].map((name) => [name, { domain: DOMAIN }] as const),
      ['other-1', templated],
      ['other-2', templated],
      ['urgent', { ...templated, priority: 10 }],
    ];
    for (const [name, spec] of asked) {
      await stage.rest.create(EPHEMERAL_DOMAINS, { metadata: { name, namespace: stage.namespace }, spec });
      await stage.until(name, inPhase('Scheduled'));
    }
    slow.resolve(undefined);

    const running = await Promise.all(asked.map(([name]) => stage.until(name, inPhase('Running'))));
    const requested = ({ status }: EphemeralDomain): string => status?.timeline?.domainRequested ?? '';
    const order = running.toSorted((one, other) => requested(one).localeCompare(requested(other)));
    assert.deepEqual(
      order.map(({ metadata: { name } }) => name),
      ['first', 'urgent', 'crowd-1', 'other-1', 'crowd-2', 'other-2', 'crowd-3'],
    );
  });
});
