import assert from 'node:assert/strict';

import fc from 'fast-check';

import type { EphemeralDomain, EphemeralDomainSpec } from '#controller/api/index.ts';
import { parseQuantity } from '#controller/api/quantity.ts';
import { readDomainXml } from '#controller/domain/reading.ts';
import { elementsOf, parseXml, textOf } from '#controller/domain/xmltext.ts';
import { isKubeError, NAMESPACES } from '#controller/kube/index.ts';
import { STARTUP_TIMEOUT_MS, TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { countFrom, seedFrom } from '#test/support/random.ts';
import { trickyTexts } from '#test/support/texts.ts';
import { createStage, finishedAs, inPhase } from './stage.ts';
import type { Stage } from './stage.ts';
import type { StageHost } from './stage-hosts.ts';

const AT_ONCE = 8;

/** Mostly right, sometimes just outside of what is allowed, sometimes of another type altogether. */
const rarely = <T>(right: fc.Arbitrary<T>, wrong: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 24, arbitrary: right }, { weight: 1, arbitrary: wrong });

const memory = fc.oneof(
  fc.integer({ min: 1, max: 64 }).map((n) => `${n}Mi`),
  fc.constantFrom('1048576', '1.5Mi', '3e6', '2097152000m', '1Gi', '16Ti', '5M'),
);
const junk = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom('', '-1', '1e400', 'NaN', -1, 0, 2 ** 53, '\u0000', '../x', 'a\nb', '\ud800'),
);
/** Junk, but for a time that is right and over before the test has looked. */
const junkTime = (least: number) => junk.filter((value) => typeof value !== 'number' || value < 0 || value >= least);
const optional = { requiredKeys: [] };

const specs = fc.record({
  domain: rarely(
    fc.record(
      {
        type: rarely(fc.constantFrom('pv', 'pvh'), junk),
        memory: rarely(memory, junk),
        vcpus: rarely(fc.integer({ min: 1, max: 512 }), junk),
        boot: rarely(
          fc.record(
            {
              kernel: fc.oneof(
                { weight: 9, arbitrary: fc.constant('hatchling') },
                { weight: 2, arbitrary: trickyTexts(255) },
              ),
              initrd: rarely(fc.constant('hatchling'), junk),
              cmdline: rarely(trickyTexts(1023), junk),
            },
            { requiredKeys: ['kernel'] },
          ),
          junk,
        ),
      },
      { requiredKeys: ['type', 'memory', 'vcpus', 'boot'] },
    ),
    junk,
  ),
});
const policies = fc.record(
  {
    backoffLimit: rarely(fc.integer({ min: 0, max: 3 }), junk),
    activeDeadlineSeconds: rarely(fc.integer({ min: 20, max: 2 ** 31 - 1 }), junkTime(20)),
    ttlSecondsAfterFinished: rarely(fc.integer({ min: 600, max: 2 ** 31 - 1 }), junkTime(600)),
    hostSelector: rarely(fc.constantFrom({}, { matchExpressions: [{ key: 'x', operator: 'DoesNotExist' }] }), junk),
  },
  optional,
);

/** HATCHERY_FUZZ_SPECS says how many specs are tried (200 unless said), HATCHERY_FUZZ_SEED repeats an earlier run's. */
describe('specs at random', function () {
  this.timeout(TEST_TIMEOUT_MS);
  this.slow(120_000);
  const count = countFrom('HATCHERY_FUZZ_SPECS', 200);
  const seed = seedFrom('HATCHERY_FUZZ_SEED');
  const tally = new Map<string, number>();
  let stage: Stage;
  let host: StageHost;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    stage = await createStage();
    host = await stage.host();
    await stage.controller({ options: { settleMs: 300 } });
    await stage.untilHost(host.name, 'True');
  });
  after(() => stage.dispose());

  it(`${count} of them: refused in words, or run as asked, or told why not [seed ${seed}]`, async () => {
    const tried = fc.sample(fc.tuple(specs, policies), { seed, numRuns: count });
    const queue = tried.map(([spec, policy], index) => ({ name: `fuzz-${index}`, spec: { ...spec, ...policy } }));
    const worker = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        try {
          count1(await tryOne(next.name, next.spec as Partial<EphemeralDomainSpec>));
        } catch (error) {
          if (error instanceof Error) error.message += `\nspec: ${JSON.stringify(next.spec)}`;
          throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    console.log(JSON.stringify({ seed, tried: count, ...Object.fromEntries(tally) }));
    // Nothing of it has harmed the controller or the host.
    await stage.create('after-all');
    const running = await stage.until('after-all', inPhase('Running'), 30_000);
    await host.client.shutdown({ name: '', uuid: running.status?.domain?.uuid ?? '' });
    await stage.until('after-all', finishedAs('Succeeded'));
    assert.ok(
      !stage.log.some((line) => line.includes(' error ')),
      stage.log.find((line) => line.includes(' error ')),
    );
    await stage.rest.get(NAMESPACES, { name: stage.namespace });
  });

  function count1(outcome: string): void {
    tally.set(outcome, (tally.get(outcome) ?? 0) + 1);
  }

  async function tryOne(name: string, spec: Partial<EphemeralDomainSpec>): Promise<string> {
    let made: EphemeralDomain;
    try {
      made = await stage.create(name, spec);
    } catch (error) {
      if (isKubeError(error, 'invalid', 'bad-request')) return 'refused';
      throw error;
    }
    const settled = await stage.until(
      name,
      ({ status }) =>
        assert.ok(['Running', 'Failed'].includes(status?.phase ?? '') || isWaiting(status?.reason), 'goes on'),
      60_000,
    );
    const { phase, reason = '', domain } = settled.status ?? {};
    if (phase === 'Running') {
      await assertAsAsked(made, settled);
      await host.client.shutdown({ name: '', uuid: domain?.uuid ?? '' });
      await stage.until(name, finishedAs('Succeeded'));
      return 'run';
    }
    const isExplained =
      reason === 'Unschedulable'
        ? bytesOf(made) > 2 ** 30
        : reason === 'ImageNotFound' || reason === 'BackOff' || reason === 'InvalidCommandLine';
    assert.ok(isExplained, `${phase ?? ''}/${reason}: ${settled.status?.message ?? ''}`);
    return reason;
  }

  /** The domain on the host against the spec, read by other means than the code that made it. */
  async function assertAsAsked(made: EphemeralDomain, { status }: EphemeralDomain): Promise<void> {
    const xml = await host.client.getXmlDesc({ name: '', uuid: status?.domain?.uuid ?? '' });
    const reading = readDomainXml(xml, '');
    assert.ok(reading.ok, xml);
    const { memoryKiB, vcpus, title } = reading.domain;
    const asked = made.spec.domain;
    assert.ok(asked !== undefined, 'the fuzzer writes no templateRef');
    assert.deepEqual(
      [memoryKiB, vcpus, title],
      [Math.ceil(bytesOf(made) / 1024), asked.vcpus, `${stage.namespace}/${made.metadata.name}`],
    );
    const [os] = elementsOf(parseXml(xml, 'domain'), 'os');
    assert.ok(textOf(os, 'kernel')?.endsWith(`/${asked.boot.kernel}`), xml);
    const names: Readonly<Record<string, string | undefined>> = {
      IP: status?.address,
      DOMAIN_NAME: status?.domain?.name,
      DOMAIN_UUID: status?.domain?.uuid,
    };
    const expanded = (asked.boot.cmdline ?? '').replace(/\$\$|\$\(([A-Z_]+)\)/g, (whole, word: string | undefined) =>
      whole === '$$' ? '$' : (names[word ?? ''] ?? whole),
    );
    assert.equal((textOf(os, 'cmdline') ?? '').trim(), expanded.trim());
  }
});

function isWaiting(reason: string | undefined): boolean {
  return reason === 'Unschedulable' || reason === 'BackOff';
}

function bytesOf({ spec }: EphemeralDomain): number {
  return Number(parseQuantity(String(spec.domain?.memory)) ?? Number.NaN);
}
