import assert from 'node:assert/strict';

import { sharedCluster, STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';
import { AUTHENTICATED, decisions, each, rightsOf, textOf } from './rights.ts';
import type { Ask } from './rights.ts';

const HATCHERY = 'hatchery.dev';
const LEASES = { group: 'coordination.k8s.io', resource: 'leases', name: 'hatchery-controller' } as const;
const CLIENT_CA = { resource: 'configmaps', name: 'extension-apiserver-authentication' } as const;
const CRDS = { group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions' } as const;

const MAY: readonly Ask[] = [
  ...each(['get', 'list', 'watch', 'delete'], { group: HATCHERY, resource: 'ephemeraldomains', namespace: 'default' }),
  ...each(['patch'], { group: HATCHERY, resource: 'ephemeraldomains', subresource: 'status', namespace: 'default' }),
  ...each(['get', 'list', 'watch'], { group: HATCHERY, resource: 'ephemeraldomaintemplates', namespace: 'default' }),
  ...each(['get', 'list', 'watch', 'create'], { group: HATCHERY, resource: 'domainhosts' }),
  ...each(['patch'], { group: HATCHERY, resource: 'domainhosts', subresource: 'status' }),
  ...each(['get', 'list', 'watch'], { resource: 'nodes' }),
  ...each(['get'], { resource: 'namespaces', name: 'kube-system' }),
  ...each(['get'], { resource: 'configmaps', namespace: 'default' }),
  ...each(['get'], { resource: 'secrets', namespace: 'default' }),
  ...each(['list', 'watch'], { resource: 'namespaces' }),
  ...each(['create', 'patch'], { resource: 'events', namespace: 'default' }),
  ...each(['get', 'update'], { ...LEASES, namespace: 'hatchery-system' }),
  ...each(['create'], { group: LEASES.group, resource: 'leases', namespace: 'hatchery-system' }),
  ...each(['list'], { group: LEASES.group, resource: 'leases', namespace: 'hatchery-ingress' }),
  ...each(['get'], { ...CRDS, name: 'ephemeraldomains.hatchery.dev' }),
  ...each(['get'], { ...CRDS, name: 'ephemeraldomaintemplates.hatchery.dev' }),
  ...each(['get'], { ...CRDS, name: 'domainhosts.hatchery.dev' }),
  ...each(['create'], { group: 'authorization.k8s.io', resource: 'selfsubjectaccessreviews' }),
  ...each(['create'], { group: 'authorization.k8s.io', resource: 'subjectaccessreviews' }),
  ...each(['create'], { group: 'authentication.k8s.io', resource: 'tokenreviews' }),
  ...each(['get'], { ...CLIENT_CA, namespace: 'kube-system' }),
];

const MAY_NOT: readonly Ask[] = [
  ...each(['create', 'update', 'patch', 'deletecollection'], { group: HATCHERY, resource: 'ephemeraldomains' }),
  ...each(['update'], { group: HATCHERY, resource: 'ephemeraldomains', subresource: 'status' }),
  ...each(['update', 'patch', 'delete'], { group: HATCHERY, resource: 'domainhosts' }),
  ...each(['create', 'update', 'patch', 'delete'], { group: HATCHERY, resource: 'ephemeraldomaintemplates' }),
  ...each(['update', 'patch', 'delete', 'create'], { resource: 'nodes' }),
  ...each(['patch'], { resource: 'nodes', subresource: 'status' }),
  ...each(['delete', 'create', 'update', 'patch'], { resource: 'namespaces' }),
  ...each(['get'], { resource: 'namespaces', name: 'default' }),
  ...each(['get', 'list', 'delete'], { resource: 'events' }),
  ...each(['list', 'watch', 'create', 'update', 'patch', 'delete'], { resource: 'secrets', namespace: 'default' }),
  ...each(['list', 'watch'], { resource: 'secrets' }),
  ...each(['list', 'watch', 'create', 'update', 'patch', 'delete'], { resource: 'configmaps', namespace: 'default' }),
  ...each(['get', 'create'], { resource: 'pods' }),
  ...each(['create'], { resource: 'pods', subresource: 'exec' }),
  ...each(['get', 'update'], { ...LEASES, namespace: 'default' }),
  ...each(['get', 'update', 'delete'], { ...LEASES, name: 'other', namespace: 'hatchery-system' }),
  ...each(['patch', 'delete'], { ...LEASES, namespace: 'hatchery-system' }),
  ...each(['list', 'create', 'update', 'delete'], CRDS),
  ...each(['get'], { ...CRDS, name: 'others.example.org' }),
  ...each(['bind', 'escalate', 'create'], { group: 'rbac.authorization.k8s.io', resource: 'clusterroles' }),
  ...each(['impersonate'], { resource: 'users' }),
  ...each(['list', 'watch', 'update', 'patch'], { ...CLIENT_CA, namespace: 'kube-system' }),
  ...each(['list', 'watch', 'create', 'update'], { resource: 'configmaps', namespace: 'default' }),
  ...each(['get'], { group: HATCHERY, resource: 'ephemeraldomains', subresource: 'console', namespace: 'default' }),
];

const CRD_NAMES = ['ephemeraldomains', 'ephemeraldomaintemplates', 'domainhosts'].map((kind) => `${kind}.hatchery.dev`);

/** All of it: a right more or less in manifests/ is to be a right more or less here. */
const CONTROLLER_EVERYWHERE: readonly string[] = [
  ...['get', 'list', 'watch', 'delete'].map((verb) => `${verb} ephemeraldomains.hatchery.dev`),
  'patch ephemeraldomains/status.hatchery.dev',
  ...['get', 'list', 'watch', 'create'].map((verb) => `${verb} domainhosts.hatchery.dev`),
  'patch domainhosts/status.hatchery.dev',
  ...['get', 'list', 'watch'].map((verb) => `${verb} nodes`),
  'get namespaces kube-system',
  ...['list', 'watch'].map((verb) => `${verb} namespaces`),
  ...['get', 'list', 'watch'].map((verb) => `${verb} ephemeraldomaintemplates.hatchery.dev`),
  'get configmaps',
  'get secrets',
  'create tokenreviews.authentication.k8s.io',
  'create subjectaccessreviews.authorization.k8s.io',
  ...['create', 'patch'].map((verb) => `${verb} events`),
  `get customresourcedefinitions.apiextensions.k8s.io ${CRD_NAMES.join(' ')}`,
];
const CONTROLLER_AT_HOME: readonly string[] = [
  ...CONTROLLER_EVERYWHERE,
  'create leases.coordination.k8s.io',
  'get leases.coordination.k8s.io hatchery-controller',
  'update leases.coordination.k8s.io hatchery-controller',
];

describe('The controller', function () {
  this.timeout(60_000);

  for (const [namespace, rights] of [
    ['default', CONTROLLER_EVERYWHERE],
    ['hatchery-system', CONTROLLER_AT_HOME],
  ] as const) {
    it(`has these rights in ${namespace}, and no other`, async () => {
      assert.deepEqual(await rightsOf('hatchery-controller', namespace), rights.toSorted());
    });
  }

  let may: readonly boolean[];
  let mayNot: readonly boolean[];

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    may = await decisions('hatchery-controller', AUTHENTICATED, MAY);
    mayNot = await decisions('hatchery-controller', AUTHENTICATED, MAY_NOT);
  });

  for (const [index, ask] of MAY.entries()) {
    it(`may ${textOf(ask)}`, () => {
      assert.equal(may[index], true);
    });
  }
  for (const [index, ask] of MAY_NOT.entries()) {
    it(`may not ${textOf(ask)}`, () => {
      assert.equal(mayNot[index], false);
    });
  }
});

/** Roles for people; the cluster's own view, edit and admin get their rules by aggregation. */
const PEOPLE = { 'hatchery-view': ['view', 'edit', 'admin'], 'hatchery-edit': ['edit', 'admin'] } as const;
const CONSOLES: readonly Ask[] = each(['get'], {
  group: HATCHERY,
  resource: 'ephemeraldomains',
  subresource: 'console',
});
const KINDS = ['ephemeraldomains', 'ephemeraldomaintemplates', 'domainhosts'] as const;
const READ = ['get', 'list', 'watch'];
const WRITE = ['create', 'update', 'patch', 'delete', 'deletecollection'];

const asksOf = (verbs: readonly string[], kinds: readonly string[], subresource?: string): readonly Ask[] =>
  kinds.flatMap((resource) =>
    each(verbs, { group: HATCHERY, resource, ...(subresource === undefined ? {} : { subresource }) }),
  );

const PEOPLE_TABLE = [
  ['hatchery-view', 'may read every kind', true, asksOf(READ, KINDS)],
  ['hatchery-view', 'may read consoles', true, CONSOLES],
  ['hatchery-view', 'may write none', false, asksOf(WRITE, KINDS)],
  ['hatchery-edit', 'may write EphemeralDomains and templates', true, asksOf(WRITE, KINDS.slice(0, 2))],
  ['hatchery-edit', 'may not write DomainHosts', false, asksOf(WRITE, ['domainhosts'])],
  ['hatchery-edit', 'may not write a status', false, asksOf(['update', 'patch'], KINDS, 'status')],
  ['hatchery-view', 'may not write a status', false, asksOf(['update', 'patch'], KINDS, 'status')],
] as const;

describe('People', function () {
  this.timeout(60_000);

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    const { kubectl } = await sharedCluster();
    for (const role of Object.keys(PEOPLE)) {
      await kubectl(['create', 'clusterrolebinding', `crds-${role}`, `--clusterrole=${role}`, `--user=crds-${role}`]);
    }
  });

  after(async () => {
    const { kubectl } = await sharedCluster();
    await kubectl(['delete', 'clusterrolebinding', ...Object.keys(PEOPLE).map((role) => `crds-${role}`)]);
  });

  for (const [role, what, allowed, asks] of PEOPLE_TABLE) {
    it(`with role ${role} ${what}`, async () => {
      const answers = await decisions(`crds-${role}`, AUTHENTICATED, asks);
      const wrong = asks.filter((_, index) => answers[index] !== allowed).map(textOf);
      assert.deepEqual(wrong, []);
    });
  }

  it('whom the cluster knows may read where the controller is, and no other Lease', async () => {
    const [address, ...others] = await decisions('crds-anybody', AUTHENTICATED, [
      { verb: 'get', ...LEASES, namespace: 'hatchery-system' },
      { verb: 'update', ...LEASES, namespace: 'hatchery-system' },
      { verb: 'list', group: LEASES.group, resource: 'leases', namespace: 'hatchery-system' },
      { verb: 'get', ...LEASES, name: 'other', namespace: 'hatchery-system' },
    ]);
    assert.deepEqual([address, ...others], [true, false, false, false]);
  });

  for (const [role, into] of Object.entries(PEOPLE)) {
    it(`with role ${into.join(', ')} of the cluster have ${role} too`, async () => {
      const { kubectl } = await sharedCluster();
      const found = JSON.parse(await kubectl(['get', 'clusterrole', role, '-o', 'json'])) as {
        readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      };
      for (const name of into) {
        assert.equal(found.metadata.labels[`rbac.authorization.k8s.io/aggregate-to-${name}`], 'true');
      }
    });
  }

  for (const role of ['view', 'edit', 'admin']) {
    it(`with the cluster's own role ${role} in one namespace write no status, and reach no other namespace`, async () => {
      const { kubectl } = await sharedCluster();
      const user = `crds-tenant-${role}`;
      await kubectl(['create', 'rolebinding', user, `--clusterrole=${role}`, `--user=${user}`, '-n', 'default']);
      try {
        const rights = await rightsOf(user, 'default');
        const ours = rights.filter((right) => right.includes('hatchery.dev'));
        assert.ok(ours.includes('get ephemeraldomains.hatchery.dev'), 'aggregated');
        assert.equal(ours.includes('create ephemeraldomains.hatchery.dev'), role !== 'view');
        assert.deepEqual(
          ours.filter((right) => right.includes('/')),
          ['get ephemeraldomains/console.hatchery.dev'],
        );
        assert.deepEqual(
          ours.filter((right) => /^(?!get|list|watch).* domainhosts/.test(right)),
          [],
        );
        const elsewhere = await rightsOf(user, 'kube-system');
        assert.deepEqual(
          elsewhere.filter((right) => right.includes('hatchery.dev')),
          [],
        );
      } finally {
        await kubectl(['delete', 'rolebinding', user, '-n', 'default']);
      }
    });
  }
});
