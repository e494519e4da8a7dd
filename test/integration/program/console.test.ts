import assert from 'node:assert/strict';

import { EPHEMERAL_DOMAINS } from '#controller/api/index.ts';
import type { EphemeralDomain, EphemeralDomainStatus } from '#controller/api/index.ts';
import { createRestClient, loadKubeConfig, NAMESPACES } from '#controller/kube/index.ts';
import type { RestClient } from '#controller/kube/index.ts';
import type { Cluster } from '#hack/cluster/cluster.ts';
import { sharedCluster, STARTUP_TIMEOUT_MS, TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { runProgram, startProgram } from './program.ts';

const NAMESPACE = 'console-waits';
/** For a program to start, on a busy machine. */
const START = { timeoutMs: 40_000 };

describe('hatchery console of what does not run yet', function () {
  this.timeout(TEST_TIMEOUT_MS);
  let cluster: Cluster;
  let rest: RestClient;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    cluster = await sharedCluster();
    rest = createRestClient(await loadKubeConfig({ kubeconfig: cluster.kubeconfig }));
    await rest.create(NAMESPACES, { metadata: { name: NAMESPACE } });
  });
  after(async () => {
    await rest.delete(NAMESPACES, { name: NAMESPACE });
    await rest.close();
  });

  const commandLine = (name: string, ...flags: readonly string[]) =>
    ['console', `--kubeconfig=${cluster.kubeconfig}`, `${NAMESPACE}/${name}`, ...flags] as const;

  const create = (name: string): Promise<EphemeralDomain> =>
    rest.create(EPHEMERAL_DOMAINS, {
      metadata: { name, namespace: NAMESPACE },
      spec: { domain: { type: 'pv', memory: '64Mi', vcpus: 1, boot: { kernel: 'hatchling' } } },
    });

  const tell = ({ metadata: { name, namespace } }: EphemeralDomain, status: EphemeralDomainStatus) =>
    rest.patchStatus(EPHEMERAL_DOMAINS, { name, namespace }, { status });

  it('-f waits, says for what whenever that changes, and prints what was captured where it is over by then', async () => {
    const waiting = await create('over');
    const following = startProgram(commandLine('over', '-f'));
    const line = 'hatchery: waits until console-waits/over runs (Pending)\n';
    await eventually(() => assert.equal(following.said(), line), START);
    const message = '0/1 hosts: 1 is not Ready';
    await tell(waiting, { phase: 'Pending', reason: 'Unschedulable', message });
    await eventually(() =>
      assert.match(following.said(), /runs \(Pending: Unschedulable: 0\/1 hosts: 1 is not Ready\)\n$/),
    );
    await tell(waiting, { phase: 'Succeeded', reason: 'PowerOff', consoleTail: 'goodbye\n' });
    const { code, stdout, stderr } = await following.ended;
    assert.deepEqual([code, stdout], [0, 'goodbye\n']);
    assert.equal(stderr.split('\n').length, 3);
  });

  it('-f ends with a sentence and exit code 1 where it is deleted', async () => {
    const waiting = await create('deleted');
    const following = startProgram(commandLine('deleted', '-f'));
    await eventually(() => assert.match(following.said(), /waits until/), START);
    await rest.delete(EPHEMERAL_DOMAINS, waiting.metadata);
    const { code, stderr } = await following.ended;
    assert.equal(code, 1);
    assert.match(stderr, /\nhatchery: there is no EphemeralDomain console-waits\/deleted any more\n$/);
  });

  it('-f does not take another of its name for it', async () => {
    const waiting = await create('anew');
    const following = startProgram(commandLine('anew', '-f'));
    await eventually(() => assert.match(following.said(), /waits until/), START);
    await rest.delete(EPHEMERAL_DOMAINS, waiting.metadata);
    await create('anew');
    const { code, stderr } = await following.ended;
    assert.equal(code, 1);
    assert.match(stderr, /console-waits\/anew (was deleted, and another was made under its name|any more)/);
  });

  it('ends with Ctrl-C while it waits', async () => {
    await create('quiet');
    const following = startProgram(commandLine('quiet', '-f'));
    await eventually(() => assert.match(following.said(), /waits until/), START);
    following.kill('SIGINT');
    assert.equal((await following.ended).signal, 'SIGINT');
  });

  it('without -f it does not wait: one sentence, exit code 1', async () => {
    await create('impatient');
    const { code, stdout, stderr } = await runProgram(commandLine('impatient'));
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^hatchery: [^\n]+\n$/);
  });
});
