import assert from 'node:assert/strict';

import { sharedCluster, STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';
import { AUTHENTICATED, decisions, each, rightsOf, textOf } from './rights.ts';
import type { Ask } from './rights.ts';

const HATCHERY = 'hatchery.dev';
const NETWORKING = 'networking.k8s.io';
const LEASES = { group: 'coordination.k8s.io', resource: 'leases' } as const;
const CRD_NAMES = ['ephemeraldomains', 'ephemeraldomaintemplates', 'domainhosts'].map((kind) => `${kind}.hatchery.dev`);

const lines = (verbs: readonly string[], what: string): readonly string[] => verbs.map((verb) => `${verb} ${what}`);

/** All of it: a right more or less in manifests/ is to be a right more or less here. */
const EVERYWHERE: readonly string[] = [
  ...lines(['list', 'watch'], `ingresses.${NETWORKING}`),
  ...lines(['list', 'watch'], `ingressclasses.${NETWORKING}`),
  `patch ingresses/status.${NETWORKING}`,
  ...lines(['get', 'list', 'watch'], 'ephemeraldomaintemplates.hatchery.dev'),
  ...lines(['get', 'list', 'watch', 'create', 'delete'], 'ephemeraldomains.hatchery.dev'),
  'create ephemeraldomains/timeline.hatchery.dev',
  ...lines(['list', 'watch'], 'domainhosts.hatchery.dev'),
  ...lines(['list', 'watch'], 'secrets'),
  ...lines(['create', 'patch'], 'events'),
  `get customresourcedefinitions.apiextensions.k8s.io ${CRD_NAMES.join(' ')}`,
];
const AT_HOME: readonly string[] = [
  ...EVERYWHERE,
  ...lines(['get', 'list', 'watch', 'create', 'update', 'delete'], 'leases.coordination.k8s.io'),
];

/** Where its Lease says that it is. */
const AT_THE_CONTROLLER: readonly string[] = [...EVERYWHERE, 'get leases.coordination.k8s.io hatchery-controller'];

const MAY_NOT: readonly Ask[] = [
  ...each(['create', 'update', 'patch', 'delete'], { group: NETWORKING, resource: 'ingresses', namespace: 'default' }),
  ...each(['create', 'update', 'patch', 'delete'], { group: NETWORKING, resource: 'ingressclasses' }),
  ...each(['create', 'update', 'patch', 'delete'], { resource: 'secrets', namespace: 'default' }),
  ...each(['update', 'patch', 'deletecollection'], { group: HATCHERY, resource: 'ephemeraldomains' }),
  ...each(['update', 'patch'], { group: HATCHERY, resource: 'ephemeraldomains', subresource: 'status' }),
  ...each(['create', 'update', 'patch', 'delete'], { group: HATCHERY, resource: 'ephemeraldomaintemplates' }),
  ...each(['create', 'update', 'patch', 'delete'], { group: HATCHERY, resource: 'domainhosts' }),
  ...each(['update', 'delete'], { ...LEASES, name: 'hatchery-controller', namespace: 'hatchery-system' }),
  ...each(['get', 'list'], { resource: 'configmaps', namespace: 'default' }),
  ...each(['get', 'list', 'create'], { resource: 'pods' }),
  ...each(['impersonate'], { resource: 'users' }),
];

describe('The ingress', function () {
  this.timeout(60_000);

  for (const [namespace, rights] of [
    ['default', EVERYWHERE],
    ['hatchery-ingress', AT_HOME],
    ['hatchery-system', AT_THE_CONTROLLER],
  ] as const) {
    it(`has these rights in ${namespace}, and no other`, async () => {
      assert.deepEqual(await rightsOf('hatchery-ingress', namespace), rights.toSorted());
    });
  }

  let mayNot: readonly boolean[];

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    mayNot = await decisions('hatchery-ingress', AUTHENTICATED, MAY_NOT);
  });

  for (const [index, ask] of MAY_NOT.entries()) {
    it(`may not ${textOf(ask)}`, () => {
      assert.equal(mayNot[index], false);
    });
  }

  it('reads Secrets by a binding of their own, which can be narrowed to namespaces', async () => {
    const { kubectl } = await sharedCluster();
    const verbs = await kubectl(['get', 'clusterrole', 'hatchery-ingress', '-o', 'jsonpath={.rules[*].resources}']);
    assert.ok(!verbs.includes('secrets'), verbs);
  });
});
