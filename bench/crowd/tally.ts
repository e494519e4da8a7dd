import { median, quantile } from '../support/figures.ts';

/** How one visit ended. Milliseconds from before connect(). */
export interface Visit {
  /** 0: no head of an answer came. */
  readonly status: number;
  /** Seconds. */
  readonly retryAfter: number | undefined;
  readonly headMs: number | undefined;
  readonly wholeMs: number | undefined;
  /** How long the server says that it had the request before it had a place, or was refused one. */
  readonly serverMs: number | undefined;
  /** cut: the connection ended before the answer did; hung: neither did in time. */
  readonly end: 'whole' | 'cut' | 'hung';
}

/** What a crowd's visits came to. */
export interface Tally {
  readonly visits: number;
  readonly served: number;
  readonly refused: number;
  readonly cut: number;
  readonly hung: number;
  /** Whole answers other than 200 and 503, by status. */
  readonly others: Readonly<Record<string, number>>;
  readonly withoutRetryAfter: number;
}

/** A request that waits in the queue before it is refused waits for seconds; what is refused sooner was on its arrival. */
const ON_ARRIVAL_MS = 1_000;

/** Reads a line of visitors.c. */
export const parseVisit = (line: string): Visit => {
  const [status, after, headUs, wholeUs, serverUs, end] = line.split(' ');
  if (end !== 'whole' && end !== 'cut' && end !== 'hung') throw new Error(`not a line of visitors: ${line}`);
  const orNone = (text: string | undefined, per: number): number | undefined =>
    Number(text) < 0 ? undefined : Number(text) / per;
  return {
    status: Number(status),
    retryAfter: orNone(after, 1),
    headMs: orNone(headUs, 1_000),
    wholeMs: orNone(wholeUs, 1_000),
    serverMs: orNone(serverUs, 1_000),
    end,
  };
};

export const tallyOf = (visits: readonly Visit[]): Tally => {
  const whole = visits.filter(({ end }) => end === 'whole');
  const others: Record<string, number> = {};
  for (const { status } of whole) {
    if (status !== 200 && status !== 503) others[status] = (others[status] ?? 0) + 1;
  }
  const refused = whole.filter(({ status }) => status === 503);
  return {
    visits: visits.length,
    served: whole.filter(({ status }) => status === 200).length,
    refused: refused.length,
    cut: visits.filter(({ end }) => end === 'cut').length,
    hung: visits.filter(({ end }) => end === 'hung').length,
    others,
    withoutRetryAfter: refused.filter(({ retryAfter }) => retryAfter === undefined).length,
  };
};

/** What must not be in a tally, in words. */
export const faultsOf = (part: string, { cut, hung, others, withoutRetryAfter }: Tally): readonly string[] => {
  const counts: readonly (readonly [number, string])[] = [
    [cut, 'cut'],
    [hung, 'hung'],
    [withoutRetryAfter, '503 without Retry-After'],
    ...Object.entries(others).map(([status, count]) => [count, `answered ${status}`] as const),
  ];
  return counts.filter(([count]) => count > 0).map(([count, what]) => `${part}: ${count} ${what}`);
};

/** Those who were refused without having waited in the queue. */
export const arrivalRefusals = (visits: readonly Visit[]): readonly Visit[] =>
  visits.filter(
    ({ status, end, serverMs }) => status === 503 && end === 'whole' && (serverMs ?? Infinity) < ON_ARRIVAL_MS,
  );

/** Median and the slowest hundredth, ms. */
export const spread = (
  times: readonly number[],
): { readonly n: number; readonly p50: number; readonly p99: number } => ({
  n: times.length,
  p50: tenth(quantile(times, 0.5)),
  p99: tenth(quantile(times, 0.99)),
});

/** The same of all crowds, and the slowest hundredth of each, in their order, with the median: a goal is about one crowd. */
export const spreadOfCrowds = (
  crowds: readonly (readonly number[])[],
): ReturnType<typeof spread> & {
  readonly crowd_p99: { readonly median: number; readonly each: readonly number[] };
} => {
  const each = crowds.map((times) => spread(times).p99);
  return { ...spread(crowds.flat()), crowd_p99: { median: tenth(median(each)), each } };
};

/** The visits of one obedient client: its first, and each return after the time that it was told. */
export type Client = readonly Pick<Visit, 'status' | 'retryAfter'>[];

/** How many came back because they were sent away, and how many of those were served then. */
export const returnsOf = (clients: readonly Client[]): { readonly returned: number; readonly served: number } => {
  const returned = clients.filter(([first, second]) => first?.status === 503 && second !== undefined);
  return { returned: returned.length, served: returned.filter(([, second]) => second?.status === 200).length };
};

export const tenth = (value: number): number => Math.round(value * 10) / 10;
