import assert from 'node:assert/strict';

import { httpPolicyOf } from './http-policy.ts';
import type { EphemeralDomainTemplateSpec } from './ephemeraldomaintemplate.gen.ts';

type Pattern = EphemeralDomainTemplateSpec['template']['spec'];
/** What is said of readiness; the API server fills in the rest. */
type Said = Partial<NonNullable<Pattern['domain']['readiness']>>;
const PERIODS = { periodMilliseconds: 200, timeoutSeconds: 60 };

const DOMAIN = { type: 'pv', memory: '64Mi', vcpus: 1, boot: { kernel: 'hatchling' } } as const;

const spec = (http: EphemeralDomainTemplateSpec['http'], pattern: Partial<Pattern> = {}, readiness?: Said) => ({
  spec: {
    ...(http === undefined ? {} : { http }),
    template: {
      spec: {
        domain: { ...DOMAIN, ...(readiness === undefined ? {} : { readiness: { ...PERIODS, ...readiness } }) },
        ...pattern,
      },
    },
  },
});

describe('httpPolicyOf a template', () => {
  it('fills in the documented defaults where it says nothing', () => {
    assert.deepEqual(httpPolicyOf(spec(undefined)), {
      port: 8000,
      readiness: { kind: 'tcp', port: 8000 },
      spawnTimeoutSeconds: 10,
      requestTimeoutSeconds: 60,
      maxConcurrent: 16,
      maxQueued: 64,
      queueTimeoutSeconds: 5,
      maxPerClient: undefined,
      ignore: new Set(['/favicon.ico']),
      upgrades: new Set(['websocket']),
      connections: 'one',
      minBytesPerSecond: 240,
      idleSeconds: 300,
      lingerSeconds: 5,
      keepFinishedSeconds: 300,
      historyLimit: 100,
    });
  });

  it('keeps what it says, zeros and empty lists too', () => {
    const said = {
      ...{ port: 80, spawnTimeoutSeconds: 3, requestTimeoutSeconds: 4, maxConcurrent: 1, maxQueued: 0 },
      ...{ queueTimeoutSeconds: 2, maxPerClient: 7, minBytesPerSecond: 0, idleSeconds: 1, lingerSeconds: 0 },
      ...{ keepFinishedSeconds: 0, historyLimit: 0, connections: 'many' as const },
    };
    assert.deepEqual(httpPolicyOf(spec({ ...said, ignore: ['/robots.txt'], upgrades: [] })), {
      ...said,
      readiness: { kind: 'tcp', port: 80 },
      ignore: new Set(['/favicon.ico', '/robots.txt']),
      upgrades: new Set(),
    });
  });

  it('gives a spawn no more time than the whole request has', () => {
    assert.equal(httpPolicyOf(spec({ requestTimeoutSeconds: 4 })).spawnTimeoutSeconds, 4);
  });

  it("keeps finished domains as long as the template's own ttlSecondsAfterFinished says, unless http says otherwise", () => {
    const pattern = { ttlSecondsAfterFinished: 9 };
    assert.equal(httpPolicyOf(spec(undefined, pattern)).keepFinishedSeconds, 9);
    assert.equal(httpPolicyOf(spec({ keepFinishedSeconds: 0 }, pattern)).keepFinishedSeconds, 0);
  });

  for (const [what, readiness, expected, connections] of [
    ['notify', { notify: {} }, { kind: 'notify' }, 'one'],
    ['tcp', { tcp: { port: 81 } }, { kind: 'tcp', port: 81 }, 'one'],
    ['http', { http: { port: 82, path: '/' } }, { kind: 'http', port: 82, path: '/' }, 'many'],
    ['http with a path', { http: { port: 82, path: '/up' } }, { kind: 'http', port: 82, path: '/up' }, 'many'],
  ] as const) {
    it(`knows readiness by ${what}, whose guests serve ${connections}`, () => {
      const policy = httpPolicyOf(spec({}, {}, readiness));
      assert.deepEqual(policy.readiness, expected);
      assert.equal(policy.connections, connections);
    });
  }
});
