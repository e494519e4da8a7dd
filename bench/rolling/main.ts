import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { pkiOf } from '#hack/cluster/pki.ts';
import { stopProcess } from '#hack/bed/process.ts';
import { step } from '#hack/bed/step.ts';
import { serveExample, startIngress } from '#hack/commands/ingress.ts';
import type { IngressProcess } from '#hack/commands/ingress.ts';
import { withBenchBed } from '../support/bed.ts';
import type { BenchBed } from '../support/bed.ts';
import { quantile } from '../support/figures.ts';
import { observe, untilNothingIsLeft } from '../support/left.ts';
import { rounded } from '../support/lives.ts';
import { steadily, tally } from '../support/pace.ts';
import { http2Visitors, isOverload, keepAliveVisitors } from '../support/visitors.ts';
import type { Ending, Visitors } from '../support/visitors.ts';
import { Balancer } from './balancer.ts';
import { killOne } from './killed.ts';

/*
 * Two replicas of the ingress behind one address, replaced one after the other while visitors ask at a steady pace over
 * HTTP/1.1 and HTTP/2 connections that they keep: is a request lost? Then one of them is killed with -9: what becomes of its
 * requests, and when are their domains gone?
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    'per-second': { type: 'string', default: '8' },
    'in-flight': { type: 'string', default: '8' },
  },
});

const REPLICAS = 2;
/** As manifests/ingress.yaml has it: the default. `make up` has none, since nobody stands in front there. */
const DRAIN_DELAY = '5s';
const DRAIN_GRACE_MS = 90_000;
const KEPT = 4;
const HOST = 'rolling.bench';

const result = await withBenchBed({ hosts: process.env['HOSTS'] ?? 'lxc:1' }, measure);
console.log(JSON.stringify(result));
if (result.lost > 0) process.exitCode = 1;

async function measure(bench: BenchBed) {
  const balancer = new Balancer();
  const replicas: IngressProcess[] = [];
  const observers = await observe(bench.hosts);
  try {
    const ports = await balancer.listen();
    for (let number = 1; number <= REPLICAS; number += 1) replicas.push(await addReplica(bench, balancer, number));
    await step('Serving examples/ingress.yaml', () => serveExample(bench.bed, bench.cluster, replicas[0]?.name));
    const ca = await readFile(pkiOf(bench.bed).ca, 'utf8');
    const visitors = [keepAliveVisitors(ports.http, HOST, KEPT), http2Visitors(ports.tls, HOST, { ca, kept: KEPT })];
    const rolling = await roll(bench, balancer, replicas, visitors);
    report(rolling.endings, visitors);
    const [last, survivor] = replicas;
    if (last === undefined || survivor === undefined) throw new Error('a replica is missing');
    const plain = { visitors, perSecond: Number(values['per-second']) };
    const killed = await killOne(bench, {
      last,
      survivor,
      balancer,
      observers,
      plain,
      inFlight: Number(values['in-flight']),
    });
    const left = await step('Waiting until nothing is left', () =>
      untilNothingIsLeft(bench, observers, survivor.metricsUrl),
    );
    for (const one of visitors) one.close();
    const unserved = rolling.endings.flat().filter(({ ending }) => ending !== '200');
    const overloaded = unserved.filter(isOverload).length;
    return { bench: 'rolling', lost: unserved.length - overloaded, overloaded, ...rolling.figures, killed, left };
  } finally {
    balancer.close();
    await Promise.all(observers.map((observer) => observer.close()));
  }
}

async function addReplica({ bed, cluster }: BenchBed, balancer: Balancer, number: number): Promise<IngressProcess> {
  const name = `ingress-${number}`;
  const args = [`--drain-delay=${DRAIN_DELAY}`];
  const replica = await step(`Starting ${name}`, () => startIngress(bed, cluster, { name, args }));
  balancer.add(replica);
  return replica;
}

/** As a Deployment with maxUnavailable 0 does it: another one is ready before one is told to end. */
async function roll(bench: BenchBed, balancer: Balancer, replicas: IngressProcess[], visitors: readonly Visitors[]) {
  const rounds = Number(values.rounds);
  const ends: number[] = [];
  let isOver = false;
  const pace = { perSecond: Number(values['per-second']), goesOn: () => !isOver };
  const asking = steadily(pace, async (index) => {
    const one = visitors[index % visitors.length];
    if (one === undefined) throw new Error('nobody asks');
    return [one.protocol, await one.ask()] as const;
  });
  const replacing = step(
    `Replacing ${REPLICAS} replicas, ${rounds} times, under ${pace.perSecond} requests a second`,
    async () => {
      for (let number = REPLICAS + 1; number <= REPLICAS * (rounds + 1); number += 1) {
        replicas.push(await addReplica(bench, balancer, number));
        const old = replicas.shift();
        if (old === undefined) throw new Error('a replica is missing');
        const begun = performance.now();
        await step(`Telling ${old.name} to end`, () => stopProcess(bench.bed, old.name, { graceMs: DRAIN_GRACE_MS }));
        ends.push((performance.now() - begun) / 1000);
        balancer.remove(old.name);
      }
    },
  ).finally(() => (isOver = true));
  await replacing;
  const all = await asking;
  const endings = visitors.map(({ protocol }) => all.flatMap(([over, ending]) => (over === protocol ? [ending] : [])));
  const figures = {
    requests: all.length,
    replaced: ends.length,
    secondsToEnd: rounded(Math.max(...ends)),
    endings: Object.fromEntries(visitors.map(({ protocol }, at) => [protocol, tally(words(endings[at]))])),
    connections: Object.fromEntries(visitors.map(({ protocol, connections }) => [protocol, connections()])),
    refusedConnections: balancer.refusals,
    distinctDomains: new Set(endings.flat().map(({ domain }) => domain)).size,
    p50Ms: rounded(quantile(endings.flat().map(tookMs), 0.5)),
    p99Ms: rounded(quantile(endings.flat().map(tookMs), 0.99)),
  };
  return { endings, figures };
}

function words(endings: readonly Ending[] | undefined): readonly string[] {
  return (endings ?? []).map(({ ending }) => ending);
}

function tookMs({ begunAt, endedAt }: Ending): number {
  return endedAt - begunAt;
}

function report(endings: readonly (readonly Ending[])[], visitors: readonly Visitors[]): void {
  console.log('\nHow requests ended while replicas were replaced:');
  visitors.forEach(({ protocol, connections }, at) => {
    console.log(
      `  ${protocol.padEnd(9)} ${JSON.stringify(tally(words(endings[at])))}, over ${connections()} connections`,
    );
  });
}
