import assert from 'node:assert/strict';

import fc from 'fast-check';

import { compareSources } from './route.ts';
import type { PathMatch, Route } from './route.ts';
import { buildTable } from './table.ts';
import { template } from './testing/resources.ts';

/** One rule of one route, as the naive model looks at it. */
interface Entry {
  readonly route: Route;
  readonly host: string | undefined;
  readonly path: PathMatch;
  readonly isDefault: boolean;
  readonly template: string;
}

const labels = fc.constantFrom('a', 'b', 'c');
const hosts = fc.array(labels, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('.'));
const patterns = fc.option(
  fc.tuple(fc.boolean(), hosts).map(([wild, host]) => (wild ? `*.${host}` : host)),
  {
    nil: undefined,
  },
);
const elements = fc.array(fc.constantFrom('x', 'y', 'xy', '', '%78'), { maxLength: 4 });
const paths = fc.tuple(elements, fc.boolean()).map(([parts, slash]) => `/${parts.join('/')}${slash ? '/' : ''}`);

const entries = fc
  .array(
    fc.record({
      host: patterns,
      path: fc.record({ type: fc.constantFrom('Exact' as const, 'PathPrefix' as const), value: paths }),
      isDefault: fc.boolean(),
      age: fc.integer({ min: 0, max: 2 }),
    }),
    { maxLength: 12 },
  )
  .map((specs) => specs.map(({ age, ...spec }, index) => entryOf(spec, age, index)));

const entryOf = (spec: Pick<Entry, 'host' | 'path' | 'isDefault'>, age: number, index: number): Entry => {
  const name = `t${String(index).padStart(2, '0')}`;
  const creationTimestamp = `2030-01-01T00:00:0${age}Z`;
  const backendRef = { kind: 'EphemeralDomainTemplate', namespace: 'default', name } as const;
  const precedence = spec.isDefault ? 'default' : 'rule';
  const route: Route = {
    source: { kind: 'Ingress', namespace: 'default', name, uid: name, creationTimestamp },
    hostnames: spec.host === undefined ? [] : [spec.host],
    rules: [{ where: 'spec', matches: [{ path: spec.path }], backendRef, precedence }],
    redirectToHttps: [],
  };
  return { ...spec, route, template: name };
};

const elementsOf = (path: string): readonly string[] => path.slice(1).split('/');

const pathMatches = ({ type, value }: PathMatch, path: string): boolean => {
  if (type === 'Exact') return value === path;
  const all = elementsOf(value);
  const wanted = all.at(-1) === '' ? all.slice(0, -1) : all;
  const given = elementsOf(path);
  return wanted.every((element, at) => given[at] === element);
};

const hostRank = (pattern: string | undefined, host: string): number | undefined => {
  if (pattern === undefined) return 2;
  if (pattern === host) return 0;
  const [, ...rest] = host.split('.');
  return pattern === ['*', ...rest].join('.') && rest.length > 0 ? 1 : undefined;
};

/** Every entry looked at, every precedence compared. */
const naive = (all: readonly Entry[], host: string, path: string): string | undefined => {
  const weigh = (entry: Entry) => {
    const rank = hostRank(entry.host, host);
    if (rank === undefined || !pathMatches(entry.path, path)) return [];
    const { type, value } = entry.path;
    const depth = value.replace(/\/$/, '').length;
    return [{ entry, weight: [Number(entry.isDefault), rank, type === 'Exact' ? 0 : 1, -depth] as const }];
  };
  const [best] = all.flatMap(weigh).toSorted((a, b) => {
    const at = a.weight.findIndex((each, index) => each !== b.weight[index]);
    return at < 0 ? compareSources(a.entry.route.source, b.entry.route.source) : a.weight[at]! - b.weight[at]!;
  });
  return best?.entry.template;
};

describe('the route table', () => {
  it('finds what a naive look at every route finds', () => {
    fc.assert(
      fc.property(entries, fc.array(fc.tuple(hosts, paths), { minLength: 1, maxLength: 8 }), (all, requests) => {
        const { table } = buildTable(
          all.map(({ route }) => route),
          (_, name) => template(name),
        );
        for (const [host, path] of requests) {
          const match = table.match({ host, path, tls: false });
          const found = match.kind === 'backend' ? match.backend.template : undefined;
          assert.equal(found, naive(all, host, path), `${host}${path}`);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('is the same in whatever order the routes come, and reports each that has lost', () => {
    fc.assert(
      fc.property(
        entries.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray([...all], { minLength: all.length }))),
        ([all, mixed]) => {
          const problemsOf = (some: readonly Entry[]) =>
            buildTable(
              some.map(({ route }) => route),
              (_, name) => template(name),
            ).problems;
          assert.deepEqual(problemsOf(mixed), problemsOf(all));
          const places = new Set(
            all.map(({ host, path, isDefault }) =>
              JSON.stringify([
                host,
                path.type,
                path.type === 'Exact' ? path.value : path.value.replace(/\/$/, ''),
                isDefault,
              ]),
            ),
          );
          assert.equal(problemsOf(all).length, all.length - places.size);
        },
      ),
      { numRuns: 500 },
    );
  });
});
