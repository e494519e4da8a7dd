import assert from 'node:assert/strict';

import { classesOf, isOurs } from './classes.ts';
import { translateIngress } from './ingress.ts';
import { ingress, ingressClass, path, rule } from './testing/resources.ts';

const LEGACY = 'kubernetes.io/ingress.class';

describe('an Ingress is ours', () => {
  const ours = ingressClass('hatchery');
  const theirs = ingressClass('nginx', { controller: 'k8s.io/ingress-nginx' });
  const ourDefault = ingressClass('hatchery', { isDefault: true });
  const theirDefault = ingressClass('nginx', { controller: 'k8s.io/ingress-nginx', isDefault: true });

  for (const [what, classes, named, annotated, expected] of [
    ['where its class has our controller', [ours, theirs], 'hatchery', undefined, true],
    ['where its class has our controller under another name', [ingressClass('edge')], 'edge', undefined, true],
    ['not where its class is another controller’s', [ours, theirs], 'nginx', undefined, false],
    ['not where its class does not exist, whatever it is called', [], 'hatchery', undefined, false],
    ['where the old annotation names our class', [ours], undefined, 'hatchery', true],
    ['not where the old annotation names another, though ours is the default', [ourDefault], undefined, 'nginx', false],
    ['by its field where it has the annotation too', [ours, theirs], 'nginx', 'hatchery', false],
    ['where it names none and ours is the default', [ourDefault, theirs], undefined, undefined, true],
    ['not where it names none and there is no default', [ours], undefined, undefined, false],
    ['not where it names none and the default is another', [ours, theirDefault], undefined, undefined, false],
    [
      'by the newest of several defaults',
      [ourDefault, ingressClass('new', { controller: 'x/y', isDefault: true, created: 1 })],
      undefined,
      undefined,
      false,
    ],
    ['by the first name of defaults as new', [theirDefault, ourDefault], undefined, undefined, true],
  ] as const) {
    it(what, () => {
      const annotations = annotated === undefined ? {} : { [LEGACY]: annotated };
      const one = ingress('web', named === undefined ? {} : { ingressClassName: named }, { annotations });
      assert.equal(isOurs(one, classesOf(classes)), expected);
    });
  }
});

describe('the translation of an Ingress', () => {
  it('is a route in the shape of an HTTPRoute for each rule, and one for the default backend', () => {
    const { routes, claims, problems } = translateIngress(
      ingress('web', {
        rules: [rule('Shop.Test', path('/cart', 'cart', 'Exact'), path('/', 'shop')), { host: 'bare.test' }],
        defaultBackend: path('/', 'rest').backend,
      }),
    );
    const ref = (name: string) => ({ kind: 'EphemeralDomainTemplate', namespace: 'default', name });
    const [first, last, ...others] = routes.map(({ hostnames, rules }) => ({ hostnames, rules }));
    assert.deepEqual(first, {
      hostnames: ['shop.test'],
      rules: [
        {
          where: 'spec.rules[0].http.paths[0]',
          matches: [{ path: { type: 'Exact', value: '/cart' } }],
          ...{ backendRef: ref('cart'), precedence: 'rule' },
        },
        {
          where: 'spec.rules[0].http.paths[1]',
          matches: [{ path: { type: 'PathPrefix', value: '/' } }],
          ...{ backendRef: ref('shop'), precedence: 'rule' },
        },
      ],
    });
    assert.deepEqual(last, {
      hostnames: ['shop.test', 'bare.test'],
      rules: [
        {
          where: 'spec.defaultBackend',
          matches: [{ path: { type: 'PathPrefix', value: '/' } }],
          ...{ backendRef: ref('rest'), precedence: 'default' },
        },
      ],
    });
    assert.deepEqual([others, claims, problems], [[], [], []]);
  });

  for (const [what, backend, says] of [
    ['a Service', { service: { name: 'api' } }, 'Service "api"'],
    ['another kind', { resource: { apiGroup: 'k8s.example', kind: 'Bucket', name: 'b' } }, 'Bucket.k8s.example "b"'],
    [
      'our kind of another group',
      { resource: { apiGroup: 'k8s.example', kind: 'EphemeralDomainTemplate', name: 't' } },
      'EphemeralDomainTemplate.k8s.example "t"',
    ],
    [
      'another kind of our group',
      { resource: { apiGroup: 'hatchery.dev', kind: 'EphemeralDomain', name: 'd' } },
      'EphemeralDomain.hatchery.dev "d"',
    ],
    ['a kind of the core group', { resource: { kind: 'Pod', name: 'p' } }, 'Pod "p"'],
  ] as const) {
    it(`keeps the place of ${what}, which it cannot serve`, () => {
      const { routes } = translateIngress(ingress('web', { rules: [rule('a.test', path('/', backend))] }));
      assert.deepEqual(routes[0]?.rules[0]?.backendRef, { kind: 'unsupported', what: says });
    });
  }

  it('takes a path that is not said for every path', () => {
    const all = { pathType: 'ImplementationSpecific', backend: path('/', 'web').backend } as const;
    const { routes } = translateIngress(ingress('web', { rules: [{ host: 'a.test', http: { paths: [all] } }] }));
    assert.deepEqual(routes[0]?.rules[0]?.matches, [{ path: { type: 'PathPrefix', value: '/' } }]);
  });

  const rules = [rule('a.test', path('/', 'web')), rule('*.b.test', path('/', 'web'))];
  for (const [what, spec, hosts, reasons] of [
    ['the hosts of spec.tls', { rules, tls: [{ hosts: ['A.test'], secretName: 's' }] }, [['a.test']], []],
    [
      'the hosts of the rules where spec.tls names none',
      { rules, tls: [{ secretName: 's' }] },
      [['a.test', '*.b.test']],
      [],
    ],
    ['no host where no Secret is named: the default certificate is', { rules, tls: [{ hosts: ['a.test'] }] }, [], []],
    [
      'no host where neither names any, and says so',
      { defaultBackend: path('/', 'web').backend, tls: [{ secretName: 's' }] },
      [],
      ['TlsWithoutHosts'],
    ],
  ] as const) {
    it(`claims for a Secret ${what}`, () => {
      const { claims, problems } = translateIngress(ingress('web', spec));
      assert.deepEqual([claims.map((claim) => claim.hosts), problems.map(({ reason }) => reason)], [hosts, reasons]);
    });
  }
});
