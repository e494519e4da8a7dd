/**
 * The scenarios of kubernetes-sigs/ingress-controller-conformance that apply here, with templates in place of Services: what
 * each asks, and who is to serve it. docs/conformance.md lists all that there are.
 */
import type { Ingress } from '#controller/kube/index.ts';
import { path, rule } from './resources.ts';

export interface Scenario {
  /** Of the row in docs/conformance.md. */
  readonly id: string;
  readonly method: string;
  readonly url: string;
  /** The template; undefined: 404. */
  readonly served: string | undefined;
}

/** A feature: an Ingress, and what is asked while it is there. */
export interface Feature {
  readonly name: string;
  readonly ingress: NonNullable<Ingress['spec']>;
  readonly scenarios: readonly Scenario[];
}

const asking =
  (host: string, scheme = 'http') =>
  (id: string, target: string, served: string | undefined, method = 'GET'): Scenario => ({
    ...{ id, method, served },
    url: `${scheme}://${host}${target}`,
  });

const exact = asking('exact-path-rules');
const prefix = asking('prefix-path-rules');
const slashed = asking('trailing-slash-path-rules');

/** Of the TLS Secret, for foo.bar.com. */
export const CONFORMANCE_SECRET = 'conformance-tls';

const INVALID_CLASS: Feature = {
  name: 'ingress_class',
  ingress: {
    ingressClassName: 'some-invalid-class-name',
    rules: [rule('ingress-class', path('/', 'ingress-class-prefix'))],
  },
  scenarios: [asking('ingress-class')('class-invalid', '/', undefined)],
};

const HOST_RULES: Feature = {
  name: 'host_rules',
  ingress: {
    tls: [{ hosts: ['foo.bar.com'], secretName: CONFORMANCE_SECRET }],
    rules: [rule('*.foo.com', path('/', 'wildcard-foo-com')), rule('foo.bar.com', path('/', 'foo-bar-com'))],
  },
  scenarios: [
    asking('foo.bar.com', 'https')('host-tls', '/', 'foo-bar-com'),
    asking('foo.bar.com')('host-same', '/', 'foo-bar-com'),
    asking('subdomain.bar.com')('host-other', '/', undefined),
    asking('bar.foo.com')('wildcard-one-label', '/', 'wildcard-foo-com'),
    asking('baz.bar.foo.com')('wildcard-two-labels', '/', undefined),
    asking('foo.com')('wildcard-no-label', '/', undefined),
  ],
};

const PATH_RULES: Feature = {
  name: 'path_rules',
  ingress: {
    rules: [
      rule('exact-path-rules', path('/foo', 'foo-exact', 'Exact')),
      rule(
        'prefix-path-rules',
        path('/foo', 'foo-prefix'),
        path('/aaa/bbb', 'aaa-slash-bbb-prefix'),
        path('/aaa', 'aaa-prefix'),
      ),
      rule('mixed-path-rules', path('/foo', 'foo-prefix'), path('/foo', 'foo-exact', 'Exact')),
      rule(
        'trailing-slash-path-rules',
        path('/aaa/bbb/', 'aaa-slash-bbb-slash-prefix'),
        path('/foo/', 'foo-slash-exact', 'Exact'),
      ),
    ],
  },
  scenarios: [
    exact('exact-same', '/foo', 'foo-exact'),
    exact('exact-slash', '/foo/', undefined),
    exact('exact-case', '/FOO', undefined),
    exact('exact-other', '/bar', undefined),
    prefix('prefix-same', '/foo', 'foo-prefix'),
    prefix('prefix-slash', '/foo/', 'foo-prefix'),
    prefix('prefix-case', '/FOO', undefined),
    prefix('prefix-longest', '/aaa/bbb', 'aaa-slash-bbb-prefix'),
    prefix('prefix-longest-below', '/aaa/bbb/ccc', 'aaa-slash-bbb-prefix'),
    prefix('prefix-below', '/aaa/ccc', 'aaa-prefix'),
    prefix('prefix-no-string', '/aaaccc', undefined),
    prefix('prefix-slash-again', '/foo/', 'foo-prefix'),
    asking('mixed-path-rules')('mixed-exact', '/foo', 'foo-exact'),
    slashed('slash-prefix-without', '/aaa/bbb', 'aaa-slash-bbb-slash-prefix'),
    slashed('slash-prefix-with', '/aaa/bbb/', 'aaa-slash-bbb-slash-prefix'),
    slashed('slash-exact-without', '/foo', undefined),
  ],
};

const DEFAULT_BACKEND: Feature = {
  name: 'default_backend',
  ingress: { defaultBackend: path('/', 'echo-service').backend },
  scenarios: [
    asking('my-host')('default-get', '/', 'echo-service'),
    asking('my-host')('default-get-path', '/sub-path', 'echo-service'),
    asking('some-host')('default-post', '/', 'echo-service', 'POST'),
    // Upstream's has no host: its client names the address then.
    asking('127.0.0.1')('default-put', '/resource', 'echo-service', 'PUT'),
    asking('some-host')('default-delete', '/resource', 'echo-service', 'DELETE'),
    asking('my-host')('default-patch', '/resource', 'echo-service', 'PATCH'),
  ],
};

/** The one that takes all that no other does comes last. */
export const FEATURES: readonly Feature[] = [INVALID_CLASS, HOST_RULES, PATH_RULES, DEFAULT_BACKEND];
