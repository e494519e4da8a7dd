import assert from 'node:assert/strict';

import { findCondition } from '#controller/api/index.ts';
import type { DomainHostSpec, EphemeralDomainSpec } from '#controller/api/index.ts';
import { STARTUP_TIMEOUT_MS, TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createStage, finishedAs, inPhase } from './stage.ts';
import type { Stage } from './stage.ts';
import type { StageHost } from './stage-hosts.ts';

/** A host that has room for few domains, each for a reason of its own. */
const FULL: readonly {
  readonly title: string;
  readonly cidr?: string;
  /** So many domains fit; 1 where it is not said. */
  readonly room?: number;
  readonly spec?: (capacityMiB: number) => Partial<DomainHostSpec>;
  readonly memory?: (capacityMiB: number) => string;
  readonly says: RegExp;
}[] = [
  {
    title: 'its memory is taken [end: host-full-memory]',
    memory: (capacity) => `${Math.ceil(capacity / 2) + 1}Mi`,
    says: /^0\/1 hosts: 1 has not enough memory \(asked \d+Mi, most free \d+Mi\)$/,
  },
  {
    title: 'all but one domain of its memory is reserved for dom0 [end: reserved-memory]',
    spec: (capacity) => ({ reservedMemory: `${capacity - 100}Mi` }),
    says: /^0\/1 hosts: 1 has not enough memory \(asked 64Mi, most free 36Mi\)$/,
  },
  {
    title: 'it holds maxDomains [end: host-full-domains]',
    spec: () => ({ maxDomains: 1 }),
    says: /^0\/1 hosts: 1 holds maxDomains \(1\)$/,
  },
  {
    title: 'its address range is used up [end: addresses-full]',
    // Less its own address, the gateway's and the broadcast address.
    cidr: '198.19.251.0/29',
    room: 5,
    says: /^0\/1 hosts: 1 has no free address$/,
  },
];

describe('a host that is full', function () {
  this.timeout(TEST_TIMEOUT_MS);
  let stage: Stage;

  beforeEach(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    stage = await createStage();
  });
  afterEach(() => stage.dispose());

  async function capacityOf(host: StageHost): Promise<number> {
    return eventually(async () => {
      const { capacity } = (await stage.getHost(host.name)).status ?? {};
      assert.ok(capacity?.memory !== undefined, 'not known yet');
      return Number.parseInt(capacity.memory, 10);
    });
  }

  for (const { title, cidr, room = 1, spec, memory, says } of FULL) {
    it(`the next one waits, is told why, and is placed once there is room: ${title}`, async () => {
      const host = await stage.host(cidr === undefined ? {} : { 'hatchery.dev/domain-cidr': cidr });
      await stage.controller({ options: { settleMs: 300 } });
      await stage.untilHost(host.name, 'True');
      const capacity = await capacityOf(host);
      if (spec !== undefined) await stage.changeHost(host.name, spec(capacity));
      const domain: EphemeralDomainSpec['domain'] = {
        ...{ type: 'pv', vcpus: 1, boot: { kernel: 'hatchling' } },
        memory: memory?.(capacity) ?? '64Mi',
      };
      const names = Array.from({ length: room }, (_, index) => `fits-${index}`);
      for (const name of names) await stage.create(name, { domain });
      const running = await Promise.all(names.map((name) => stage.until(name, inPhase('Running'))));
      await stage.create('waits', { domain });
      const waiting = await stage.until('waits', ({ status }) => assert.equal(status?.reason, 'Unschedulable'));
      assert.equal(waiting.status?.phase, 'Pending');
      const scheduled = findCondition(waiting.status.conditions, 'Scheduled');
      assert.deepEqual([scheduled?.status, scheduled?.reason], ['False', 'Unschedulable']);
      assert.match(waiting.status.message ?? '', says);

      await host.client.shutdown({ name: '', uuid: running[0]?.status?.domain?.uuid ?? '' });
      await stage.until('fits-0', finishedAs('Succeeded'));
      await stage.until('waits', inPhase('Running'));
      assert.equal(host.starts.size, room + 1);
    });
  }
});
