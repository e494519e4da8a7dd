/** How long to wait between tries. */
export interface Backoff {
  readonly minMs: number;
  readonly maxMs: number;
}

/** A daemon that is restarted is back within a fraction of a second: doubling would oversleep it by as much again. */
const FACTOR = 1.5;

/**
 * The wait before the try after `failures` failed ones: minMs, half as much again with each, maxMs at most. It is drawn
 * from the upper half of that, so that many clients of one daemon do not come back at one moment. `random` gives [0, 1).
 */
export const backoffMs = ({ minMs, maxMs }: Backoff, failures: number, random: () => number): number => {
  const step = Math.min(maxMs, minMs * FACTOR ** Math.min(failures, 100));
  return step / 2 + (step / 2) * random();
};
