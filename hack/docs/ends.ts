import { cellsOf, isCode } from './tables.ts';

/** A test that a row of docs/lifecycle.md names: which kind of host it runs on, and its file. */
export interface NamedTest {
  readonly kind: string;
  readonly path: string;
}

/** A row of a table of ends. */
export interface EndRow {
  readonly id: string;
  /** All words in code of the row that may be a reason. */
  readonly reasons: readonly string[];
  readonly tests: readonly NamedTest[];
}

/** What docs/lifecycle.md says. */
export interface EndTables {
  readonly ends: readonly EndRow[];
  /** Rows of the tables of reasons. */
  readonly reasons: readonly string[];
}

/** Where tests of a kind lie: what a row calls a test says where it is. */
const FOLDERS: Readonly<Record<string, string>> = {
  test: 'test/integration/',
  LXC: 'test/lxc/',
  Xen: 'test/xen/',
  unit: 'controller/',
};

/** Reads the tables whose first column is headed `end` or `reason`; other tables are nobody's concern here. */
export function readEndTables(markdown: string): EndTables {
  const ends: EndRow[] = [];
  const reasons: string[] = [];
  let heading: string | undefined;
  for (const line of markdown.split('\n')) {
    const cells = cellsOf(line);
    const [first] = cells;
    if (first === undefined) heading = undefined;
    else if (heading === undefined) heading = first;
    else if (heading === 'end' && isCode(first)) ends.push(endRow(first.slice(1, -1), cells));
    else if (heading === 'reason' && isCode(first)) reasons.push(first.slice(1, -1));
  }
  return { ends, reasons };
}

/** Ids of the rows that the tests of a file name: `[end: host-rebooted]`, `[end: a, b]`. */
export function endsNamedIn(source: string): readonly string[] {
  const named = Array.from(source.matchAll(/\[end: ([a-z0-9-]+(?:, [a-z0-9-]+)*)\]/g), ([, ids = '']) =>
    ids.split(', '),
  );
  return [...new Set(named.flat())];
}

/**
 * What is wrong between docs and tests, one sentence each: `sources` are the test files by path, `reasons` the closed set
 * of the code.
 */
export function endFaults(
  tables: EndTables,
  sources: ReadonlyMap<string, string>,
  reasons: readonly string[],
): readonly string[] {
  const named = new Map(Array.from(sources, ([path, source]) => [path, endsNamedIn(source)]));
  const rows = new Map(tables.ends.map((row) => [row.id, row]));
  return [
    ...repeated(tables.ends.map(({ id }) => id)).map((id) => `two rows are called ${id}`),
    ...tables.ends.flatMap((row) => rowFaults(row, named)),
    ...Array.from(named).flatMap(([path, ids]) => testFaults(path, ids, rows)),
    ...tables.ends.flatMap(({ id, reasons: said }) =>
      said
        .filter((reason) => !reasons.includes(reason))
        .map((reason) => `row ${id}: ${reason} is no reason of the code`),
    ),
    ...reasons.filter((reason) => !tables.reasons.includes(reason)).map((reason) => `reason ${reason} has no row`),
    ...tables.reasons
      .filter((reason) => !reasons.includes(reason))
      .map((reason) => `${reason} is no reason of the code`),
  ];
}

function rowFaults({ id, tests }: EndRow, named: ReadonlyMap<string, readonly string[]>): readonly string[] {
  if (tests.length === 0) return [`row ${id} names no test`];
  return tests.flatMap(({ kind, path }) => {
    const folder = FOLDERS[kind];
    if (folder === undefined) return [`row ${id}: ${kind} is no kind of test (${Object.keys(FOLDERS).join(', ')})`];
    if (!path.startsWith(folder)) return [`row ${id}: ${path} is no ${kind} test, those lie in ${folder}`];
    return named.get(path)?.includes(id) === true ? [] : [`row ${id}: no test in ${path} is called [end: ${id}]`];
  });
}

function testFaults(path: string, ids: readonly string[], rows: ReadonlyMap<string, EndRow>): readonly string[] {
  return ids.flatMap((id) => {
    const row = rows.get(id);
    if (row === undefined) return [`${path} names [end: ${id}], which has no row`];
    return row.tests.some((test) => test.path === path) ? [] : [`row ${id} does not name ${path}`];
  });
}

function endRow(id: string, cells: readonly string[]): EndRow {
  const words = cells
    .slice(1)
    .flatMap((cell) => Array.from(cell.matchAll(/`([A-Z][A-Za-z]+)`/g), ([, word = '']) => word));
  const links = Array.from((cells.at(-1) ?? '').matchAll(/\[([^\]]+)\]\(\.\.\/([^)]+)\)/g));
  return { id, reasons: words, tests: links.map(([, kind = '', path = '']) => ({ kind, path })) };
}

function repeated(words: readonly string[]): readonly string[] {
  return words.filter((word, index) => words.indexOf(word) < index);
}
