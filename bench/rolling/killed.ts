import { EPHEMERAL_DOMAINS, isFinished, Phase, RequestLabel } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import type { Hypervisor } from '#controller/libvirt/index.ts';
import { stopProcess, waitFor } from '#hack/bed/process.ts';
import { step } from '#hack/bed/step.ts';
import type { IngressProcess } from '#hack/commands/ingress.ts';
import type { BenchBed } from '../support/bed.ts';
import { listedDomains, NAMESPACE } from '../support/left.ts';
import { rounded } from '../support/lives.ts';
import { steadily, tally } from '../support/pace.ts';
import { hostOf, serveTemplate, untilServed } from '../support/template.ts';
import { ask, isOverload } from '../support/visitors.ts';
import type { Ending, Visitors } from '../support/visitors.ts';
import type { Balancer } from './balancer.ts';

/** Who is killed, who stays, and what goes on meanwhile. */
export interface Scene {
  readonly last: IngressProcess;
  readonly survivor: IngressProcess;
  readonly balancer: Balancer;
  readonly observers: readonly Hypervisor[];
  /** Requests that end by themselves, through the balancer, before and after. */
  readonly plain: { readonly visitors: readonly Visitors[]; readonly perSecond: number };
  /** Requests that the killed replica has, each of a guest that works for minutes. */
  readonly inFlight: number;
}

/** A resource of the killed replica's. Seconds after the kill. */
interface Left {
  readonly name: string;
  readonly uuid: string | undefined;
  /** Finished by itself, or else deleted. */
  end: 'finished' | 'deleted' | undefined;
  endedAfter: number | undefined;
  /** Its host lists its domain no more. */
  goneAfter: number | undefined;
}

const BUSY = 'busy';
const LIMIT_MS = 120_000;
const LOOK_MS = 100;

/** Kills a replica that has requests, and follows those and their domains to their ends. */
export async function killOne(bench: BenchBed, scene: Scene) {
  const { last, survivor, balancer, plain, inFlight } = scene;
  const port = Number(new URL(last.url).port);
  await serveTemplate(bench, Number(new URL(survivor.url).port), {
    name: BUSY,
    words: '-mode http -delay_ms 600000',
    memory: '96Mi',
    http: { requestTimeoutSeconds: 300, maxConcurrent: 4 * inFlight },
  });
  // The replica to be killed knows the new template too.
  await untilServed(port, BUSY);
  const held = Array.from({ length: inFlight }, () => ask({ port, host: hostOf(BUSY) }));
  await waitFor(
    `${inFlight} guests of ${last.name} are at work`,
    async () => {
      const all = await resourcesOf(bench, last.name);
      return all.filter(({ status }) => status?.phase === Phase.Running).length >= inFlight;
    },
    { timeoutMs: 60_000 },
  );
  let isOver = false;
  const asking = steadily({ perSecond: plain.perSecond, goesOn: () => !isOver }, (index) =>
    (plain.visitors[index % plain.visitors.length] as Visitors).ask(),
  );
  // So that some of them are under way too.
  await waitFor('others ask too', async () => (await resourcesOf(bench, last.name)).length > inFlight, {
    timeoutMs: 30_000,
  });
  const before = await resourcesOf(bench, last.name);
  const killedAt = performance.now();
  await step(`Killing ${last.name} with -9`, () => stopProcess(bench.bed, last.name, { signal: 'SIGKILL' }));
  const left = await step('Following what it left', (progress) =>
    followLeft(bench, scene, { before, killedAt }, progress),
  );
  isOver = true;
  balancer.remove(last.name);
  const others = await asking;
  const endings = await Promise.all(held);
  const broken = others.filter((ending) => ending.ending !== '200' && !isOverload(ending));
  const figures = {
    inFlight: before.length,
    endings: tally(endings.map(({ ending }) => ending)),
    toldAfterMs: rounded(Math.max(...endings.map(({ endedAt }) => endedAt - killedAt))),
    domains: tally(left.map(({ end }) => end ?? 'stays')),
    deletedAfterSeconds: span(left.filter(({ end }) => end === 'deleted').map(({ endedAfter }) => endedAfter)),
    goneFromHostAfterSeconds: span(left.filter(({ end }) => end === 'deleted').map(({ goneAfter }) => goneAfter)),
    others: tally(others.map(({ ending }) => ending)),
    brokenOthers: broken.map((ending) => describe(ending, killedAt)),
    refusedConnections: balancer.refusals,
  };
  console.log(`\nWhat became of ${last.name}'s requests and domains:\n${JSON.stringify(figures, undefined, 2)}`);
  return figures;
}

async function resourcesOf({ client }: BenchBed, replica: string): Promise<readonly EphemeralDomain[]> {
  const labelSelector = `${RequestLabel.Replica}=${replica}`;
  const { items } = await client.list(EPHEMERAL_DOMAINS, { namespace: NAMESPACE, labelSelector });
  return items.filter(({ status }) => !isFinished(status?.phase));
}

async function followLeft(
  bench: BenchBed,
  { last, observers }: Scene,
  { before, killedAt }: { readonly before: readonly EphemeralDomain[]; readonly killedAt: number },
  progress: (words: string) => void,
): Promise<readonly Left[]> {
  const left: readonly Left[] = before.map(({ metadata, status }) => ({
    ...{ name: metadata.name, uuid: status?.domain?.uuid },
    ...{ end: undefined, endedAfter: undefined, goneAfter: undefined },
  }));
  const look = async (): Promise<boolean> => {
    const labelSelector = `${RequestLabel.Replica}=${last.name}`;
    const { items } = await bench.client.list(EPHEMERAL_DOMAINS, { namespace: NAMESPACE, labelSelector });
    const listed = new Set(await listedDomains(observers));
    const after = (performance.now() - killedAt) / 1000;
    for (const one of left) {
      const found = items.find(({ metadata }) => metadata.name === one.name);
      if (found === undefined || isFinished(found.status?.phase)) {
        one.end ??= found === undefined ? 'deleted' : 'finished';
        one.endedAfter ??= after;
      }
      if (one.uuid === undefined || !listed.has(one.uuid)) one.goneAfter ??= after;
    }
    const open = left.filter(({ end, goneAfter }) => end === undefined || goneAfter === undefined).length;
    progress(`${open} of ${left.length} are there after ${Math.round(after)} s`);
    return open === 0;
  };
  await waitFor(`what ${last.name} left is gone`, look, { timeoutMs: LIMIT_MS, intervalMs: LOOK_MS });
  return left;
}

const describe = ({ ending, begunAt, endedAt }: Ending, killedAt: number): string => {
  const [begun, ended] = [begunAt - killedAt, endedAt - killedAt].map((ms) => Math.round(ms));
  return `${ending}, begun at ${begun} ms, over at ${ended} ms`;
};

const span = (seconds: readonly (number | undefined)[]): readonly number[] => {
  const known = seconds.filter((value) => value !== undefined);
  return known.length === 0 ? [] : [rounded(Math.min(...known)), rounded(Math.max(...known))];
};
