import { parseArgs } from 'node:util';
import { step } from '#hack/bed/step.ts';
import { withBenchBed } from '../support/bed.ts';
import type { BenchBed } from '../support/bed.ts';
import { prepareVisitors, startControl } from './at-once.ts';
import type { Memory } from './memory.ts';
import {
  burst,
  FULL,
  OBEDIENT,
  obedience,
  PAGE,
  PATIENT,
  refusals,
  servesOn,
  UPLOAD,
  uploads,
  waiting,
} from './parts.ts';
import type { Arms, Crowds, Obedience, Refusals, Waiting } from './parts.ts';
import { restartIngress, sceneOf, serve } from './scene.ts';
import { faultsOf, spread, spreadOfCrowds, tenth } from './tally.ts';
import type { Tally } from './tally.ts';

/*
 * Crowds before the ingress: are all of them answered, how soon is who has no place told so, does Retry-After send people
 * back at a time at which they are served, and what memory does it take. Refusals stand beside those of a plain Node server
 * in the same run.
 */
const { values } = parseArgs({
  options: {
    visitors: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '7' },
    uploads: { type: 'string', default: '200' },
    'upload-bytes': { type: 'string', default: '5000000' },
    clients: { type: 'string', default: '500' },
    waiting: { type: 'string', default: '10000' },
  },
});

/** Of the clients that obey Retry-After. */
const LEAST_SERVED_AT_FIRST_RETURN = 0.8;
const MOST_KIB_A_WAITING_REQUEST = 32;
const ONE_BY_ONE = 20;

// For memory.ts; it opens nothing until it is asked to.
process.env['NODE_OPTIONS'] = '--inspect-port=0';

const found = await withBenchBed({ hosts: process.env['HOSTS'] ?? 'lxc:1', ingress: true }, (bed) => measure(bed));
const { report, faults } = summarize(found);
for (const fault of faults) console.log(`✗ ${fault}`);
console.log(JSON.stringify(report));
process.exitCode = faults.length === 0 ? 0 : 1;

/** What came in while memory was looked at, and what that took. */
interface Held {
  readonly crowd: Tally;
  readonly uploads: Tally;
  readonly obedience: Obedience;
  readonly served: number;
  readonly before: Memory;
  readonly peakMiB: number;
  readonly after: Memory;
}

interface Found extends Held {
  /** The first that these processes ever saw. */
  readonly first: Refusals;
  readonly full: Refusals;
  readonly burst: Crowds;
  readonly waiting: Waiting;
  readonly servedAfterWaiting: number;
}

async function measure(bench: BenchBed): Promise<Found> {
  const visitors = await prepareVisitors(bench.bed.dir);
  const control = await startControl();
  try {
    await step('Serving the templates', () => serve(bench, [PAGE, UPLOAD, OBEDIENT, FULL, PATIENT]));
    const scene = await sceneOf(bench);
    const arms: Arms = { scene, visitors, control };
    const many = Number(values.visitors);
    const rounds = Number(values.rounds);
    // Times before memory: a collection that is asked for throws away what V8 has compiled.
    const first = await refusals(arms, many, { uncounted: 0, counted: 1 });
    console.log(`  the first crowd: ${JSON.stringify(refusalsOf(first))}`);
    const full = await refusals(arms, many, { uncounted: 3, counted: rounds });
    console.log(`  refusals: ${JSON.stringify(fullOf(full))}`);
    const crowds = await burst(arms, many, rounds);
    console.log(`  at once: ${JSON.stringify({ ...refusalsOf(crowds), ...crowds.tally })}`);
    scene.probe.close();
    const held = await memoryOf({
      ...arms,
      scene: await step('Starting the ingress anew', () => restartIngress(bench)),
    });
    // A fresh process: what one has had before it uses again, and seems to need less.
    const fresh = await step('Starting the ingress anew', () => restartIngress(bench));
    await servesOn({ scene: fresh }, ONE_BY_ONE);
    const waited = await waiting({ scene: fresh }, Number(values.waiting));
    const servedAfterWaiting = await servesOn({ scene: fresh }, ONE_BY_ONE);
    fresh.probe.close();
    return {
      ...{ first, full, burst: crowds, ...held },
      ...{ waiting: waited, servedAfterWaiting },
    };
  } finally {
    control.stop();
  }
}

/** What crowds take of a process' memory. */
async function memoryOf(arms: Arms): Promise<Held> {
  const { probe } = arms.scene;
  await servesOn(arms, ONE_BY_ONE);
  const before = await probe.settled();
  await probe.forgetPeak();
  const crowd = await burst(arms, Number(values.visitors), 1);
  const posted = await uploads(arms, Number(values.uploads), Number(values['upload-bytes']));
  console.log(`  uploads: ${JSON.stringify(posted)}`);
  const obeyed = await obedience(arms, Number(values.clients));
  console.log(`  obedient clients: ${JSON.stringify(obeyed)}`);
  const peakMiB = probe.peakMiB();
  const served = await servesOn(arms, ONE_BY_ONE);
  const after = await probe.settled();
  probe.close();
  return { crowd: crowd.tally, uploads: posted, obedience: obeyed, served, before, peakMiB, after };
}

function summarize(all: Found): { readonly report: object; readonly faults: readonly string[] } {
  const { first, full, burst: crowds, uploads: posted, obedience: obeyed, waiting: waited } = all;
  const count = Number(values.waiting);
  const kibEach = (key: keyof Memory): number => tenth(((waited.during[key] - waited.before[key]) * 1024) / count);
  const share = obeyed.returned === 0 ? 1 : obeyed.servedAtFirstReturn / obeyed.returned;
  const faults = [
    ...faultsOf('the first crowd', first.tally),
    ...faultsOf('where all is taken', full.tally),
    ...faultsOf('at once', crowds.tally),
    ...faultsOf('at once, in the process whose memory is told', all.crowd),
    ...faultsOf('uploads', posted),
    ...faultsOf('obedient clients', obeyed.tally),
    ...(share < LEAST_SERVED_AT_FIRST_RETURN
      ? [`only ${Math.round(share * 100)} % are served at their first return`]
      : []),
    ...(all.served < ONE_BY_ONE ? [`after the crowds ${all.served} of ${ONE_BY_ONE} are served`] : []),
    ...(all.servedAfterWaiting < ONE_BY_ONE
      ? [`after the wait ${all.servedAfterWaiting} of ${ONE_BY_ONE} are served`]
      : []),
    ...(waited.early > 0 ? [`${waited.early} did not wait`] : []),
    ...(kibEach('rss') > MOST_KIB_A_WAITING_REQUEST ? [`a waiting request takes ${kibEach('rss')} KiB`] : []),
  ];
  const report = {
    bench: 'crowd',
    refusals_ms: { first: refusalsOf(first), full: fullOf(full), starting: refusalsOf(crowds) },
    ...{ at_once: crowds.tally, uploads: posted, obedient: { ...obeyed, share: Math.round(share * 1000) / 1000 } },
    memory_mib: { before: inMiB(all.before), peak_rss: tenth(all.peakMiB), after: inMiB(all.after) },
    waiting: {
      ...{ requests: count, kib_each_rss: kibEach('rss'), kib_each_held: kibEach('held') },
      ...{ before: inMiB(waited.before), during: inMiB(waited.during), after: inMiB(waited.after) },
    },
    served_after: all.served + all.servedAfterWaiting,
    ...{ ok: faults.length === 0 },
  };
  return { report, faults };
}

function refusalsOf({ refusals: ours, inside, control }: Crowds): object {
  return { ours: spreadOfCrowds(ours), inside: spread(inside), control: spreadOfCrowds(control) };
}

function fullOf(full: Refusals): object {
  return { ...refusalsOf(full), cpu_ms_each: full.cpuMs };
}

function inMiB({ rss, held }: Memory): Memory {
  return { rss: tenth(rss), held: tenth(held) };
}
