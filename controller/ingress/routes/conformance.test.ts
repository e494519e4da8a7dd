/**
 * The scenarios of kubernetes-sigs/ingress-controller-conformance (features host_rules, path_rules, default_backend,
 * ingress_class) as far as routing decides them, with templates in place of Services. What they ask of headers, of the
 * protocol and of load balancing over endpoints is not decided here, or does not apply: a domain serves one request.
 */
import assert from 'node:assert/strict';

import { EMPTY_SNAPSHOT, planOf } from './snapshot.ts';
import type { Snapshot } from './snapshot.ts';
import { ingress, ingressClass, path, rule, template } from './testing/resources.ts';
import type { Ingress } from '#controller/kube/index.ts';

const snapshotOf = (one: Ingress): Snapshot =>
  planOf({
    ingresses: [one],
    classes: [ingressClass('conformance')],
    template: (key) => template(key.split('/')[1] ?? ''),
  }).build({
    read: () => ({ kind: 'missing' }),
    defaultCertificate: undefined,
    keyPairs: new WeakMap(),
    now: new Date(),
  }).snapshot;

const conformance = (spec: NonNullable<Ingress['spec']>): Snapshot =>
  snapshotOf(ingress('conformance', { ingressClassName: 'conformance', ...spec }));

const PATHS = conformance({
  rules: [
    rule('exact-path-rules', path('/foo', 'foo-exact', 'Exact')),
    rule(
      'prefix-path-rules',
      path('/foo', 'foo-prefix'),
      path('/aaa/bbb', 'aaa-bbb-prefix'),
      path('/aaa', 'aaa-prefix'),
    ),
    rule('mixed-path-rules', path('/foo', 'foo-prefix'), path('/foo', 'foo-exact', 'Exact')),
    rule('trailing-slash-path-rules', path('/aaa/bbb/', 'aaa-bbb-slash'), path('/foo/', 'foo-slash', 'Exact')),
  ],
});

const HOSTS = conformance({
  tls: [{ hosts: ['foo.bar.com'], secretName: 'conformance-tls' }],
  rules: [rule('*.foo.com', path('/', 'wildcard')), rule('foo.bar.com', path('/', 'foo-bar-com'))],
});

const DEFAULT = conformance({ defaultBackend: path('/', 'echo').backend });

type Case = readonly [scenario: string, routes: Snapshot, url: string, served: string | undefined];

const CASES: readonly Case[] = [
  ['exact /foo matches /foo', PATHS, 'http://exact-path-rules/foo', 'foo-exact'],
  ['exact /foo does not match /foo/', PATHS, 'http://exact-path-rules/foo/', undefined],
  ['exact /foo does not match /FOO', PATHS, 'http://exact-path-rules/FOO', undefined],
  ['exact /foo does not match /bar', PATHS, 'http://exact-path-rules/bar', undefined],
  ['prefix /foo matches /foo', PATHS, 'http://prefix-path-rules/foo', 'foo-prefix'],
  ['prefix /foo matches /foo/', PATHS, 'http://prefix-path-rules/foo/', 'foo-prefix'],
  ['prefix /foo does not match /FOO', PATHS, 'http://prefix-path-rules/FOO', undefined],
  ['prefix /aaa/bbb matches /aaa/bbb', PATHS, 'http://prefix-path-rules/aaa/bbb', 'aaa-bbb-prefix'],
  ['prefix /aaa/bbb matches /aaa/bbb/ccc', PATHS, 'http://prefix-path-rules/aaa/bbb/ccc', 'aaa-bbb-prefix'],
  ['prefix /aaa matches /aaa/ccc', PATHS, 'http://prefix-path-rules/aaa/ccc', 'aaa-prefix'],
  ['prefix /aaa does not match /aaaccc', PATHS, 'http://prefix-path-rules/aaaccc', undefined],
  ['exact is preferred', PATHS, 'http://mixed-path-rules/foo', 'foo-exact'],
  ['prefix /aaa/bbb/ matches /aaa/bbb', PATHS, 'http://trailing-slash-path-rules/aaa/bbb', 'aaa-bbb-slash'],
  ['prefix /aaa/bbb/ matches /aaa/bbb/', PATHS, 'http://trailing-slash-path-rules/aaa/bbb/', 'aaa-bbb-slash'],
  ['exact /foo/ does not match /foo', PATHS, 'http://trailing-slash-path-rules/foo', undefined],
  ['host foo.bar.com matches over TLS', HOSTS, 'https://foo.bar.com/', 'foo-bar-com'],
  ['host foo.bar.com matches', HOSTS, 'http://foo.bar.com/', 'foo-bar-com'],
  ['host foo.bar.com does not match subdomain.bar.com', HOSTS, 'http://subdomain.bar.com/', undefined],
  ['wildcard matches one label', HOSTS, 'http://bar.foo.com/', 'wildcard'],
  ['wildcard does not match two labels', HOSTS, 'http://baz.bar.foo.com/', undefined],
  ['wildcard does not match no label', HOSTS, 'http://foo.com/', undefined],
  ['default backend serves my-host', DEFAULT, 'http://my-host/', 'echo'],
  ['default backend serves a path', DEFAULT, 'http://my-host/sub-path', 'echo'],
  ['default backend serves another host', DEFAULT, 'http://some-host/resource', 'echo'],
  ['default backend serves an address', DEFAULT, 'http://192.0.2.1:8080/resource', 'echo'],
  [
    'an invalid class sends no traffic',
    snapshotOf(
      ingress('other', { ingressClassName: 'some-invalid-class-name', rules: [rule('ingress-class', path('/', 'x'))] }),
    ),
    'http://ingress-class/',
    undefined,
  ],
  ['before anything is known there is no route', EMPTY_SNAPSHOT, 'http://my-host/', undefined],
];

describe('conformance of routing', () => {
  for (const [scenario, { table }, text, served] of CASES) {
    it(`${scenario}: ${text}`, () => {
      const url = new URL(text);
      const match = table.match({ host: url.host, path: url.pathname, tls: url.protocol === 'https:' });
      assert.equal(match.kind === 'backend' ? match.backend.template : undefined, served);
      assert.equal(match.kind, served === undefined ? 'none' : 'backend');
    });
  }
});
