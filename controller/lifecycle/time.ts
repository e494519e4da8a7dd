import type { Clock } from '#controller/kube/index.ts';

/** Wall clock in ms with fractions that grow steadily; a jump of the system's clock (NTP, a restored machine) is followed. */
export type WallClock = () => number;

const TOLERATED_MS = 20;

/** Wall time at the monotonic clock's resolution: two happenings of one process keep their order to the microsecond. */
export function createWallClock(clock: Clock): WallClock {
  let offset = clock.date().getTime() - clock.now();
  return () => {
    const coarse = clock.date().getTime();
    if (Math.abs(coarse - (offset + clock.now())) > TOLERATED_MS) offset = coarse - clock.now();
    return offset + clock.now();
  };
}

/** metav1.MicroTime: RFC 3339 with microseconds. */
export function microTime(ms: number): string {
  // Rounded: a double holds today's microseconds only nearly.
  const micros = Math.round(ms * 1000);
  const whole = Math.floor(micros / 1000);
  return new Date(whole).toISOString().replace('Z', `${String(micros - whole * 1000).padStart(3, '0')}Z`);
}

/** metav1.Time: RFC 3339 with whole seconds. */
export function secondTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** The ms of a time as the API server returns it; undefined where there is none, or none that can be read. */
export function timeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) return undefined;
  const micros = /\.\d{3}(\d{3})Z$/.exec(text)?.[1];
  return micros === undefined ? ms : ms + Number(micros) / 1000;
}

/** A span for people: 412ms, 1.532s, never below 0. */
export function spanText(ms: number): string {
  const whole = Math.max(Math.round(ms), 0);
  return whole < 1000 ? `${whole}ms` : `${(whole / 1000).toFixed(3)}s`;
}

/** When what happened, as this process saw it: wall clock ms. */
export interface Times {
  readonly requested?: number | undefined;
  readonly started?: number | undefined;
  /** Heard of its guest, found by a probe, or told by who serves its request. */
  readonly ready?: number | undefined;
  /** Told by who serves its request. */
  readonly responded?: number | undefined;
  readonly stopped?: number | undefined;
}
