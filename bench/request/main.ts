import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EPHEMERAL_DOMAINS } from '#controller/api/index.ts';
import type { RestClient } from '#controller/kube/index.ts';
import { waitFor } from '#hack/bed/process.ts';
import { step } from '#hack/bed/step.ts';
import { parseWriteCounts, writesBetween } from '../burst/api-counts.ts';
import type { WriteCounts } from '../burst/api-counts.ts';
import { startArms } from '../spawn/arms.ts';
import type { Arms } from '../spawn/arms.ts';
import { visit } from '../spawn/visit.ts';
import type { Visit } from '../spawn/visit.ts';
import { withBenchBed } from '../support/bed.ts';
import type { BenchBed } from '../support/bed.ts';
import { quantile, rotate } from '../support/figures.ts';
import { steadily } from '../support/pace.ts';
import { hostOf, serveTemplate } from '../support/template.ts';
import { report, waitsOf } from './report.ts';
import type { Arm, Measured, Result } from './report.ts';

/*
 * Requests at a steady rate, each begun when it is due whatever became of those before: what each writes to the API server, by
 * that server's own count, and how long its guest waits from its notice to the first byte of the request, by the guest's own
 * clock. In turns with blocks of the same requests at the floor of bench/spawn, which does no more than must be done.
 */
const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '8' },
    blocks: { type: 'string', default: '3' },
    'block-seconds': { type: 'string', default: '20' },
  },
});

const NAME = 'bench-request';
const WORDS = '-shutdown_after 15 -mode echo';
const ARMS = ['ours', 'floor'] as const;
const VISIT_TIMEOUT_MS = 60_000;
/** Code is compiled, connections are made. */
const WARM_UP = 24;

const result = await withBenchBed({ hosts: 'lxc:1', ingress: true }, measure);
if (result.missed.length > 0) {
  console.log(`\nMissed: ${result.missed.join('; ')}`);
  process.exitCode = 1;
}
console.log(JSON.stringify(result));

async function measure(bench: BenchBed): Promise<Result> {
  const { bed, client, hosts } = bench;
  const [host] = hosts;
  if (host === undefined) throw new Error('the bed has no host');
  const port = Number(new URL(await readFile(join(bed.dir, 'ingress.url'), 'utf8')).port);
  await step('Serving guests that say when they heard what', () =>
    serveTemplate(bench, port, { name: NAME, words: WORDS, http: { maxConcurrent: 32, keepFinishedSeconds: 1 } }),
  );
  const arms = await startArms(bench, host, NAME, ['floor']);
  try {
    const askOf = (arm: Arm) => (): Promise<Visit> => visit(arms.ports[arm], VISIT_TIMEOUT_MS, { host: hostOf(NAME) });
    await step(`Warming up: ${WARM_UP} requests an arm`, async () => {
      for (let i = 0; i < WARM_UP; i += 1) for (const arm of ARMS) await askOf(arm)();
      await untilNothingIsLeft(client, arms);
    });
    return report(Number(values.rate), await inTurns(client, arms, askOf));
  } finally {
    await arms.stop();
  }
}

/** Blocks of one arm after the other, each begun when nothing is left of the one before. */
async function inTurns(
  client: RestClient,
  arms: Arms<'floor'>,
  askOf: (arm: Arm) => () => Promise<Visit>,
): Promise<Measured> {
  const visits: Record<Arm, Visit[]> = { ours: [], floor: [] };
  const written: WriteCounts[] = [];
  const block = async (arm: Arm): Promise<void> => {
    const own = await askSteadily(askOf(arm));
    visits[arm].push(...own);
    const [p50, p95] = [0.5, 0.95].map((part) => quantile(waitsOf(own), part).toFixed(2));
    console.log(`  notice to first byte: p50 ${p50} ms, p95 ${p95} ms`);
    await untilNothingIsLeft(client, arms);
  };
  for (let turn = 1; turn <= Number(values.blocks); turn += 1) {
    for (const arm of rotate(ARMS, turn - 1)) {
      const title = `${values.rate} times a second for ${values['block-seconds']} s: ${arm}, ${turn} of ${values.blocks}`;
      const before = await writes(client);
      await step(title, () => block(arm));
      if (arm === 'ours') written.push(writesBetween(before, await writes(client)));
    }
  }
  return { ...visits, written };
}

/** Each begins when it is due; resolves when all have their answers. */
function askSteadily(ask: () => Promise<Visit>): Promise<readonly Visit[]> {
  const perSecond = Number(values.rate);
  const count = perSecond * Number(values['block-seconds']);
  return steadily({ perSecond, goesOn: (begun) => begun < count }, ask);
}

async function untilNothingIsLeft(client: RestClient, arms: Arms<'floor'>): Promise<void> {
  const none = async (): Promise<boolean> => (await client.list(EPHEMERAL_DOMAINS)).items.length === 0;
  await waitFor('no EphemeralDomain is left', none, { timeoutMs: 180_000, intervalMs: 500 });
  await arms.untilEmpty();
}

async function writes(client: RestClient): Promise<WriteCounts> {
  return parseWriteCounts(String(await client.getRaw('/metrics')));
}
