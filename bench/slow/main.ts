import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { step } from '#hack/bed/step.ts';
import { withBenchBed } from '../support/bed.ts';
import type { BenchBed } from '../support/bed.ts';
import { NOTHING, takeCensus, untilAsBefore } from '../support/census.ts';
import type { Census } from '../support/census.ts';
import { rotate } from '../support/figures.ts';
import { lookOut } from '../support/front.ts';
import { serveTemplate } from '../support/template.ts';
import { usageOf } from '../support/usage.ts';
import { visit } from '../spawn/visit.ts';
import { gather } from './gather.ts';
import { formsOf } from './forms.ts';
import type { Form } from './forms.ts';
import { describeForm, summarizeForm } from './report.ts';
import type { Block, Request } from './report.ts';

/*
 * Slow visitors, so many in each of several forms, beside a steady few requests a second: how long those take, against the
 * same without slow visitors just before and after. The crowd is a process of its own, and the nicest of all.
 */
const { values } = parseArgs({
  options: {
    visitors: { type: 'string', default: '2000' },
    rounds: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '20' },
    rate: { type: 'string', default: '5' },
    concurrent: { type: 'string', default: '16' },
    /** Names of forms, comma-separated; all unless said. */
    forms: { type: 'string' },
  },
});

const VISIT_TIMEOUT_MS = 60_000;
const SETTLE_MS = 60_000;
const SAMPLE_MS = 500;
/** Each so-many-th request of those that are timed has a body. */
const POST_EACH = 5;
const POST_BYTES = 4096;
const WARM_UP = 20;

const forms = formsAsked();
const result = await withBenchBed({ hosts: 'lxc:1', ingress: true }, (bed) => measure(bed));
console.log(JSON.stringify(result));
if (!result.ok) process.exitCode = 1;

type Tools = Awaited<ReturnType<typeof prepare>>;

async function measure(bench: BenchBed) {
  const visitors = Number(values.visitors);
  const tools = await prepare(bench);
  try {
    const controls: Block[] = [];
    const blocks = new Map<string, Block[]>(forms.map(({ name }) => [name, []]));
    for (let round = 0; round < Number(values.rounds); round += 1) {
      for (const form of rotate(forms, round * 2)) {
        const calm = await step(`${values.rate} requests a second, alone`, () => runAlone(tools));
        controls.push(calm);
        const block = await step(`${visitors} slow visitors: ${form.name}`, () => runBeside(tools, form, calm));
        blocks.get(form.name)?.push(block);
      }
    }
    controls.push(await step(`${values.rate} requests a second, alone`, () => runAlone(tools)));
    const control = summarizeForm('control', controls, controls, 0);
    const summaries = forms.map(({ name }) => summarizeForm(name, blocks.get(name) ?? [], controls, visitors));
    console.log(`\n${describeForm(control)}`);
    for (const summary of summaries) console.log(describeForm(summary));
    const failures = [control, ...summaries].flatMap((one) => one.failures.map((failure) => `${one.name}: ${failure}`));
    for (const failure of failures) console.log(`✗ ${failure}`);
    return { bench: 'slow', host: 'lxc', ok: failures.length === 0, visitors, control, forms: summaries };
  } finally {
    await tools.close();
  }
}

/** Throws where a name is of no form: a bench of nothing would be well. */
function formsAsked(): readonly Form[] {
  const all = formsOf(Number(values.visitors), Number(values.concurrent));
  if (values.forms === undefined) return all;
  return values.forms.split(',').map((asked) => {
    const form = all.find(({ name }) => name === asked);
    if (form !== undefined) return form;
    throw new Error(`--forms: there is no form "${asked}": name some of ${all.map(({ name }) => name).join(', ')}`);
  });
}

async function prepare(bench: BenchBed) {
  const { ingress, starts, access, close } = await lookOut(bench);
  await step('Serving a template for each form', async () => {
    for (const { served } of forms) if (served !== undefined) await serveTemplate(bench, ingress.port, served);
  });
  await step('Warming up', async () => {
    for (let n = 0; n < WARM_UP; n += 1) await visit(ingress.port, VISIT_TIMEOUT_MS);
  });
  // Those that were timed are kept for a while once they have ended.
  const count = async (): Promise<Census> => ({ ...(await takeCensus(bench, ingress, starts.observer)), resources: 0 });
  return { ingress, starts, access, settle: () => untilAsBefore(NOTHING, count, SETTLE_MS), close };
}

/** A block beside a crowd of one form, which is all there before it begins. */
async function runBeside(tools: Tools, form: Form, calm: Block): Promise<Block> {
  const visitors = Number(values.visitors);
  const crowd = await gather({ ...form.crowd(tools.ingress), visitors });
  const loggedBefore = tools.access.seen.length;
  const startedBefore = tools.starts.runs.size;
  tools.starts.takePeak();
  const block = await runTimed(tools);
  const counts = await crowd.stop();
  const { asBefore, after, seconds } = await tools.settle();
  const served = block.requests.filter(({ marker }) => marker !== undefined).length;
  const domains = tools.starts.runs.size - startedBefore - served;
  const host = form.served === undefined ? undefined : `${form.served.name}.bench`;
  const lines = tools.access.seen.slice(loggedBefore).filter((line) => line.host === host && host !== undefined);
  return {
    ...block,
    crowd: { counts, domains, calm, hatches: form.hatches, reasons: lines.map(({ reason = '' }) => reason) },
    leftover: asBefore ? undefined : after,
    settledSeconds: seconds,
  };
}

/** A block alone, from when nothing is left of what was before. */
async function runAlone(tools: Tools): Promise<Block> {
  await tools.settle();
  return { ...(await runTimed(tools)), crowd: undefined, leftover: undefined, settledSeconds: 0 };
}

/** Requests at a steady pace, whatever becomes of those before; and what the ingress took meanwhile. */
async function runTimed({ ingress }: Tools): Promise<Pick<Block, 'requests' | 'rssKiB' | 'cpuSeconds'>> {
  const total = Number(values.seconds) * Number(values.rate);
  const begun = performance.now();
  const cpuBefore = usageOf(ingress.pid).cpuSeconds;
  const asked: Promise<Request>[] = [];
  const rssKiB: number[] = [];
  const sampling = setInterval(() => {
    ingress.rssKiB().then((kib) => rssKiB.push(kib), console.error);
  }, SAMPLE_MS);
  try {
    for (let n = 0; n < total; n += 1) {
      await pause(Math.max(0, begun + (n * 1000) / Number(values.rate) - performance.now()));
      asked.push(timed(ingress.port, n % POST_EACH === 0 ? POST_BYTES : 0));
    }
    const requests = await Promise.all(asked);
    return { requests, rssKiB, cpuSeconds: usageOf(ingress.pid).cpuSeconds - cpuBefore };
  } finally {
    clearInterval(sampling);
  }
}

/** A failure is no end of the bench: it is what is counted. */
async function timed(port: number, bodyBytes: number): Promise<Request> {
  try {
    const { firstByteMs, status, marker } = await visit(port, VISIT_TIMEOUT_MS, { bodyBytes });
    return { firstByteMs, status, marker };
  } catch (error) {
    return { firstByteMs: undefined, status: 0, marker: undefined, error: String(error) };
  }
}
