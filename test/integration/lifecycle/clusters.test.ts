import assert from 'node:assert/strict';

import { DOMAIN_HOSTS } from '#controller/api/index.ts';
import { NODES } from '#controller/kube/index.ts';
import { startCluster } from '#hack/cluster/cluster.ts';
import type { Cluster } from '#hack/cluster/cluster.ts';
import { ownBed, STARTUP_TIMEOUT_MS, TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createStage, finishedAs, inPhase } from './stage.ts';
import type { Stage } from './stage.ts';
import type { StageHost } from './stage-hosts.ts';

describe('a second cluster', function () {
  this.timeout(TEST_TIMEOUT_MS);
  let cluster: Cluster;
  let ours: Stage;
  let theirs: Stage;
  let host: StageHost;
  const options = { settleMs: 300 };

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    cluster = await startCluster(await ownBed());
  });
  after(() => cluster.stop());

  beforeEach(async () => {
    ours = await createStage();
    theirs = await createStage(cluster);
    host = await ours.host();
  });
  afterEach(async () => {
    await theirs.rest.delete(NODES, { name: host.name });
    await theirs.dispose();
    await ours.dispose();
  });

  /** Makes our host known to the other cluster, with the same addresses to give out. */
  async function share(): Promise<void> {
    const { spec } = await ours.getHost(host.name);
    await theirs.rest.create(DOMAIN_HOSTS, { metadata: { name: host.name }, spec });
    const { key, value } = theirs.label;
    await theirs.rest.create(NODES, { metadata: { name: host.name, labels: { [key]: value } } });
    await theirs.untilHost(host.name, 'True');
  }

  it('on the same host with the same addresses: each domain runs once, each address has one owner [end: two-clusters]', async () => {
    await ours.controller({ options });
    await ours.untilHost(host.name, 'True');
    await theirs.controller({ options });
    await share();
    const names = ['a', 'b', 'c', 'd'];
    await Promise.all(names.flatMap((name) => [ours.create(name), theirs.create(name)]));
    const running = await Promise.all(
      names.flatMap((name) => [ours, theirs].map((stage) => stage.until(name, inPhase('Running'), 60_000))),
    );
    const addresses = running.map(({ status }) => status?.address);
    assert.equal(new Set(addresses).size, addresses.length, addresses.join(' '));
    for (const { status } of running) assert.equal(host.starts.get(status?.domain?.uuid ?? ''), 1);

    for (const { status } of running) await host.client.shutdown({ name: '', uuid: status?.domain?.uuid ?? '' });
    for (const name of names) {
      await ours.until(name, finishedAs('Succeeded'));
      await theirs.until(name, finishedAs('Succeeded'));
    }
    await eventually(async () => assert.deepEqual(await host.client.listAllDomains(), []));
    assert.equal(host.starts.size, running.length);
  });
});
