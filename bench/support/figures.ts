const sorted = (values: readonly number[]): readonly number[] => [...values].sort((a, b) => a - b);

/** The value at this part (0 to 1) of the sorted ones, between two of them where it falls so. */
export const quantile = (values: readonly number[], part: number): number => {
  const all = sorted(values);
  const at = (all.length - 1) * part;
  const low = all[Math.floor(at)] ?? NaN;
  const high = all[Math.ceil(at)] ?? NaN;
  return low + (high - low) * (at - Math.floor(at));
};

/** The middle one. */
export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** `median 4812 (middle half 4650-4903, all 3210-5044)` */
export const describe = (values: readonly number[], digits: number): string => {
  const [q0, q1, q2, q3, q4] = [0, 0.25, 0.5, 0.75, 1].map((part) => quantile(values, part).toFixed(digits));
  return `median ${q2 ?? ''} (middle half ${q1 ?? ''}-${q3 ?? ''}, all ${q0 ?? ''}-${q4 ?? ''})`;
};

/** The same, begun at another one. */
export const rotate = <T>(values: readonly T[], by: number): readonly T[] => {
  const at = by % values.length;
  return [...values.slice(at), ...values.slice(0, at)];
};
