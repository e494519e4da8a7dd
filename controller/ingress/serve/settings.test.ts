import assert from 'node:assert/strict';

import { selfSigned } from '#controller/serve/certificate.ts';
import { DRAIN_LIMITS } from '../proxy/index.ts';
import type { Resources } from '../routes/snapshot.ts';
import { planOf } from '../routes/snapshot.ts';
import { ingress, ingressClass, path, rule, template, tlsSecret } from '../routes/testing/resources.ts';
import { addressesOf, drainLimitsOf, tlsOf, trust, upgradesFor } from './settings.ts';

const LISTEN = { host: '127.0.0.1', port: 0 };

describe('drainLimitsOf', () => {
  const limits = { drainLimit: 60_000, drainUpgradedLimit: 300_000 };

  it('counts the limits from the end of the delay', () => {
    assert.deepEqual(drainLimitsOf({ drainDelay: 5_000, ...limits }), {
      ...{ delayMs: 5_000, limitMs: 65_000, upgradedLimitMs: 305_000, idleMs: DRAIN_LIMITS.idleMs },
      lastBytesMs: DRAIN_LIMITS.lastBytesMs,
    });
  });

  it('waits for nothing on idle connections where nobody is given time to learn of the drain', () => {
    assert.partialDeepStrictEqual(drainLimitsOf({ drainDelay: 0, ...limits }), {
      delayMs: 0,
      idleMs: 0,
      limitMs: 60_000,
    });
  });
});

describe('addressesOf', () => {
  for (const [address, expected] of [
    [undefined, []],
    ['192.0.2.7', [{ ip: '192.0.2.7' }]],
    ['2001:db8::7', [{ ip: '2001:db8::7' }]],
    ['edge.example.org', [{ hostname: 'edge.example.org' }]],
    // Digits and points alone make no address.
    ['1.2.3', [{ hostname: '1.2.3' }]],
  ] as const) {
    it(`${address ?? 'nothing'} is ${JSON.stringify(expected)}`, () =>
      assert.deepEqual(addressesOf(address), expected));
  }
});

describe('trust', () => {
  const isTrusted = trust([
    { address: '192.0.2.0', prefix: 24, family: 'ipv4' },
    { address: '2001:db8::', prefix: 32, family: 'ipv6' },
  ]);
  for (const [address, expected] of [
    ['192.0.2.200', true],
    ['192.0.3.1', false],
    ['2001:db8::1', true],
    ['2001:db9::1', false],
  ] as const) {
    it(`${address} is ${expected ? '' : 'not '}believed`, () => assert.equal(isTrusted(address), expected));
  }

  it('nobody is believed unless said', () => assert.equal(trust([])('127.0.0.1'), false));
});

describe('what a request’s route decides before it is served', () => {
  const pairs = new Map(['a.test', 'b.test'].map((host) => [host, selfSigned([host], new Date())]));
  const resources: Resources = {
    classes: [ingressClass('hatchery')],
    ingresses: [
      ingress('shop', {
        ingressClassName: 'hatchery',
        rules: [rule('a.test', path('/', 'plain'), path('/ws', 'sockets')), rule('c.test', path('/', 'plain'))],
        tls: [...pairs.keys()].map((host) => ({
          hosts: host === 'a.test' ? [host, 'c.test'] : [host],
          secretName: host,
        })),
      }),
    ],
    template: (key) =>
      template(key.split('/')[1] ?? '', key.endsWith('sockets') ? { upgrades: ['websocket', 'x'] } : {}),
  };
  const { snapshot } = planOf(resources).build({
    read: (_, name) => {
      const { cert = '', key = '' } = pairs.get(name) ?? {};
      return { kind: 'found', secret: tlsSecret(name, { 'tls.crt': cert, 'tls.key': key }) };
    },
    ...{ defaultCertificate: undefined, keyPairs: new WeakMap(), now: new Date() },
  });
  const routes = { current: () => snapshot };

  const asks = (where: string, ...upgrades: readonly string[]) => {
    const [authority = '', ...rest] = where.split('/');
    return { authority, path: `/${rest.join('/')}`, scheme: 'http' as const, upgrades };
  };

  for (const { what, asked, may } of [
    { what: 'what its template allows', asked: asks('a.test/ws', 'x', 'websocket', 'y'), may: ['x', 'websocket'] },
    { what: 'a WebSocket unless said', asked: asks('a.test/', 'websocket', 'x'), may: ['websocket'] },
    { what: 'nothing without a route', asked: asks('d.test/', 'websocket'), may: [] },
    { what: 'nothing that it did not ask for', asked: asks('a.test/ws'), may: [] },
  ]) {
    it(`it may switch to ${what}`, () => assert.deepEqual(upgradesFor(routes, asked), may));
  }

  it('there is no TLS without an address for it', () => {
    assert.equal(tlsOf(undefined, routes, undefined), undefined);
  });

  it('a handshake gets the certificate of its name, and none where there is none', () => {
    const tls = tlsOf(LISTEN, routes, undefined);
    assert.ok(tls?.contextFor('a.test') !== undefined);
    assert.notEqual(tls.contextFor('a.test'), tls.contextFor('b.test'));
    assert.equal(tls.contextFor('d.test'), undefined);
  });

  it('a connection carries requests for hosts of the same certificate, and for no others', () => {
    const tls = tlsOf(LISTEN, routes, undefined);
    for (const [servername, host, may] of [
      ['a.test', 'a.test', true],
      ['a.test', 'c.test', true],
      ['a.test', 'b.test', false],
      ['a.test', 'd.test', false],
      [undefined, 'a.test', false],
      ['d.test', 'd.test', false],
    ] as const) {
      assert.equal(tls?.mayServe(servername, host), may, `${servername ?? 'no name'}, ${host}`);
    }
  });
});
