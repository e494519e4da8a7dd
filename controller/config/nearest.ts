/** Edits (insert, delete, replace, swap of neighbours) between two words: Damerau's distance, restricted. */
const distance = (one: string, other: string): number => {
  const rows: number[][] = [Array.from({ length: other.length + 1 }, (_, index) => index)];
  const at = (row: number, column: number): number => rows[row]?.[column] ?? Infinity;
  for (let i = 1; i <= one.length; i += 1) {
    rows.push([i]);
    for (let j = 1; j <= other.length; j += 1) {
      const same = one[i - 1] === other[j - 1];
      const swapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      const edits = [at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (same ? 0 : 1)];
      rows[i]?.push(Math.min(...edits, swapped ? at(i - 2, j - 2) + 1 : Infinity));
    }
  }
  return at(one.length, other.length);
};

/** The known name that an unknown one was probably meant to be; undefined where none is near. */
export const nearest = (name: string, known: readonly string[]): string | undefined => {
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[-_]/g, '').slice(0, 64);
  const scored = known.map((candidate) => ({ candidate, edits: distance(plain(name), plain(candidate)) }));
  const best = scored.toSorted((one, other) => one.edits - other.edits)[0];
  return best !== undefined && best.edits <= Math.max(1, Math.floor(best.candidate.length / 3))
    ? best.candidate
    : undefined;
};
