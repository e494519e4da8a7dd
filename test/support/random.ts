/** Choices that a seed repeats. */
export interface Choices {
  /** In [0, 1). */
  readonly next: () => number;
  /** A whole number from `from` to `to`, both included. */
  readonly between: (from: number, to: number) => number;
  readonly chance: (probability: number) => boolean;
  readonly oneOf: <T>(values: readonly [T, ...T[]]) => T;
}

/** mulberry32: small, fast, and the same everywhere. */
export function choicesOf(seed: number): Choices {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (from: number, to: number): number => from + Math.floor(next() * (to - from + 1));
  return {
    next,
    between,
    chance: (probability) => next() < probability,
    oneOf: (values) => values[between(0, values.length - 1)] ?? values[0],
  };
}

/** CI judges a change, so chance is to have no part in it: what a new seed would find is for whoever looks. */
const CI_SEED = 11;

/** The seed that an environment variable gives, else CI's own, else one that differs from run to run. */
export function seedFrom(variable: string): number {
  const given = Number(process.env[variable] ?? Number.NaN);
  if (Number.isInteger(given)) return given;
  return process.env['CI'] === 'true' ? CI_SEED : Math.floor(Math.random() * 2 ** 31);
}

/** A whole number above 0 that an environment variable gives, else `otherwise`. */
export function countFrom(variable: string, otherwise: number): number {
  const given = Number(process.env[variable] ?? Number.NaN);
  return Number.isInteger(given) && given > 0 ? given : otherwise;
}
