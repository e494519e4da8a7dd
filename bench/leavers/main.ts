import { parseArgs } from 'node:util';
import { step } from '#hack/bed/step.ts';
import { withBenchBed } from '../support/bed.ts';
import type { BenchBed } from '../support/bed.ts';
import { NOTHING, takeCensus, untilAsBefore } from '../support/census.ts';
import type { Census } from '../support/census.ts';
import { lookOut } from '../support/front.ts';
import type { AccessLine } from '../support/front.ts';
import { serveTemplate } from '../support/template.ts';
import { arrive, ask } from '../support/visitor.ts';
import { followAudit } from './audit.ts';
import { CASES, HOLDER } from './cases.ts';
import type { Case } from './cases.ts';
import { describeRow, rowOf } from './report.ts';
import type { Leaver, Row } from './report.ts';
import { watchResources } from './resources.ts';

/*
 * Visitors who leave: so many in each phase of a request, each told by a sign of that phase and not by a time; then a
 * crowd that cancels right after the head, and one that leaves as soon as each has its EphemeralDomain. Domains are counted from libvirt's own events, the DELETE is timed by the API
 * server's audit log, and afterwards everything has to be as it was before.
 */
const { values } = parseArgs({
  options: {
    each: { type: 'string', default: '100' },
    cancelled: { type: 'string', default: '5000' },
    'at-once': { type: 'string', default: '50' },
    crowd: { type: 'string', default: '500' },
  },
});

const LIMIT_MS = 20 * 60_000;
const LINE_TIMEOUT_MS = 30_000;
const SETTLE_MS = 60_000;
/** Of what is cancelled right after its head. */
const CANCELLED = {
  name: 'cancelled',
  words: '-mode deaf',
  http: { maxConcurrent: 16, maxQueued: 5_000, queueTimeoutSeconds: 60, keepFinishedSeconds: 0 },
};
/** Many who leave at once. */
interface Crowd {
  readonly name: string;
  readonly words: string;
  readonly total: number;
  readonly until: (tools: Tools, path: string) => Promise<unknown>;
}

const CROWDS: readonly Crowd[] = [
  {
    name: 'cancelled',
    words: 'right after the head',
    total: Number(values.cancelled),
    until: () => Promise.resolve(),
  },
  {
    name: 'crowd',
    words: 'each once it has its EphemeralDomain',
    total: Number(values.crowd),
    until: ({ resources }, path) => resources.until(path, 'there', () => true, SETTLE_MS),
  },
];

const WARM = { name: 'warm', words: '-mode http', http: { keepFinishedSeconds: 0, historyLimit: 0 } };

const result = await withBenchBed({ hosts: 'lxc:1', ingress: true, audit: true }, (bed) => measure(bed));
console.log(JSON.stringify(result));
if (!result.ok) process.exitCode = 1;

type Tools = Awaited<ReturnType<typeof prepare>>;

async function measure(bench: BenchBed) {
  const tools = await prepare(bench);
  try {
    const { before } = tools;
    console.log(`\nBefore: ${JSON.stringify(before)}`);
    const rows: Row[] = [];
    for (const each of CASES) {
      rows.push(
        await step(`${values.each} visitors leave: ${each.name}`, (progress) => leaveIn(tools, each, progress)),
      );
    }
    for (const crowd of CROWDS) {
      rows.push(await step(`${crowd.total} leave, ${crowd.words}`, () => leaveTogether(tools, crowd)));
    }
    const serves = (await ask(tools.ingress.port, 'warm.bench', '/last')).status === 200;
    console.log('');
    for (const row of rows) console.log(describeRow(row));
    const unknown = unknownRuns(tools);
    const startedTwice = tools.starts.again();
    const ok = serves && unknown === 0 && startedTwice === 0 && rows.every((row) => row.failures.length === 0);
    for (const { name, failures } of rows) for (const failure of failures) console.log(`✗ ${name}: ${failure}`);
    return { bench: 'leavers', host: 'lxc', ok, servesOn: serves, unknown, startedTwice, before, phases: rows };
  } finally {
    await tools.close();
  }
}

async function prepare(bench: BenchBed) {
  const { ingress, starts, access, close: closeAll } = await lookOut(bench);
  const resources = await watchResources(bench.client, LIMIT_MS);
  const audit = await followAudit(bench);
  await step('Serving a template for each phase', async () => {
    for (const served of [...CASES.map((each) => each.served), CANCELLED, WARM])
      await serveTemplate(bench, ingress.port, served);
  });
  await step('Warming up', async () => {
    for (let n = 0; n < 10; n += 1) await ask(ingress.port, 'warm.bench', `/warm/${n}`);
  });
  const count = (): Promise<Census> => takeCensus(bench, ingress, starts.observer);
  const { after: before } = await untilAsBefore(NOTHING, count, SETTLE_MS);
  const close = async (): Promise<void> => {
    await Promise.all([closeAll(), resources.stop(), audit.close()]);
  };
  return { ingress, starts, resources, audit, access, count, before, close };
}

/** So many visitors, one after the other, each of whom leaves once its request is in that phase. */
async function leaveIn(tools: Tools, each: Case, progress: (words: string) => void): Promise<Row> {
  const { ingress, starts, resources, audit, access } = tools;
  const { name, served } = each;
  const host = `${served.name}.bench`;
  starts.takePeak();
  const holder = name === HOLDER ? await arrive(ingress.port) : undefined;
  if (holder !== undefined) {
    await holder.send(each.request(host, '/holder'));
    await resources.until('/holder', 'running', ({ runningAt }) => runningAt !== undefined, LINE_TIMEOUT_MS);
  }
  const leavers: Leaver[] = [];
  for (let n = 0; n < Number(values.each); n += 1) {
    progress(`${n} of ${values.each}`);
    const path = `/${name}/${n}`;
    const auditedBefore = audit.seen.length;
    const loggedBefore = access.seen.length;
    const visitor = await arrive(ingress.port);
    await visitor.send(each.request(host, path));
    await each.arrived({ visitor, path, auditedBefore, ingress, resources, audit });
    const leftAt = visitor.leave(n % 2 === 0 ? 'close' : 'reset');
    const line = await access.first(`${path} is over`, loggedBefore, (one) => one.path === path, LINE_TIMEOUT_MS);
    leavers.push({ path, leftAt, line });
  }
  holder?.leave('close');
  return conclude(tools, {
    name,
    leavers,
    phases: each.phases,
    started: each.started,
    limit: served.http?.maxConcurrent,
  });
}

/** A crowd, so many of them at a time. */
async function leaveTogether(tools: Tools, { name, total, until }: Crowd): Promise<Row> {
  const { ingress, starts, access } = tools;
  starts.takePeak();
  const loggedBefore = access.seen.length;
  const left = new Map<string, number>();
  let next = 0;
  const client = async (): Promise<void> => {
    for (let n = next++; n < total; n = next++) {
      const path = `/${name}/${n}`;
      const visitor = await arrive(ingress.port);
      await visitor.send(`GET ${path} HTTP/1.1\r\nHost: cancelled.bench\r\n\r\n`);
      await until(tools, path);
      left.set(path, visitor.leave(n % 2 === 0 ? 'close' : 'reset'));
    }
  };
  const begun = performance.now();
  await Promise.all(Array.from({ length: Number(values['at-once']) }, client));
  const seconds = (performance.now() - begun) / 1000;
  console.log(`  ${total} came and left in ${seconds.toFixed(1)} s`);
  const isOurs = ({ path = '' }: AccessLine): boolean => path.startsWith(`/${name}/`);
  let lines = 0;
  await access.first(
    'all of them are over',
    loggedBefore,
    (line) => isOurs(line) && ++lines === total,
    LINE_TIMEOUT_MS,
  );
  const leavers = access.seen.slice(loggedBefore).flatMap((line): Leaver[] => {
    const leftAt = left.get(line.path ?? '');
    return leftAt === undefined ? [] : [{ path: line.path ?? '', leftAt, line }];
  });
  const { maxConcurrent: limit } = CANCELLED.http;
  return conclude(tools, { name, leavers, phases: undefined, started: undefined, limit });
}

type Told = Pick<Parameters<typeof rowOf>[0], 'name' | 'leavers' | 'phases' | 'started' | 'limit'>;

/** Waits until all is as it was before, and says what was found. */
async function conclude({ before, count, starts, resources, audit }: Tools, told: Told): Promise<Row> {
  const settled = await untilAsBefore(before, count, SETTLE_MS);
  return rowOf({ ...told, settled, peak: starts.takePeak(), runs: starts.runs, resources, audit: audit.seen });
}

/** Domains that were started for no EphemeralDomain that the watch saw. */
function unknownRuns({ starts, resources }: Tools): number {
  const known = new Set([...resources.byPath.values()].map(({ uuid }) => uuid));
  return [...starts.runs.keys()].filter((uuid) => !known.has(uuid)).length;
}
