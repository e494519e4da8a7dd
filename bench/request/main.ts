import { parseArgs } from 'node:util';
import { EPHEMERAL_DOMAIN_TEMPLATES, EPHEMERAL_DOMAINS } from '#controller/api/index.ts';
import { INGRESSES } from '#controller/kube/index.ts';
import type { RestClient } from '#controller/kube/index.ts';
import { waitFor } from '#hack/bed/process.ts';
import { step } from '#hack/bed/step.ts';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseWriteCounts, writesBetween } from '../burst/api-counts.ts';
import type { WriteCounts } from '../burst/api-counts.ts';
import { visit } from '../spawn/visit.ts';
import type { Visit } from '../spawn/visit.ts';
import { withBenchBed } from '../support/bed.ts';
import type { BenchBed } from '../support/bed.ts';
import { describe, quantile } from '../support/figures.ts';
import { rounded } from '../support/lives.ts';
import { guestTimesOf } from './guest-times.ts';
import type { GuestTimes } from './guest-times.ts';

/*
 * Requests at a steady rate, each begun when it is due whatever became of those before: what each writes to the API server, by
 * that server's own count, and how long its guest waits from its notice to the first byte of the request, by the guest's own
 * clock.
 */
const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '8' },
    seconds: { type: 'string', default: '60' },
  },
});

const NAMESPACE = 'default';
const NAME = 'bench-request';
const HOST = 'request.bench.example';
const VISIT_TIMEOUT_MS = 60_000;
/** Code is compiled, connections are made. */
const WARM_UP = 24;
const LIMITS = { creates: 1, statusWrites: 3, deletes: 1, p50Ms: 1, p95Ms: 5 } as const;

const result = await withBenchBed({ hosts: 'lxc:1', ingress: true }, measure);
if (result.missed.length > 0) {
  console.log(`\nMissed: ${result.missed.join('; ')}`);
  process.exitCode = 1;
}
console.log(JSON.stringify(result));

/** Writes of a request's own resource, for each request. */
interface OwnWrites {
  readonly create: number;
  readonly status: number;
  readonly delete: number;
}

interface Spread {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

interface Result {
  readonly bench: 'request';
  readonly host: 'lxc';
  readonly rate: number;
  readonly requests: number;
  readonly answered200: number;
  readonly writes_per_request: OwnWrites;
  readonly writes_in_all: WriteCounts;
  readonly notify_to_first_byte_ms: Spread;
  readonly first_byte_ms: Spread;
  /** What must hold and does not. */
  readonly missed: readonly string[];
}

async function measure({ bed, client }: BenchBed): Promise<Result> {
  const url = new URL((await readFile(join(bed.dir, 'ingress.url'), 'utf8')).trim());
  const port = Number(url.port);
  const ask = (): Promise<Visit> => visit(port, VISIT_TIMEOUT_MS, { host: HOST });
  await step('Serving guests that say when they heard what', () => serve(client, ask));
  await step(`Warming up: ${WARM_UP} requests`, async () => {
    for (let i = 0; i < WARM_UP; i += 1) await ask();
    await untilNoneIsLeft(client);
  });
  const before = await writes(client);
  const count = Number(values.rate) * Number(values.seconds);
  const visits = await step(`Asking ${values.rate} times a second for ${values.seconds} s`, () =>
    askSteadily(count, ask),
  );
  await step('Waiting until their domains are deleted', () => untilNoneIsLeft(client));
  return report(visits, writesBetween(before, await writes(client)));
}

async function serve(client: RestClient, ask: () => Promise<Visit>): Promise<void> {
  const network = '-ipaddr $(IP) -netmask $(NETMASK) -gateway $(GATEWAY) -notify $(NOTIFY_URL)';
  const boot = { kernel: 'hatchling', cmdline: `${network} -shutdown_after 15 -mode echo` };
  const domain = {
    type: 'pv' as const,
    memory: '64Mi',
    vcpus: 1,
    boot,
    readiness: { notify: {}, periodMilliseconds: 200 },
  };
  await client.create(EPHEMERAL_DOMAIN_TEMPLATES, {
    metadata: { name: NAME, namespace: NAMESPACE },
    spec: { http: { maxConcurrent: 32, keepFinishedSeconds: 1 }, template: { spec: { domain } } },
  });
  const resource = { apiGroup: 'hatchery.dev', kind: 'EphemeralDomainTemplate', name: NAME };
  const paths = [{ path: '/', pathType: 'Prefix' as const, backend: { resource } }];
  await client.create(INGRESSES, {
    metadata: { name: NAME, namespace: NAMESPACE },
    spec: { ingressClassName: 'hatchery', rules: [{ host: HOST, http: { paths } }] },
  });
  // Until its route is known, examples/ingress.yaml serves this host too, with a page.
  await waitFor('the ingress knows the route', async () => guestTimesOf((await ask()).body) !== undefined, {
    timeoutMs: 30_000,
    intervalMs: 500,
  });
}

/** Each begins when it is due; resolves when all have their answers. */
async function askSteadily(count: number, ask: () => Promise<Visit>): Promise<readonly Visit[]> {
  const begun = performance.now();
  const intervalMs = 1000 / Number(values.rate);
  const visits: Promise<Visit>[] = [];
  for (let i = 0; i < count; i += 1) {
    const early = begun + i * intervalMs - performance.now();
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    const one = ask();
    // It is awaited below, where a failure is heard.
    one.catch(() => undefined);
    visits.push(one);
  }
  return Promise.all(visits);
}

async function untilNoneIsLeft(client: RestClient): Promise<void> {
  const none = async (): Promise<boolean> => (await client.list(EPHEMERAL_DOMAINS)).items.length === 0;
  await waitFor('no EphemeralDomain is left', none, { timeoutMs: 180_000, intervalMs: 500 });
}

async function writes(client: RestClient): Promise<WriteCounts> {
  return parseWriteCounts(String(await client.getRaw('/metrics')));
}

function report(visits: readonly Visit[], asked: WriteCounts): Result {
  const times = served(visits).flatMap(({ body }) => guestTimesOf(body) ?? []);
  // Refused ones too: they were asked.
  const share = (kind: string): number => sumOf(asked, kind) / visits.length;
  const own = {
    create: share('POST ephemeraldomains'),
    status: share('PATCH ephemeraldomains/status'),
    delete: share('DELETE ephemeraldomains'),
  };
  const answers = Map.groupBy(visits, ({ status }) => status);
  console.log(`\nAnswers: ${[...answers].map(([status, all]) => `${status}: ${all.length}`).join(', ')}`);
  console.log('\nWrites that the API server answered, for each request (and in all):');
  for (const [kind, count] of Object.entries(asked)) {
    console.log(`  ${kind.padEnd(32)} ${(count / visits.length).toFixed(2)} (${count})`);
  }
  console.log("\nMilliseconds, by the guest's clock:");
  const parts = {
    'notice -> first byte of the request': times.map(({ notified, heard }) => (heard - notified) / 1000),
    'notice -> connection': times.map(({ notified, accepted }) => (accepted - notified) / 1000),
    'connection -> first byte': times.map(({ accepted, heard }) => (heard - accepted) / 1000),
  };
  for (const [name, all] of Object.entries(parts)) {
    console.log(`  ${name.padEnd(36)} ${describe(all, 2)}, p95 ${quantile(all, 0.95).toFixed(2)}`);
  }
  const waited = parts['notice -> first byte of the request'];
  const firstBytes = visits.flatMap(({ firstByteMs }) => firstByteMs ?? []);
  return {
    bench: 'request',
    ...{ host: 'lxc', rate: Number(values.rate), requests: visits.length, answered200: served(visits).length },
    writes_per_request: { create: rounded(own.create), status: rounded(own.status), delete: rounded(own.delete) },
    writes_in_all: asked,
    notify_to_first_byte_ms: spread(waited),
    first_byte_ms: spread(firstBytes),
    missed: missedBy(visits, times, own, waited),
  };
}

function sumOf(asked: WriteCounts, kind: string): number {
  const ofIt = Object.entries(asked).filter(([key]) => key === kind || key.startsWith(`${kind} `));
  return ofIt.reduce((sum, [, count]) => sum + count, 0);
}

function missedBy(
  visits: readonly Visit[],
  times: readonly GuestTimes[],
  own: OwnWrites,
  waited: readonly number[],
): readonly string[] {
  const domains = new Set(served(visits).map(({ domain }) => domain));
  return [
    ...(served(visits).length < visits.length
      ? [`${visits.length - served(visits).length} were not answered 200`]
      : []),
    ...(domains.size < served(visits).length ? ['a domain answered more than one request'] : []),
    ...(times.length < served(visits).length ? ['not each guest told its times'] : []),
    ...(own.create > LIMITS.creates ? ['more than one create for a request'] : []),
    ...(own.status > LIMITS.statusWrites ? ['more than three status writes for a request'] : []),
    ...(own.delete > LIMITS.deletes ? ['more than one delete for a request'] : []),
    ...(quantile(waited, 0.5) > LIMITS.p50Ms ? [`notice to first byte: p50 over ${LIMITS.p50Ms} ms`] : []),
    ...(quantile(waited, 0.95) > LIMITS.p95Ms ? [`notice to first byte: p95 over ${LIMITS.p95Ms} ms`] : []),
  ];
}

function served(visits: readonly Visit[]): readonly Visit[] {
  return visits.filter(({ status }) => status === 200);
}

function spread(all: readonly number[]): Spread {
  const at = (part: number): number => rounded(quantile(all, part));
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}
