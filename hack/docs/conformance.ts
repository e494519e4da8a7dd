import type { Feature } from '#controller/ingress/routes/testing/conformance.ts';
import { cellsOf, isCode } from './tables.ts';

/** A row of docs/conformance.md. */
export interface ConformanceRow {
  readonly id: string;
  readonly feature: string;
  /** As METHOD URL. */
  readonly request: string;
  /** Who served it, or 404. */
  readonly answer: string;
  readonly result: string;
}

/** What a row of a scenario that does not apply says before it says why. */
const NOT_OURS = /^does not apply: \S/;

/** Reads the table whose first column is headed `case`. */
export function readConformance(markdown: string): readonly ConformanceRow[] {
  return markdown.split('\n').flatMap((line) => {
    const [id = '', feature = '', , request = '', answer = '', result = ''] = cellsOf(line);
    return isCode(id) ? [{ id: bare(id), feature, request: bare(request), answer: bare(answer), result }] : [];
  });
}

/** What is wrong between docs and tests, one sentence each. */
export function conformanceFaults(rows: readonly ConformanceRow[], features: readonly Feature[]): readonly string[] {
  const scenarios = features.flatMap(({ name, scenarios: all }) => all.map((one) => ({ ...one, feature: name })));
  const known = new Map(scenarios.map((scenario) => [scenario.id, scenario]));
  const ids = rows.map(({ id }) => id);
  return [
    ...ids.filter((id, i) => ids.indexOf(id) < i).map((id) => `two rows are called ${id}`),
    ...scenarios.filter(({ id }) => !ids.includes(id)).map(({ id }) => `scenario ${id} has no row`),
    ...rows.flatMap(({ id, feature, request, answer, result }) => {
      const scenario = known.get(id);
      if (scenario === undefined) {
        return NOT_OURS.test(result) ? [] : [`row ${id}: no test asks it, and it does not say why it does not apply`];
      }
      const expected = [scenario.feature, `${scenario.method} ${scenario.url}`, scenario.served ?? '404', 'passed'];
      const said = [feature, request, answer, result];
      return said.flatMap((text, i) =>
        text === expected[i] ? [] : [`row ${id}: ${text} is not ${expected[i] ?? ''}`],
      );
    }),
  ];
}

const bare = (cell: string): string => cell.replaceAll('`', '');
