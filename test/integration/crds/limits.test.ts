import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';

import { sharedCluster, STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { ephemeralDomain, useNamespaces, refusalOf, SMALLEST, withDomain } from './support.ts';
import type { Fields } from './support.ts';

const SAMPLES = resolve(import.meta.dirname, '../../../manifests/samples');
const POLICY = join(SAMPLES, 'memory-limit.yaml');
const QUOTA = join(SAMPLES, 'object-quota.yaml');
const FREE = 'limits-free';
const LIMITED = 'limits-on';

describe('the sample limits', function () {
  this.timeout(60_000);

  useNamespaces(FREE, LIMITED);

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    const { kubectl } = await sharedCluster();
    await kubectl(['label', 'namespace', LIMITED, 'hatchery.dev/limited=true']);
    await kubectl(['apply', '-f', POLICY]);
    // A policy counts some moments after it was stored.
    await eventually(() => refusalOf(dryRun(LIMITED), domain('probe', withDomain({ memory: '1Ti' }))), {
      timeoutMs: 30_000,
    });
  });
  after(async () => {
    const { kubectl } = await sharedCluster();
    await kubectl(['delete', '-f', POLICY]);
    await kubectl(['delete', 'namespace', FREE, LIMITED, '--wait=false']);
  });

  const dryRun = (namespace: string): readonly string[] => ['create', '--dry-run=server', '-n', namespace, '-f', '-'];
  const domain = (name: string, spec: Fields): string => JSON.stringify(ephemeralDomain(name, spec));

  const refused = [
    {
      what: 'more memory',
      spec: withDomain({ memory: '513Mi' }),
      says: 'spec.domain.memory must be at most 512Mi here, and is 513Mi',
    },
    { what: 'more memory, in bytes', spec: withDomain({ memory: 536_870_913 }), says: 'and is 536870913: lower it' },
    { what: 'more memory, with an exponent', spec: withDomain({ memory: '1e9' }), says: 'and is 1e9: lower it' },
    { what: 'more vcpus', spec: withDomain({ vcpus: 5 }), says: 'spec.domain.vcpus must be at most 4 here, and is 5' },
  ] as const;
  for (const { what, spec, says } of refused) {
    it(`the policy refuses ${what}, in words, and only where the namespace is limited`, async () => {
      assert.ok((await refusalOf(dryRun(LIMITED), domain('large', spec))).includes(says));
      const { kubectl } = await sharedCluster();
      await kubectl(dryRun(FREE), { input: domain('large', spec) });
    });
  }

  for (const spec of [SMALLEST, withDomain({ memory: '512Mi', vcpus: 4 }), withDomain({ memory: 536_870_912 })]) {
    it(`the policy lets ${JSON.stringify(spec)} through`, async () => {
      const { kubectl } = await sharedCluster();
      await kubectl(dryRun(LIMITED), { input: domain('small', spec) });
    });
  }

  it('the quota counts EphemeralDomains, and holds, and gives back what was deleted', async function () {
    this.timeout(150_000);
    const { kubectl } = await sharedCluster();
    await kubectl(['apply', '-n', FREE, '-f', QUOTA]);
    // The controller manager looks every 30 s which kinds there are, and at a quota when its limits change.
    await eventually(
      async () => {
        for (const most of ['3', '2']) {
          const patch = JSON.stringify({ spec: { hard: { [COUNT]: most } } });
          await kubectl(['patch', 'quota', 'hatchery', '-n', FREE, '-p', patch]);
        }
        await eventually(async () => assert.equal(await used(), '0'), { timeoutMs: 3_000 });
      },
      { timeoutMs: 100_000 },
    );
    const create = ['create', '-n', FREE, '-f', '-'];
    for (const name of ['one', 'two']) await kubectl(create, { input: domain(name, SMALLEST) });
    const told = await refusalOf(create, domain('three', SMALLEST));
    assert.match(
      told,
      /exceeded quota: hatchery, requested: count\/ephemeraldomains.hatchery.dev=1, used: .*=2, limited: .*=2/,
    );
    await kubectl(['delete', 'edom', 'one', '-n', FREE]);
    await eventually(() => kubectl(create, { input: domain('three', SMALLEST) }), { timeoutMs: 30_000 });
  });

  const COUNT = 'count/ephemeraldomains.hatchery.dev';

  async function used(): Promise<string | undefined> {
    const { kubectl } = await sharedCluster();
    const quota = JSON.parse(await kubectl(['get', 'quota', 'hatchery', '-n', FREE, '-o', 'json'])) as {
      readonly status?: {
        readonly hard?: Readonly<Record<string, string>>;
        readonly used?: Readonly<Record<string, string>>;
      };
    };
    return quota.status?.hard?.[COUNT] === '2' ? quota.status.used?.[COUNT] : undefined;
  }
});
