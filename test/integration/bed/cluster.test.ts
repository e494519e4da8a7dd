import assert from 'node:assert/strict';
import { readFile, readdir, stat } from 'node:fs/promises';
import { get } from 'node:https';
import { join } from 'node:path';
import type { Bed } from '#hack/bed/bed.ts';
import { bedProcesses } from '#hack/bed/leftovers.ts';
import { endProcess, isRunning, runningIdentity } from '#hack/bed/process.ts';
import { attachCluster, isClusterRunning, startCluster } from '#hack/cluster/cluster.ts';
import type { Cluster } from '#hack/cluster/cluster.ts';
import { createKubectl } from '#hack/cluster/kubectl.ts';
import { takeDown } from '#hack/commands/down.ts';
import { ownBed, STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';

describe('the control plane of a bed', function () {
  this.timeout(120_000);
  let bed: Bed;
  let cluster: Cluster;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    bed = await ownBed();
    cluster = await startCluster(bed);
  });
  after(() => takeDown(bed));

  const userOf = async (kubeconfig: string): Promise<string> => {
    const review = await createKubectl(bed, kubeconfig)(['auth', 'whoami', '-o', 'json']);
    return (JSON.parse(review) as { status: { userInfo: { username: string } } }).status.userInfo.username;
  };

  it('serves the three kinds', async () => {
    const kinds = await cluster.kubectl(['api-resources', '--api-group=hatchery.dev', '-o', 'name']);
    assert.deepEqual(kinds.trim().split('\n').sort(), [
      'domainhosts.hatchery.dev',
      'ephemeraldomains.hatchery.dev',
      'ephemeraldomaintemplates.hatchery.dev',
    ]);
  });

  it('knows the administrator and the controller by their certificates', async () => {
    assert.equal(await userOf(cluster.kubeconfig), 'admin');
    assert.equal(await userOf(cluster.controllerKubeconfig), 'hatchery-controller');
  });

  it('lets the controller do what its role says, and no more', async () => {
    const kubectl = createKubectl(bed, cluster.controllerKubeconfig);
    assert.equal(await kubectl.answers(['get', 'ephemeraldomains', '--all-namespaces']), true);
    assert.equal(await kubectl.answers(['get', 'secrets', '--all-namespaces']), false);
    assert.equal(await kubectl.answers(['label', 'node', 'none', 'a=b']), false);
  });

  it('takes no one without a certificate for more than a guest', async () => {
    const status = await new Promise((resolve, reject) => {
      const request = get(`${cluster.url}/api/v1/nodes`, { rejectUnauthorized: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      request.on('error', reject);
    });
    assert.equal(status, 403);
  });

  it('lets only the owner read a kubeconfig, and writes pid files of digits', async () => {
    assert.equal((await stat(cluster.kubeconfig)).mode & 0o777, 0o600);
    for (const name of ['etcd', 'kube-apiserver', 'kube-controller-manager']) {
      assert.match(await readFile(join(bed.dir, 'run', `${name}.pid`), 'utf8'), /^\d+\n$/);
    }
  });

  it('comes back after a kill -9 with all that it stored, under the same address', async () => {
    await cluster.kubectl(['create', 'namespace', 'kept']);
    for (const name of ['kube-apiserver', 'etcd']) {
      const identity = await runningIdentity(bed, name);
      assert.ok(identity !== undefined);
      await endProcess(identity, { signal: 'SIGKILL' });
    }
    assert.equal(await isClusterRunning(bed), false);
    const again = await startCluster(bed);
    assert.equal(again.url, cluster.url);
    assert.match(await again.kubectl(['get', 'namespace', 'kept', '-o', 'name']), /kept/);
  });

  it('is left alone by a second start', async () => {
    const before = await runningIdentity(bed, 'kube-apiserver');
    await startCluster(bed);
    assert.deepEqual(await runningIdentity(bed, 'kube-apiserver'), before);
  });

  it('is gone after down, also when that is called again, and can be attached no more', async () => {
    await takeDown(bed);
    await takeDown(bed);
    assert.equal(await isRunning(bed, 'etcd'), false);
    assert.deepEqual(bedProcesses(bed.id), []);
    assert.deepEqual((await readdir(bed.dir)).sort(), ['bin', 'logs']);
    await assert.rejects(attachCluster(bed), /holds no control plane/);
  });
});
