import { parseArgs } from 'node:util';
import { pause } from '#hack/bed/interrupt.ts';
import { stopProcess } from '#hack/bed/process.ts';
import { step } from '#hack/bed/step.ts';
import { startController } from '#hack/commands/controller.ts';
import { serveExample, startIngress } from '#hack/commands/ingress.ts';

import { ensureClientPki } from '#hack/hosts/xen/pki.ts';
import { withBenchBed } from '../support/bed.ts';
import type { BenchBed } from '../support/bed.ts';
import { quantile } from '../support/figures.ts';
import { observe, untilNothingIsLeft } from '../support/left.ts';
import { rounded } from '../support/lives.ts';
import { steadily, tally } from '../support/pace.ts';
import { ask } from '../support/visitors.ts';
import type { Ending } from '../support/visitors.ts';

/*
 * Requests at a steady pace while the controller is killed with -9 again and again, and each time started anew after a
 * while: how does each request end, is one left without an answer, and does anything stay behind?
 */
const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '200' },
    'per-second': { type: 'string', default: '8' },
    kills: { type: 'string', default: '4' },
    /** How long there is no controller, each time. */
    'down-seconds': { type: 'string', default: '1' },
  },
});

/** An answer that says what is the matter, whatever it says. */
const ANSWER = /^[1-5][0-9]{2}( \w+)?$/;

const result = await withBenchBed({ hosts: process.env['HOSTS'] ?? 'lxc:1' }, measure);
console.log(JSON.stringify(result));
if (result.withoutAnswer > 0) process.exitCode = 1;

async function measure(bench: BenchBed) {
  const observers = await observe(bench.hosts);
  try {
    const ingress = await step('Starting the ingress', () => startIngress(bench.bed, bench.cluster));
    await step('Serving examples/ingress.yaml', () => serveExample(bench.bed, bench.cluster));
    const port = Number(new URL(ingress.url).port);
    const requests = Number(values.requests);
    const perSecond = Number(values['per-second']);
    const kills = Number(values.kills);
    const asking = steadily({ perSecond, goesOn: (begun) => begun < requests }, () =>
      ask({ port, host: 'outage.bench' }),
    );
    const downs = await step(`Killing the controller ${kills} times under ${perSecond} requests a second`, (progress) =>
      killAgainAndAgain(bench, { kills, seconds: requests / perSecond }, progress),
    );
    const endings = await step('Waiting for the last answer', () => asking);
    const left = await step('Waiting until nothing is left', () =>
      untilNothingIsLeft(bench, observers, ingress.metricsUrl),
    );
    return { bench: 'outage', requests, kills, ...summary(endings, downs), left };
  } finally {
    await Promise.all(observers.map((observer) => observer.close()));
  }
}

/** Spread over the run; resolves with how long there was no controller that was ready, each time, in seconds. */
async function killAgainAndAgain(
  { bed, cluster }: BenchBed,
  { kills, seconds }: { readonly kills: number; readonly seconds: number },
  progress: (words: string) => void,
): Promise<readonly number[]> {
  const libvirtPki = await ensureClientPki(bed);
  const started = performance.now();
  const downs: number[] = [];
  for (let kill = 1; kill <= kills; kill += 1) {
    const due = started + ((kill - 0.5) / kills) * seconds * 1000;
    await pause(Math.max(0, due - performance.now()));
    progress(`kill ${kill}`);
    const killed = performance.now();
    await stopProcess(bed, 'controller', { signal: 'SIGKILL' });
    await pause(Number(values['down-seconds']) * 1000);
    await startController(bed, cluster, { libvirtPki });
    downs.push((performance.now() - killed) / 1000);
  }
  return downs;
}

function summary(endings: readonly Ending[], downs: readonly number[]) {
  const took = endings.map(({ begunAt, endedAt }) => (endedAt - begunAt) / 1000);
  const words = tally(endings.map(({ ending }) => ending));
  console.log(`\nHow ${endings.length} requests ended: ${JSON.stringify(words)}`);
  return {
    endings: words,
    withoutAnswer: endings.filter(({ ending }) => !ANSWER.test(ending)).length,
    distinctDomains: new Set(endings.flatMap(({ ending, domain }) => (ending === '200' ? [domain] : []))).size,
    downSeconds: downs.map(rounded),
    p50Seconds: rounded(quantile(took, 0.5)),
    p95Seconds: rounded(quantile(took, 0.95)),
    longestSeconds: rounded(Math.max(...took)),
  };
}
