import assert from 'node:assert/strict';

import type { Ingress } from '#controller/kube/index.ts';
import { translateIngress } from './ingress.ts';
import type { Route } from './route.ts';
import { buildTable } from './table.ts';
import { ingress, path, rule, template } from './testing/resources.ts';

const built = (...ingresses: readonly Ingress[]) =>
  buildTable(
    ingresses.flatMap((each) => translateIngress(each).routes),
    (_, name) => (name === 'gone' ? undefined : template(name)),
  );

type Row = readonly [what: string, host: string, path: string, template: string | undefined];

/** What serves a request, by its template's name. */
const servedBy = (table: ReturnType<typeof built>['table'], host: string, at: string): string | undefined => {
  const match = table.match({ host, path: at, tls: false });
  return match.kind === 'backend' ? match.backend.template : match.kind === 'none' ? undefined : match.kind;
};

const WEB = ingress('web', {
  rules: [
    rule('a.example.org', path('/foo', 'foo'), path('/foo', 'foo-exact', 'Exact'), path('/foo/bar', 'bar')),
    rule('*.example.org', path('/', 'wildcard'), path('/only-wildcard', 'only-wildcard')),
    rule('Upper.Example.Org', path('/', 'upper')),
    rule(undefined, path('/every', 'every')),
    rule('impl.test', path('/x/', 'impl', 'ImplementationSpecific')),
    rule('enc.test', path('/a%20b', 'encoded', 'Exact')),
  ],
  defaultBackend: path('/', 'default').backend,
});

const ROWS: readonly Row[] = [
  ['the exact path before the prefix', 'a.example.org', '/foo', 'foo-exact'],
  ['a prefix by whole elements', 'a.example.org', '/foo/x', 'foo'],
  ['the longest prefix', 'a.example.org', '/foo/bar/x', 'bar'],
  ['no prefix within an element', 'a.example.org', '/foobar', 'wildcard'],
  ['the exact host before the wildcard', 'a.example.org', '/foo/', 'foo'],
  ['the wildcard where no path of the exact host matches', 'a.example.org', '/only-wildcard', 'only-wildcard'],
  ['the wildcard for one label', 'b.example.org', '/', 'wildcard'],
  ['not the wildcard for two labels', 'c.b.example.org', '/', 'default'],
  ['not the wildcard for none', 'example.org', '/', 'default'],
  ['hosts in any case', 'A.eXample.ORG', '/foo', 'foo-exact'],
  ['hosts that the route writes in capitals', 'upper.example.org', '/', 'upper'],
  ['hosts without their port', 'a.example.org:8080', '/foo', 'foo-exact'],
  ["hosts without the root's dot", 'a.example.org.', '/foo', 'foo-exact'],
  ['hosts with dot and port', 'a.example.org.:80', '/foo', 'foo-exact'],
  ['paths in their case', 'a.example.org', '/FOO', 'wildcard'],
  ['paths byte for byte', 'enc.test', '/a%20b', 'encoded'],
  ['no path that is only equivalent', 'enc.test', '/%61%20b', 'default'],
  ['a rule without host for every host', 'other.test', '/every/x', 'every'],
  ['an address as host by rules without host', '[2001:db8::1]:80', '/every', 'every'],
  ['an IPv4 address', '192.0.2.1:80', '/every', 'every'],
  ['the wildcard before a rule without host', 'a.example.org', '/every', 'wildcard'],
  ['a rule without host before the default', 'impl.test', '/every', 'every'],
  ['ImplementationSpecific as a prefix, with or without its slash', 'impl.test', '/x', 'impl'],
  ['the default where nothing else matches', 'nobody.test', '/', 'default'],
  ['no host as every host', '', '/every', 'every'],
];

describe('the route table', () => {
  const { table, problems } = built(WEB);

  for (const [what, host, at, expected] of ROWS) {
    it(`takes ${what}: ${host}${at} -> ${expected ?? 'none'}`, () => {
      assert.equal(servedBy(table, host, at), expected);
    });
  }

  it('has no problem with any of these', () => assert.deepEqual(problems, []));

  it('tells what serves a request, with the policy of its template', () => {
    const match = table.match({ host: 'impl.test', path: '/x', tls: true });
    assert.ok(match.kind === 'backend');
    const { http, ...backend } = match.backend;
    assert.deepEqual(backend, {
      ...{ namespace: 'default', template: 'impl', resource: template('impl') },
      ingress: { namespace: 'default', name: 'web' },
      limits: { maxConcurrent: 16, maxQueued: 64, maxPerClient: undefined, queueTimeoutMs: 5_000 },
    });
    assert.equal(http.port, 8000);
  });

  it('has nothing for a request that no route matches', () => {
    const one = built(ingress('one', { rules: [rule('a.test', path('/a', 'a'))] })).table;
    for (const [host, at] of [
      ['b.test', '/a'],
      ['a.test', '/'],
    ] as const) {
      assert.deepEqual(one.match({ host, path: at, tls: false }), { kind: 'none' });
    }
  });

  it('gives the requests for a host and path that two claim to the older, and says so of the other', () => {
    const young = ingress('aaa', { rules: [rule('a.test', path('/x/', 'young'), path('/y', 'y'))] }, { created: 1 });
    const old = ingress('old', { rules: [rule('a.test', path('/x', 'old'))] });
    const { table: both, problems: told } = built(young, old);
    assert.equal(servedBy(both, 'a.test', '/x'), 'old');
    assert.equal(servedBy(both, 'a.test', '/y'), 'y');
    assert.deepEqual(
      told.map(({ source, reason }) => [source.name, reason]),
      [['aaa', 'RouteConflict']],
    );
    assert.match(
      told[0]?.message ?? '',
      /a\.test and path \/x\/ are served by .* Ingress default\/old, which is older/,
    );
    assert.equal(servedBy(built(young).table, 'a.test', '/x'), 'young');
  });

  it('takes of two as old the first by name', () => {
    const [a, b] = ['a', 'b'].map((name) => ingress(name, { rules: [rule('a.test', path('/', name))] }));
    assert.equal(servedBy(built(b!, a!).table, 'a.test', '/'), 'a');
  });

  it('takes the first of two paths within one Ingress', () => {
    const { table: twice, problems: told } = built(
      ingress('twice', { rules: [rule('a.test', path('/', 'first'), path('/', 'second'))] }),
    );
    assert.equal(servedBy(twice, 'a.test', '/'), 'first');
    assert.match(
      told[0]?.message ?? '',
      /paths\[1\]: .* served by spec\.rules\[0\]\.http\.paths\[0\] of the same object/,
    );
  });

  it('keeps the place of what it cannot serve: its requests start no domain of another path', () => {
    const service = { service: { name: 'api' } };
    const { table: mixed, problems: told } = built(
      ingress('mixed', {
        rules: [rule('a.test', path('/', 'web'), path('/api', service), path('/later', 'gone'))],
      }),
    );
    assert.equal(servedBy(mixed, 'a.test', '/x'), 'web');
    const where = { namespace: 'default', name: 'mixed' };
    const at = (value: string) => mixed.match({ host: 'a.test', path: value, tls: false });
    assert.deepEqual(at('/api/v1'), { kind: 'unserved', reason: 'UnsupportedBackend', ingress: where });
    assert.deepEqual(at('/later'), { kind: 'unserved', reason: 'TemplateNotFound', ingress: where });
    assert.deepEqual(
      told.map(({ reason }) => reason),
      ['UnsupportedBackend', 'TemplateNotFound'],
    );
  });

  it('lets the default of an Ingress with hosts serve those, and of one without every host', () => {
    const tenant = ingress('tenant', {
      rules: [rule('a.test', path('/a', 'a'))],
      defaultBackend: path('/', 'tenant').backend,
    });
    const cluster = ingress('cluster', { defaultBackend: path('/', 'cluster').backend }, { created: 1 });
    const { table: both, problems: told } = built(tenant, cluster);
    assert.equal(servedBy(both, 'a.test', '/b'), 'tenant');
    assert.equal(servedBy(both, 'b.test', '/b'), 'cluster');
    assert.deepEqual(told, []);
  });

  it('redirects what comes without TLS where the route says so, for the hosts that have TLS', () => {
    const spec = {
      rules: [rule('a.test', path('/', 'a')), rule('plain.test', path('/', 'a')), rule('b.w.test', path('/', 'a'))],
      tls: [{ hosts: ['A.test', '*.w.test'], secretName: 'tls' }],
    };
    const redirecting = built(ingress('r', spec, { annotations: { 'hatchery.dev/ssl-redirect': 'true' } })).table;
    const redirect = { kind: 'redirect', scheme: 'https', status: 308 };
    assert.deepEqual(redirecting.match({ host: 'a.test:8080', path: '/', tls: false }), redirect);
    assert.deepEqual(redirecting.match({ host: 'b.w.test', path: '/', tls: false }), redirect);
    assert.equal(redirecting.match({ host: 'a.test', path: '/', tls: true }).kind, 'backend');
    assert.equal(redirecting.match({ host: 'plain.test', path: '/', tls: false }).kind, 'backend');
    assert.equal(built(ingress('r', spec)).table.match({ host: 'a.test', path: '/', tls: false }).kind, 'backend');
  });

  it("lets a route's time-out lower the template's", () => {
    const [route] = translateIngress(ingress('t', { rules: [rule('a.test', path('/', 'a'))] })).routes;
    assert.ok(route !== undefined);
    const timed: Route = { ...route, rules: route.rules.map((each) => ({ ...each, timeouts: { requestSeconds: 7 } })) };
    const match = buildTable([timed], () => template('a')).table.match({ host: 'a.test', path: '/', tls: false });
    assert.ok(match.kind === 'backend');
    assert.equal(match.backend.http.requestTimeoutSeconds, 7);
    assert.equal(match.backend.http.spawnTimeoutSeconds, 7);
  });

  it('finds its way at once among many routes, and in a hostile path', () => {
    const many = Array.from({ length: 10_000 }, (_, i) =>
      ingress(`i${i}`, { rules: [rule(`h${i}.test`, path(`/p${i}`, 't'), path('/a/b/c', 'deep'))] }),
    );
    const { table: large } = built(...many);
    const hostile = '/a'.repeat(30_000);
    const start = performance.now();
    for (let i = 0; i < 1_000; i++) {
      assert.equal(servedBy(large, `h${i}.test`, `/p${i}/x`), 't');
      assert.equal(servedBy(large, `h${i}.test`, hostile), undefined);
    }
    assert.ok(performance.now() - start < 500, `2,000 lookups took ${performance.now() - start} ms`);
  });
});
