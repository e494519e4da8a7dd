import { parseArgs } from 'node:util';
import { step } from '#hack/bed/step.ts';
import { withBenchBed } from '../support/bed.ts';
import type { BenchBed } from '../support/bed.ts';
import { describe, median, quantile, rotate } from '../support/figures.ts';
import { rounded } from '../support/lives.ts';
import { startArms } from './arms.ts';
import type { Arms, FloorName } from './arms.ts';
import { storedSpans } from './stored.ts';
import { visit } from './visit.ts';
import type { Visit } from './visit.ts';

/*
 * A request through Hatchery against the floor: the least that any program needs which starts a domain for a request by
 * the same libvirt calls (see floor.ts), on the same libvirtd, in one run, by one client.
 */
const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '200' },
    blocks: { type: 'string', default: '6' },
    'block-seconds': { type: 'string', default: '30' },
    concurrency: { type: 'string', default: '16' },
  },
});

/** The template that examples/ingress.yaml serves. */
const TEMPLATE = 'hello';
const VISIT_TIMEOUT_MS = 60_000;
const QUIET_MS = 300;
const WARM_UP_MS = 5000;
const SLOW_MS = 900;
const ALL = ['ours', 'floor', 'plain'] as const;

console.log(
  JSON.stringify(await withBenchBed({ hosts: process.env['HOSTS'] ?? 'lxc:1', ingress: true }, (bed) => measure(bed))),
);

async function measure(bench: BenchBed): Promise<object> {
  const [host, ...others] = bench.hosts;
  if (host === undefined || others.length > 0) throw new Error('HOSTS: this bench compares on one host, as in lxc:1');
  const arms = await startArms(bench, host, TEMPLATE, ['floor', 'plain']);
  try {
    const alone = await step(`One at a time: ${values.pairs} requests an arm`, (progress) =>
      oneAtATime(bench, arms, progress),
    );
    reportAlone(alone.visits);
    reportSpans("Where a domain's time goes, by its stored timeline", alone.spans);
    const rates = await step(`${values.concurrency} at a time: ${values.blocks} blocks an arm`, (progress) =>
      manyAtATime(arms, progress),
    );
    console.log(
      `\nRequests per second, ${values.concurrency} at a time (distinct answers, each from a domain of its own):`,
    );
    for (const arm of ['ours', 'floor'] as const) console.log(`  ${arm.padEnd(6)} ${describe(rates[arm], 2)}`);
    return summary(host.kind, alone.visits, rates);
  } finally {
    await arms.stop();
  }
}

type AllArms = Arms<FloorName>;
type Alone = Readonly<Record<(typeof ALL)[number], readonly Visit[]>>;
/** Milliseconds by name. */
type Spans = ReadonlyMap<string, number>;
type Rates = Readonly<Record<'ours' | 'floor', readonly number[]>>;

/** Each request begins when the host lists no domain and has been quiet for a moment; the arms in random order. */
async function oneAtATime(
  { client }: BenchBed,
  arms: AllArms,
  progress: (words: string) => void,
): Promise<{ readonly visits: Alone; readonly spans: readonly Spans[] }> {
  const visits: Record<keyof Alone, Visit[]> = { ours: [], floor: [], plain: [] };
  const spans: Spans[] = [];
  const pairs = Number(values.pairs);
  // The first of each is a warm-up: code is compiled, connections are made.
  for (let pair = 0; pair <= pairs; pair += 1) {
    progress(`${pair} of ${pairs}`);
    for (const name of shuffled(ALL)) {
      await arms.untilEmpty();
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
      const one = await visit(arms.ports[name], VISIT_TIMEOUT_MS);
      if (one.status !== 200 || one.marker === undefined || one.firstByteMs === undefined) {
        throw new Error(`${name}: status ${one.status}, no page of a guest`);
      }
      if (pair === 0) continue;
      visits[name].push(one);
      if (one.domain !== undefined) spans.push(await storedSpans(client, one.domain));
    }
  }
  return { visits, spans };
}

/** Blocks of one arm after the other; in each so many clients, each with its next request as soon as it has its answer. */
async function manyAtATime(arms: AllArms, progress: (words: string) => void): Promise<Rates> {
  const rates: Record<'ours' | 'floor', number[]> = { ours: [], floor: [] };
  for (let block = 0; block < Number(values.blocks); block += 1) {
    for (const name of rotate(['ours', 'floor'] as const, block)) {
      progress(`block ${block + 1} of ${values.blocks}, ${name}`);
      await arms.untilEmpty();
      rates[name].push(await throughput(name, arms.ports[name]));
    }
  }
  return rates;
}

async function throughput(name: string, port: number): Promise<number> {
  const begun = performance.now();
  const end = begun + Number(values['block-seconds']) * 1000;
  const served = new Set<string>();
  const unlike = new Map<string, number>();
  const client = async (): Promise<void> => {
    while (performance.now() < end) {
      const { status, marker } = await visit(port, VISIT_TIMEOUT_MS);
      const now = performance.now();
      if (status !== 200 || marker === undefined) unlike.set(String(status), (unlike.get(String(status)) ?? 0) + 1);
      else if (now >= begun + WARM_UP_MS && now <= end) served.add(marker);
    }
  };
  await Promise.all(Array.from({ length: Number(values.concurrency) }, client));
  if (unlike.size > 0) console.log(`  ${name}: answers other than 200: ${JSON.stringify([...unlike])}`);
  return served.size / ((end - begun - WARM_UP_MS) / 1000);
}

function reportAlone(alone: Alone): void {
  console.log("\nFirst byte of the guest's body, milliseconds, one at a time:");
  for (const [name, visits] of Object.entries(alone)) {
    const times = timesOf(visits);
    const slow = times.filter((time) => time > SLOW_MS).length;
    const p95 = quantile(times, 0.95).toFixed(1);
    console.log(
      `  ${name.padEnd(6)} ${describe(times, 1)}, p95 ${p95}, over ${SLOW_MS} ms: ${slow} of ${times.length}`,
    );
  }
  reportSpans(
    'Where it goes, by what the ingress itself says (Server-Timing)',
    alone.ours.map(({ phases }) => phases),
  );
}

function reportSpans(title: string, all: readonly Spans[]): void {
  console.log(`\n${title}, milliseconds:`);
  for (const name of new Set(all.flatMap((spans) => [...spans.keys()]))) {
    console.log(
      `  ${name.padEnd(32)} ${describe(
        all.flatMap((spans) => spans.get(name) ?? []),
        2,
      )}`,
    );
  }
}

function summary(host: string, alone: Alone, rates: Rates): object {
  const at = (name: 'ours' | 'floor', part: number): number => quantile(timesOf(alone[name]), part);
  return {
    bench: 'spawn',
    host,
    ratio: {
      first_byte_p50_c1: rounded(at('ours', 0.5) / at('floor', 0.5)),
      first_byte_p95_c1: rounded(at('ours', 0.95) / at('floor', 0.95)),
      throughput_c16: rounded(median(rates.ours) / median(rates.floor)),
    },
    added_ms_p50_c1: rounded(at('ours', 0.5) - at('floor', 0.5)),
    n: alone.ours.length,
  };
}

function timesOf(visits: readonly Visit[]): readonly number[] {
  return visits.flatMap(({ firstByteMs }) => firstByteMs ?? []);
}

function shuffled<T>(values: readonly T[]): readonly T[] {
  const left = [...values];
  const taken: T[] = [];
  while (left.length > 0) taken.push(...left.splice(Math.floor(Math.random() * left.length), 1));
  return taken;
}
