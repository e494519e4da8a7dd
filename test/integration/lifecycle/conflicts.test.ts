import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import { EPHEMERAL_DOMAINS } from '#controller/api/index.ts';
import { STARTUP_TIMEOUT_MS, TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createStage, finishedAs, inPhase } from './stage.ts';
import type { Stage } from './stage.ts';
import type { StageHost } from './stage-hosts.ts';

describe('domains that others made, and domains that nobody wants any more', function () {
  this.timeout(TEST_TIMEOUT_MS);
  let stage: Stage;
  let host: StageHost;
  const options = { settleMs: 300 };

  beforeEach(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    stage = await createStage();
    host = await stage.host();
  });
  afterEach(() => stage.dispose());

  /** A domain as a person, or another cluster, would define and start it. */
  async function foreign(name: string, metadata = ''): Promise<string> {
    const uuid = randomUUID();
    await host.client.createXml(
      `<domain type='test'><name>${name}</name><uuid>${uuid}</uuid>${metadata}<memory unit='KiB'>1024</memory>` +
        `<os><type arch='x86_64'>hvm</type></os></domain>`,
    );
    return uuid;
  }

  async function listed(): Promise<readonly string[]> {
    return (await host.client.listAllDomains()).map(({ uuid }) => uuid);
  }

  it('its name is held by another UUID: another address, the same attempt; the address rests [end: name-held]', async () => {
    const probe = await stage.controller({ options });
    await stage.create('first');
    const taken = (await stage.until('first', inPhase('Running'))).status?.address ?? '';
    await probe.stop();
    const held = [1, 2].map((more) => taken.replace(/\d+$/, (last) => String(Number(last) + more)));
    const holders = await Promise.all(held.map((address) => foreign(`edom-${address.replaceAll('.', '-')}`)));

    await stage.controller({ options });
    await stage.create('second');
    const running = await stage.until('second', inPhase('Running'));
    assert.ok(!held.includes(running.status?.address ?? ''));
    assert.equal(running.status?.attempt, 1);
    assert.equal(host.starts.get(running.status.domain?.uuid ?? ''), 1);
    const there = await listed();
    assert.ok(holders.every((uuid) => there.includes(uuid)));
    await eventually(async () => {
      const { heldAddresses = [] } = (await stage.getHost(host.name)).status ?? {};
      assert.deepEqual(heldAddresses.map(({ address }) => address).toSorted(), held);
    });
  });

  it('an earlier attempt failed with HostStateUnknown: its address rests after a restart, too [end: host-state-unknown]', async () => {
    const boot = (await host.client.poolLookupByName('hatchery')).uuid;
    const probe = await stage.controller({ options });
    await stage.create('before', { backoffLimit: 1 });
    const { metadata, status } = await stage.until('before', inPhase('Running'));
    const { address = '' } = status ?? {};
    await host.client.shutdown({ name: '', uuid: status?.domain?.uuid ?? '' });
    await stage.until('before', finishedAs('Succeeded'));
    await probe.stop();
    // What a process stored that saw it; the test driver cannot lose a create.
    const unknownAttempts = [{ attempt: 1, host: host.name, hostBoot: boot, address }];
    await stage.rest.patchStatus(EPHEMERAL_DOMAINS, metadata, { status: { unknownAttempts } });

    await stage.controller({ options });
    await eventually(async () => {
      const [held] = (await stage.getHost(host.name)).status?.heldAddresses ?? [];
      assert.equal(held?.address, address);
      assert.match(held.message ?? '', /xl destroy edom-198-19-/);
    });
  });

  it('its resource was deleted while no controller ran: destroyed before the host is Ready [end: deleted-unwatched]', async () => {
    const first = await stage.controller({ options });
    await stage.create('orphan');
    await stage.create('kept');
    const orphan = (await stage.until('orphan', inPhase('Running'))).status?.domain?.uuid ?? '';
    const kept = (await stage.until('kept', inPhase('Running'))).status?.domain?.uuid ?? '';
    await first.stop();
    await stage.rest.delete(EPHEMERAL_DOMAINS, { name: 'orphan', namespace: stage.namespace });
    const stranger = await foreign('stranger');

    await stage.controller({ options });
    await eventually(async () => assert.ok(!(await listed()).includes(orphan)));
    assert.ok((await listed()).includes(kept));
    assert.ok((await listed()).includes(stranger));
    await host.client.shutdown({ name: '', uuid: kept });
    const done = await stage.until('kept', finishedAs('Succeeded'));
    assert.equal(host.starts.get(done.status?.domain?.uuid ?? ''), 1);
  });

  it('it belongs to another cluster: it is counted, and never touched [end: other-cluster]', async () => {
    const metadata =
      `<metadata><h:attempt xmlns:h='https://hatchery.dev/domain/v1' format='1' cluster='${randomUUID()}' ` +
      `namespace='default' name='theirs' uid='${randomUUID()}' attempt='1'/></metadata>`;
    const theirs = await foreign('theirs', metadata);
    await stage.controller({ options });
    await stage.create('ours');
    await stage.until('ours', inPhase('Running'));
    assert.ok((await listed()).includes(theirs));
    await eventually(async () => assert.equal((await stage.getHost(host.name)).status?.allocated?.domains, 2));
  });

  it('more than 20 of them, and more than half of the host: destroyed slowly, and the host says so [end: many-orphans]', async () => {
    const first = await stage.controller({ options });
    const names = Array.from({ length: 24 }, (_, i) => `many-${i}`);
    for (const name of names) await stage.create(name);
    for (const name of names) await stage.until(name, inPhase('Running'), 60_000);
    await first.stop();
    for (const name of names) await stage.rest.delete(EPHEMERAL_DOMAINS, { name, namespace: stage.namespace });

    await stage.controller({ options });
    await eventually(async () => {
      const { conditions = [] } = (await stage.getHost(host.name)).status ?? {};
      assert.equal(conditions.find(({ type }) => type === 'ManyOrphans')?.status, 'True');
      assert.equal(conditions.find(({ type }) => type === 'Ready')?.status, 'True');
    });
    assert.ok((await listed()).length >= 22);
  });
});
