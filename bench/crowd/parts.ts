import { waitFor } from '#hack/bed/process.ts';
import { step } from '#hack/bed/step.ts';
import { usageOf } from '../support/usage.ts';
import type { Control, Visitors } from './at-once.ts';
import type { Memory } from './memory.ts';
import { ask, obey } from './obedient.ts';
import { hostOf } from './scene.ts';
import type { Scene, Served } from './scene.ts';
import { arrivalRefusals, returnsOf, tallyOf } from './tally.ts';
import type { Tally, Visit } from './tally.ts';
import { gather } from './waiters.ts';

/** As examples/ingress.yaml has it. */
const EXAMPLE = { maxConcurrent: 32, maxQueued: 128 } as const;

/** What the parts ask for; each has a template of its own, so that none begins with what another left. */
export const PAGE: Served = { name: 'page', http: EXAMPLE };
export const UPLOAD: Served = { name: 'upload', http: EXAMPLE, words: '-mode sink' };
export const OBEDIENT: Served = { name: 'obedient', http: EXAMPLE };
/** One domain that takes its time, and nobody may wait. */
export const FULL: Served = { name: 'full', http: { maxConcurrent: 1, maxQueued: 0 }, words: '-delay_ms 50000' };
export const PATIENT: Served = {
  name: 'patient',
  http: { maxConcurrent: 1, maxQueued: 10_000, queueTimeoutSeconds: 60, requestTimeoutSeconds: 300 },
  words: '-delay_ms 200000',
};

/** How long refusals on arrival took, ms, crowd by crowd. */
export type Times = readonly (readonly number[])[];

/** Who was in one crowd after the other, and how long they took to be refused. */
export interface Crowds {
  readonly tally: Tally;
  readonly refusals: Times;
  /** How long the ingress says that it had them, from the end of their heads. */
  readonly inside: readonly number[];
  /** The control's, in the same circumstances. */
  readonly control: Times;
}

/** Those who find all taken; what each refusal takes of a CPU says more than its time where the machine has other work. */
export interface Refusals extends Crowds {
  readonly cpuMs: { readonly ours: number; readonly control: number };
}

export interface Arms {
  readonly scene: Scene;
  readonly visitors: Visitors;
  readonly control: Control;
}

type Crowd = readonly Visit[];

/** What crowds came to, and those who were there besides. */
const crowdsOf = (crowds: readonly Crowd[], control: readonly Crowd[], beside: readonly Crowd[] = []): Crowds => {
  const refused = crowds.map(arrivalRefusals);
  return {
    tally: tallyOf([...crowds, ...beside].flat()),
    refusals: refused.map(headTimes),
    inside: refused.flat().flatMap(({ serverMs }) => serverMs ?? []),
    control: control.map(headTimes),
  };
};

const headTimes = (visits: Crowd): readonly number[] => visits.flatMap(({ headMs }) => headMs ?? []);

/** All at once, while nothing else is under way; the control is asked while as many domains start as that begins. */
export const burst = async ({ scene, visitors, control }: Arms, count: number, rounds: number): Promise<Crowds> => {
  const crowds: Crowd[] = [];
  const plain: Crowd[] = [];
  const besides: Crowd[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await step(`${count} requests at once, round ${round + 1} of ${rounds}`, async () => {
      crowds.push(await visitors.atOnce({ port: scene.port, host: hostOf(PAGE), visitors: count }));
      await scene.untilBare();
    });
    await step(`The same at a plain Node server, while as many domains start`, async () => {
      const domains = EXAMPLE.maxConcurrent + EXAMPLE.maxQueued;
      const beside = visitors.atOnce({ port: scene.port, host: hostOf(PAGE), visitors: domains });
      await waitFor('domains start', async () => (await scene.load()).held > 0, { timeoutMs: 10_000, intervalMs: 5 });
      plain.push(await visitors.atOnce({ port: control.port, host: 'control.test', visitors: count }));
      besides.push(await beside);
      await scene.untilBare();
    });
  }
  return crowdsOf(crowds, plain, besides);
};

/** How often a crowd comes; the rounds before those that count time V8's compilers, in the control's few lines too. */
export interface Rounds {
  readonly uncounted: number;
  readonly counted: number;
}

/** All are refused: the one place is taken, and nothing starts or ends meanwhile. */
export const refusals = async (
  { scene, visitors, control }: Arms,
  count: number,
  { uncounted, counted }: Rounds,
): Promise<Refusals> => {
  const crowds: Crowd[] = [];
  const plain: Crowd[] = [];
  const seconds = { ours: 0, control: 0 };
  const come = async ({ port, pid }: { readonly port: number; readonly pid: number }, host: string) => {
    const before = usageOf(pid).cpuSeconds;
    const came = await visitors.atOnce({ port, host, visitors: count });
    await settle();
    return { came, cpuSeconds: usageOf(pid).cpuSeconds - before };
  };
  await step(`${count} requests at once where all is taken, ${uncounted} + ${counted} rounds`, async () => {
    const holder = await gather(scene.port, hostOf(FULL), 1);
    try {
      await waitFor('the place is taken', async () => (await scene.load()).held === 1, { timeoutMs: 10_000 });
      await settle();
      for (let round = -uncounted; round < counted; round += 1) {
        const ours = await come(scene, hostOf(FULL));
        const plainly = await come(control, 'control.test');
        crowds.push(ours.came);
        plain.push(plainly.came);
        if (round < 0) continue;
        seconds.ours += ours.cpuSeconds;
        seconds.control += plainly.cpuSeconds;
      }
    } finally {
      holder.leave();
    }
    await scene.untilQuiet();
  });
  const each = (sum: number): number => (sum * 1_000) / (count * counted);
  return {
    ...crowdsOf(crowds.slice(uncounted), plain.slice(uncounted), crowds.slice(0, uncounted)),
    cpuMs: { ours: each(seconds.ours), control: each(seconds.control) },
  };
};

/** What is still being written or closed is over. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1_500));

export const uploads = async ({ scene, visitors }: Arms, count: number, bodyBytes: number): Promise<Tally> =>
  step(`${count} POSTs of ${bodyBytes / 1_000_000} MB at once`, async () => {
    const visits = await visitors.atOnce({ port: scene.port, host: hostOf(UPLOAD), visitors: count, bodyBytes });
    await scene.untilQuiet();
    return tallyOf(visits);
  });

/** What clients came to that do as they are told. */
export interface Obedience {
  /** Of all visits. */
  readonly tally: Tally;
  readonly atOnce: number;
  readonly returned: number;
  readonly servedAtFirstReturn: number;
  readonly servedInTheEnd: number;
  readonly mostVisits: number;
  readonly seconds: number;
}

export const obedience = async ({ scene }: Pick<Arms, 'scene'>, count: number): Promise<Obedience> =>
  step(`${count} clients that obey Retry-After`, async (progress) => {
    const begun = performance.now();
    let served = 0;
    const place = { port: scene.port, host: hostOf(OBEDIENT), mostVisits: 6 };
    const onVisit = ({ status }: Visit): void => {
      if (status === 200) served += 1;
      progress(`${served} served`);
    };
    const clients = await Promise.all(Array.from({ length: count }, () => obey({ ...place, onVisit })));
    const seconds = Math.round((performance.now() - begun) / 1_000);
    await scene.untilQuiet();
    const returns = returnsOf(clients);
    return {
      tally: tallyOf(clients.flat()),
      atOnce: clients.filter(([first]) => first?.status === 200).length,
      returned: returns.returned,
      servedAtFirstReturn: returns.served,
      servedInTheEnd: clients.filter((visits) => visits.at(-1)?.status === 200).length,
      mostVisits: Math.max(...clients.map((visits) => visits.length)),
      seconds,
    };
  });

/** One after the other; how many of them were served. */
export const servesOn = async ({ scene }: Pick<Arms, 'scene'>, count: number): Promise<number> =>
  step(`Then ${count} requests, one after the other`, async () => {
    let served = 0;
    for (let asked = 0; asked < count; asked += 1) {
      if ((await ask(scene.port, hostOf(PAGE))).status === 200) served += 1;
    }
    await scene.untilQuiet();
    return served;
  });

export interface Waiting {
  readonly before: Memory;
  readonly during: Memory;
  readonly after: Memory;
  /** Who was not left to wait. */
  readonly early: number;
}

export const waiting = async ({ scene }: Pick<Arms, 'scene'>, count: number): Promise<Waiting> =>
  step(`${count} requests that wait`, async (progress) => {
    const holder = await gather(scene.port, hostOf(PATIENT), 1);
    await waitFor('the place is taken', async () => (await scene.load()).held === 1, { timeoutMs: 10_000 });
    const before = await scene.probe.settled();
    const waiters = await gather(scene.port, hostOf(PATIENT), count);
    try {
      const allWait = async (): Promise<boolean> => {
        const { waiting: now } = await scene.load();
        progress(`${now} wait`);
        return now >= count;
      };
      await waitFor(`${count} requests wait`, allWait, { timeoutMs: 40_000, intervalMs: 100 });
      const during = await scene.probe.settled();
      const early = waiters.early() + holder.early();
      waiters.leave();
      holder.leave();
      await scene.untilQuiet();
      return { before, during, after: await scene.probe.settled(), early };
    } finally {
      waiters.leave();
      holder.leave();
    }
  });
