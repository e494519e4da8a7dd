import assert from 'node:assert/strict';

import { EPHEMERAL_DOMAINS } from '#controller/api/index.ts';
import type { EphemeralDomain, EphemeralDomainStatus } from '#controller/api/index.ts';
import { attemptUuid, domainName } from '#controller/domain/identity.ts';
import { bindPatch } from '#controller/lifecycle/render.ts';
import { STARTUP_TIMEOUT_MS, TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import type { Effect } from './faults.ts';
import { createStage, finishedAs, inPhase } from './stage.ts';
import type { Stage } from './stage.ts';
import type { StageHost } from './stage-hosts.ts';

/** What a life with a scratch disk does to the world after its binding, in order. */
const EFFECTS = [
  { what: 'the volume is made', call: 'volCreateXml' },
  { what: 'the define', call: 'defineXml' },
  { what: 'the start', call: 'create' },
  { what: 'the Running write', call: 'patchStatus' },
  { what: 'the final write', call: 'patchStatus' },
  { what: 'the undefine', call: 'undefine' },
  { what: 'the volume is deleted', call: 'volDelete' },
] as const;
const CALLS: ReadonlySet<string> = new Set(EFFECTS.map(({ call }) => call));

function isOfTheLife({ call, on }: Effect): boolean {
  return CALLS.has(call) && on !== 'DomainHost';
}

const CASES = EFFECTS.flatMap((effect, index) =>
  (['before', 'after'] as const).map((when) => ({ ...effect, at: index + 1, when })),
);

/**
 * The scheduler gives a host on the test driver nothing with disks, so the binding is stored by the test; from then on the
 * controller has volumes to make and to delete, which the driver keeps in name only.
 */
describe('a controller that is killed in a life with a scratch disk', function () {
  this.timeout(TEST_TIMEOUT_MS);
  const options = { settleMs: 300 };
  let stage: Stage;
  let host: StageHost;
  let known: NonNullable<EphemeralDomainStatus['domain']>;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    stage = await createStage();
    host = await stage.host({ 'hatchery.dev/domain-cidr': '198.19.250.0/24' });
    const first = await stage.controller({ options });
    await stage.create('first');
    const running = await stage.until('first', inPhase('Running'));
    assert.ok(running.status?.domain !== undefined);
    known = running.status.domain;
    await host.client.shutdown({ name: '', uuid: known.uuid ?? '' });
    await stage.until('first', finishedAs('Succeeded'));
    await eventually(async () => assert.deepEqual(await host.client.listAllDomains(), []));
    await first.stop();
  });
  after(() => stage.dispose());

  async function createBound(name: string, address: string): Promise<EphemeralDomain> {
    const domain = { type: 'pv' as const, memory: '16Mi', vcpus: 1, boot: { kernel: 'hatchling' } };
    const disks = [{ name: 'work', scratch: { size: '1Mi' } }];
    const created = await stage.create(name, { domain: { ...domain, disks } });
    const uuid = attemptUuid(created.metadata.uid, 1);
    const { hostBoot = '', hostDaemon = '' } = known;
    const where = { host: host.name, address, name: domainName(address, uuid), uuid, hostBoot, hostDaemon };
    const patch = bindPatch(created, { ...where, seen: Date.now() }, Date.now());
    return stage.rest.patchStatus<EphemeralDomain>(EPHEMERAL_DOMAINS, created.metadata, patch);
  }

  async function scratchVolumes(): Promise<readonly string[]> {
    const pool = await host.client.poolLookupByName('hatchery');
    const names = (await host.client.poolListAllVolumes(pool)).map((volume) => volume.name);
    return names.filter((name) => name.startsWith('hatchery-scratch-'));
  }

  for (const [index, { what, at, when }] of CASES.entries()) {
    it(`${when} ${what}: its domain is started once, and its end is stored [end: controller-killed]`, async () => {
      const name = `scratch-${index}`;
      const bound = await createBound(name, `198.19.250.${100 + index}`);
      const uuid = bound.status?.domain?.uuid ?? '';
      const first = await stage.controller({ kill: { at, when, counts: isOfTheLife }, options });
      const ending = stage.until(name, inPhase('Running'), 60_000).then(() => host.client.shutdown({ name: '', uuid }));
      // Until it is stored as Running only another controller can bring it there.
      const killed = eventually(() => assert.ok(first.lifeline.isDead, 'not killed yet'), { timeoutMs: 60_000 });
      const [second] = await Promise.all([killed.then(() => stage.controller({ options })), ending]);
      const done = await stage.until(name, finishedAs('Succeeded', 'PowerOff'), 60_000);
      assert.deepEqual([done.status?.attempt, host.starts.get(uuid)], [1, 1]);
      await eventually(async () => assert.deepEqual(await host.client.listAllDomains(), []));
      await second.stop();
    });
  }

  it('a later controller sweeps what volumes they left', async () => {
    const last = await stage.controller({ options });
    await eventually(async () => assert.deepEqual(await scratchVolumes(), []), { timeoutMs: 60_000, intervalMs: 500 });
    await last.stop();
  });
});
