import assert from 'node:assert/strict';

import { sharedCluster, STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';
import { applyAll, refusalOf, SMALLEST, template, withDomain } from './support.ts';
import type { Fields, Manifest, Verdicts } from './support.ts';

const APPLY = ['apply', '--dry-run=server', '--namespace=default'];

const withHttp = (name: string, http: Fields, pattern: Fields = SMALLEST): Manifest => {
  const plain = template(name, pattern);
  return { ...plain, spec: { ...(plain['spec'] as Fields), http } };
};

interface BadHttp {
  readonly http: Fields;
  /** After `spec.http`. */
  readonly field: string;
  readonly says: string;
}

/** A number with bounds: one below, one above. */
const bounds = (field: string, least: number, most: number, below: string, above: string): readonly BadHttp[] => [
  { http: { [field]: least - 1 }, field: `.${field}`, says: `${field} must be at least ${least}, ${below}` },
  { http: { [field]: most + 1 }, field: `.${field}`, says: `${field} must be at most ${most}${above}` },
];

const PATHS =
  'ignore must list paths that begin with / and have only visible ASCII characters other than # and ?: write others as %XX';
const PORT = 'port must be from 1 to 65535: say on which port the guest serves HTTP';
const HOUR = ' (an hour): lower it';
const DAY = ' (a day): lower it';

const BAD: readonly BadHttp[] = [
  ...[0, 65_536].map((port) => ({ http: { port }, field: '.port', says: PORT })),
  ...bounds('spawnTimeoutSeconds', 1, 3600, 'or left out for 10', HOUR),
  ...bounds('requestTimeoutSeconds', 1, 86_400, 'or left out for 60', DAY),
  ...bounds('maxConcurrent', 1, 10_000, 'or left out for 16', ': lower it'),
  ...bounds('maxQueued', 0, 10_000, 'or left out for 64', ': lower it'),
  ...bounds('queueTimeoutSeconds', 1, 300, 'or left out for 5', ' (5 minutes): lower it'),
  ...bounds('maxPerClient', 1, 10_000, 'or left out for no limit', ': lower it or leave it out'),
  ...bounds('minBytesPerSecond', 0, 1_000_000_000, 'or left out for 240', ': lower it'),
  ...bounds('idleSeconds', 1, 86_400, 'or left out for 300', DAY),
  ...bounds('lingerSeconds', 0, 3600, 'or left out for 5', HOUR),
  ...bounds('historyLimit', 0, 10_000, 'or left out for 100', ': lower it'),
  { http: { keepFinishedSeconds: -1 }, field: '.keepFinishedSeconds', says: 'at least 0, or left out for 300' },
  ...['robots.txt', '/a b', '/a?b', '/a#b', '/ä', ''].map((path) => ({
    http: { ignore: [path] },
    field: '.ignore[0]',
    says: PATHS,
  })),
  ...['WebSocket', '', 'a b', 'a,b'].map((protocol) => ({
    http: { upgrades: [protocol] },
    field: '.upgrades[0]',
    says: 'upgrades must list protocols in lower case, such as websocket',
  })),
  {
    http: { upgrades: ['h2c'] },
    field: '.upgrades[0]',
    says: 'upgrades must not list h2c: guests are spoken to in HTTP/1.1, remove it',
  },
  { http: { connections: 'two' }, field: '.connections', says: 'connections must be one or many' },
  ...[{ spawnTimeoutSeconds: 61 }, { spawnTimeoutSeconds: 3, requestTimeoutSeconds: 2 }].map((http) => ({
    http,
    field: '.spawnTimeoutSeconds',
    says: 'not be more than requestTimeoutSeconds (60 when not said): lower it, or raise requestTimeoutSeconds',
  })),
];

const MOST = {
  ...{ port: 65_535, spawnTimeoutSeconds: 3600, requestTimeoutSeconds: 86_400, maxConcurrent: 10_000 },
  ...{ maxQueued: 10_000, queueTimeoutSeconds: 300, maxPerClient: 10_000, minBytesPerSecond: 1_000_000_000 },
  ...{ idleSeconds: 86_400, lingerSeconds: 3600, keepFinishedSeconds: 2 ** 31 - 1, historyLimit: 10_000 },
  ignore: Array.from({ length: 64 }, (_, i) => `/${i}`.padEnd(1024, '~')),
  upgrades: ['websocket', 'x-protocol/1.0'],
  connections: 'many',
};

const LEAST = {
  ...{ port: 1, spawnTimeoutSeconds: 1, requestTimeoutSeconds: 1, maxConcurrent: 1, maxQueued: 0, maxPerClient: 1 },
  ...{ queueTimeoutSeconds: 1, minBytesPerSecond: 0, idleSeconds: 1, lingerSeconds: 0, keepFinishedSeconds: 0 },
  ...{ historyLimit: 0, ignore: [], upgrades: [], connections: 'one' },
};

const GOOD: readonly (readonly [what: string, http: Fields, pattern?: Fields])[] = [
  ['nothing', {}],
  ['each field at its least', LEAST],
  ['each field at its most', MOST],
  ['readiness by http and nothing of connections', {}, withDomain({ readiness: { http: { port: 80 } } })],
  ['readiness by notify and one connection', { connections: 'one' }, withDomain({ readiness: { notify: {} } })],
];

describe('kubectl apply of a template with spec.http', function () {
  this.timeout(60_000);
  let verdicts: Verdicts;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    await sharedCluster();
    verdicts = await applyAll(APPLY, [
      ...BAD.map(({ http }, index) => withHttp(`bad-${index}`, http)),
      ...GOOD.map(([, http, pattern], index) => withHttp(`good-${index}`, http, pattern)),
      withHttp('probed', { connections: 'one' }, withDomain({ readiness: { http: { port: 80 } } })),
    ]);
  });

  for (const [index, { http, field, says }] of BAD.entries()) {
    it(`is refused for ${JSON.stringify(http)}`, () => {
      const faults = verdicts.get(`bad-${index}`) ?? [];
      const fault = faults.find((each) => each.field === `spec.http${field}` && each.message.endsWith(says));
      assert.ok(fault !== undefined, JSON.stringify(faults));
    });
  }

  for (const [index, [what]] of GOOD.entries()) {
    it(`is accepted with ${what}`, () => assert.deepEqual(verdicts.get(`good-${index}`), []));
  }

  it('is refused for one connection with readiness by http, whose probes would use it up', () => {
    const faults = verdicts.get('probed') ?? [];
    const fault = faults.find(({ field }) => field === 'spec.http.connections');
    assert.ok(fault?.message.endsWith('use readiness notify or tcp, or say many') === true, JSON.stringify(faults));
  });

  it('has no default of its own, so that "not said" can be told', async () => {
    const { kubectl } = await sharedCluster();
    const input = JSON.stringify(withHttp('unsaid', {}));
    const stored = JSON.parse(await kubectl([...APPLY, '-o', 'json', '-f', '-'], { input })) as {
      readonly spec: { readonly http: Fields };
    };
    assert.deepEqual(stored.spec.http, {});
  });

  it('is refused for a field that is misspelt, by name', async () => {
    const stderr = await refusalOf([...APPLY, '-f', '-'], JSON.stringify(withHttp('bad', { maxConcurent: 1 })));
    assert.ok(stderr.includes('unknown field "spec.http.maxConcurent"'), stderr);
  });
});
