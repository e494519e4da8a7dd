import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';

import { sharedCluster, STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';

const ROOT = resolve(import.meta.dirname, '../../..');

describe('manifests/', function () {
  this.timeout(60_000);

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    await sharedCluster();
  });

  it('are accepted whole, in one step', async () => {
    const { kubectl } = await sharedCluster();
    const told = await kubectl([
      'apply',
      '--dry-run=server',
      '--validate=strict',
      '-o',
      'name',
      '-k',
      join(ROOT, 'manifests'),
    ]);
    for (const object of [
      'customresourcedefinition.apiextensions.k8s.io/ephemeraldomains.hatchery.dev',
      'serviceaccount/hatchery-controller',
      'clusterrolebinding.rbac.authorization.k8s.io/hatchery-controller',
      'deployment.apps/hatchery-controller',
      'serviceaccount/hatchery-ingress',
      'deployment.apps/hatchery-ingress',
      'service/hatchery-ingress',
      'ingressclass.networking.k8s.io/hatchery',
    ]) {
      assert.ok(told.split('\n').includes(object), `${object} in\n${told}`);
    }
  });

  it('put each Role where what it is about is', async () => {
    const { kubectl } = await sharedCluster();
    const all = (await kubectl(['kustomize', join(ROOT, 'manifests')])).split('\n---\n');
    const places = all.flatMap((part) => {
      if (!/^kind: (Role|RoleBinding)$/m.test(part)) return [];
      return [`${/^ {2}namespace: (\S+)$/m.exec(part)?.[1] ?? ''}/${/^ {2}name: (\S+)$/m.exec(part)?.[1] ?? ''}`];
    });
    const [address, controller] = ['hatchery-system/hatchery-address', 'hatchery-system/hatchery-controller'];
    const clientCa = 'kube-system/hatchery-controller';
    const ingress = 'hatchery-ingress/hatchery-ingress';
    const replicas = 'hatchery-ingress/hatchery-controller';
    const expected = [address, controller, clientCa, ingress, replicas].flatMap((place) => [place, place]);
    assert.deepEqual(places.toSorted(), expected.toSorted());
  });

  it('give a test bed the same roles, bound to its certificates’ users, and no Deployment', async () => {
    const { kubectl } = await sharedCluster();
    const bed = await kubectl(['kustomize', join(ROOT, 'manifests', 'testbed')]);
    const roles = await kubectl(['kustomize', join(ROOT, 'manifests', 'rbac')]);
    assert.ok(!bed.includes('kind: Deployment'));
    const parts = (text: string): readonly string[] =>
      text.split('\n---\n').filter((part) => !/^kind: (\w+Binding|IngressClass)$/m.test(part));
    assert.deepEqual(parts(bed), parts(roles));
    const bindings = bed.split('\n---\n').filter((part) => /^kind: \w+Binding$/m.test(part));
    const ours = bindings.filter((part) => /^ {2}name: hatchery-controller$/m.test(part));
    assert.equal(ours.length, 5);
    for (const binding of ours) assert.match(binding, /kind: User\n {2}name: hatchery-controller/);
    const ingress = bindings.filter((part) => /^ {2}name: hatchery-ingress(-secrets)?$/m.test(part));
    assert.equal(ingress.length, 3);
    for (const binding of ingress) assert.match(binding, /kind: User\n {2}name: hatchery-ingress/);
  });
});
