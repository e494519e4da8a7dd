/** Cells of a table's line in Markdown; none where it is no such line. */
export function cellsOf(line: string): readonly string[] {
  if (!line.startsWith('|')) return [];
  return line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim());
}

/** Whether a cell is one span of code. */
export function isCode(cell: string): boolean {
  return /^`[^`]+`$/.test(cell);
}
