import assert from 'node:assert/strict';
import { createStore } from './cache.ts';
import type { KubeError } from './errors.ts';
import { createRestClient } from './http-client.ts';
import { createReflector } from './list-watch.ts';
import type { ReflectorOptions } from './reflector.ts';
import { failure, faultServer, json, list, watch, watchThenEnd, watchThenReset } from './testing/fault-server.ts';
import type { Answer, Seen } from './testing/fault-server.ts';
import { thing, THINGS } from './testing/objects.ts';
import type { Thing } from './testing/objects.ts';
import { eventually } from '#test/support/eventually.ts';

interface Run {
  readonly store: ReturnType<typeof createStore<Thing>>;
  readonly told: readonly string[];
  readonly errors: readonly KubeError[];
  readonly seen: readonly Seen[];
}

const FAST = { minMs: 1, maxMs: 4 };

/** Runs a reflector against a local server until `until` holds. */
async function reflect(
  answers: readonly Answer[],
  until: (run: Run) => void,
  options: Partial<ReflectorOptions<Thing>> = {},
): Promise<Run> {
  await using server = await faultServer(...answers);
  const client = createRestClient(server.config);
  const store = createStore<Thing>();
  const told: string[] = [];
  store.addHandlers({
    added: (object) => void told.push(`added ${object.metadata.name}`),
    updated: (object) => void told.push(`updated ${object.metadata.name}`),
    deleted: (object, how) => void told.push(`${how} ${object.metadata.name}`),
  });
  const errors: KubeError[] = [];
  const onError = (error: KubeError): void => void errors.push(error);
  const stop = new AbortController();
  const ended = createReflector({ client, type: THINGS, store, backoff: FAST, onError, ...options }).run(stop.signal);
  const run = { store, told, errors, seen: server.seen };
  try {
    await eventually(() => until(run), { timeoutMs: 5000, intervalMs: 2 });
    return run;
  } finally {
    stop.abort();
    await ended;
    await client.close();
  }
}

const added = (object: Thing) => ({ type: 'ADDED', object });
const versionsAsked = (run: Run) =>
  run.seen.map(({ url }) => (url.searchParams.has('watch') ? url.searchParams.get('resourceVersion') : 'list'));
const has = (name: string) => (run: Run) => assert.ok(run.store.get(`default/${name}`) !== undefined);

describe('reflector: list and watch (local server)', () => {
  it('asks for bookmarks and a time limit, and watches from the version of the list', async () => {
    const run = await reflect([list(5, [thing('a', 4)]), watch(added(thing('b', 6)))], has('b'));
    const { searchParams } = run.seen[1]!.url;
    assert.equal(searchParams.get('allowWatchBookmarks'), 'true');
    assert.equal(searchParams.get('resourceVersion'), '5');
    const seconds = Number(searchParams.get('timeoutSeconds'));
    assert.ok(seconds >= 300 && seconds <= 600, `timeoutSeconds=${seconds}`);
    assert.deepEqual(run.told, ['added a', 'added b']);
  });

  it('reads a list in pages, and whole when its snapshot expired between them', async () => {
    const answers = [
      list(5, [thing('a', 1)], 'n'),
      failure(410, 'Expired', 'too old'),
      list(9, [thing('a', 1), thing('b', 8)]),
      watch(),
    ];
    const run = await reflect(answers, has('b'), { pageSize: 1 });
    assert.deepEqual(
      run.seen.slice(0, 3).map(({ url }) => [url.searchParams.get('limit'), url.searchParams.get('continue')]),
      [
        ['1', null],
        ['1', 'n'],
        [null, null],
      ],
    );
  });

  it('goes on from a bookmark after the watch ends in good order', async () => {
    const bookmark = { type: 'BOOKMARK', object: { metadata: { resourceVersion: '50' } } };
    const run = await reflect([list(5, []), watchThenEnd(bookmark), watch(added(thing('b', 51)))], has('b'));
    assert.deepEqual(versionsAsked(run), ['list', '5', '50']);
    assert.deepEqual(run.errors, []);
  });

  it('tells deletions as certain without a selector, as unmatched with one', async () => {
    for (const [labelSelector, how] of [
      [undefined, 'deleted'],
      ['a=b', 'unmatched'],
    ] as const) {
      const gone = { type: 'DELETED', object: thing('a', 6) };
      const run = await reflect([list(5, [thing('a', 4)]), watch(gone)], (r) => assert.equal(r.told.length, 2), {
        labelSelector,
      });
      assert.deepEqual(run.told, ['added a', `${how} a`]);
    }
  });

  it('strips managedFields and applies the transform, whose failure costs nothing else', async () => {
    const metadata = { ...thing('a', 4).metadata, managedFields: [{ manager: 'x' }] };
    const transform = (object: Thing): Thing => {
      if (object.metadata.name === 'b') throw new Error('no');
      return { ...object, spec: { colour: 'grey' } };
    };
    const { store } = await reflect([list(5, [{ ...thing('a', 4), metadata }, thing('b', 5)]), watch()], has('b'), {
      transform,
    });
    assert.deepEqual(store.get('default/a'), thing('a', 4, { spec: { colour: 'grey' } }));
  });
});

describe('reflector: faults injected by a local server', () => {
  /** All of these keep the version: the next watch goes on where the last ended. */
  const kept: readonly [string, Answer, string][] = [
    ['a reset in the middle of a chunk', watchThenReset(added(thing('a', 6)), '{"type":"ADDED","obj'), 'transport'],
    ['429 with Retry-After', failure(429, 'TooManyRequests', 'later', { 'retry-after': '0' }), 'too-many-requests'],
    ['503 on opening', failure(503, 'ServiceUnavailable', 'no'), 'unavailable'],
    ['403 on opening', failure(403, 'Forbidden', 'no'), 'forbidden'],
    [
      'an in-stream ERROR that asks for patience',
      watch({ type: 'ERROR', object: { code: 429, reason: 'TooManyRequests' } }),
      'too-many-requests',
    ],
  ];
  for (const [what, answer, kind] of kept) {
    it(`${what}: watches again from the last version`, async () => {
      const run = await reflect([list(5, []), answer, watch(added(thing('b', 7)))], has('b'));
      const from = kind === 'transport' ? '6' : '5';
      assert.deepEqual(versionsAsked(run), ['list', '5', from]);
      assert.deepEqual(
        run.errors.map((error) => error.kind),
        [kind],
      );
    });
  }

  const lost: readonly [string, Answer, string][] = [
    ['410 in-stream', watch({ type: 'ERROR', object: { code: 410, reason: 'Expired', message: 'too old' } }), 'gone'],
    ['410 in HTTP', failure(410, 'Gone', 'too old'), 'gone'],
    ['500', failure(500, 'InternalError', 'oops'), 'internal'],
    ['an in-stream ERROR of 500', watch({ type: 'ERROR', object: { code: 500, reason: 'InternalError' } }), 'internal'],
    ['a malformed line', watch('{"type":"ADDED","object":{"metadata"\n'), 'malformed'],
    ['a line of another kind', watch('"hello"\n'), 'malformed'],
    ['an event of the past', watch(added(thing('z', 2))), 'malformed'],
    [
      "a version in the server's future",
      json(504, {
        kind: 'Status',
        code: 504,
        reason: 'Timeout',
        details: { causes: [{ reason: 'ResourceVersionTooLarge' }] },
      }),
      'server-timeout',
    ],
  ];
  for (const [what, answer, kind] of lost) {
    it(`${what}: lists anew, and what vanished meanwhile is deleted`, async () => {
      const answers = [list(5, [thing('a', 4)]), answer, list(9, [thing('b', 8)]), watch()];
      const run = await reflect(answers, (r) => assert.equal(versionsAsked(r).length, 4));
      assert.deepEqual(versionsAsked(run), ['list', '5', 'list', '9']);
      assert.deepEqual(
        run.errors.map((error) => error.kind),
        [kind],
      );
      assert.deepEqual(run.told, ['added a', 'missing a', 'added b']);
    });
  }

  it('a silent connection: closes it, and lists anew', async () => {
    const run = await reflect([list(5, []), watch(), list(6, [thing('b', 6)]), watch()], has('b'), {
      idleTimeoutMs: 30,
    });
    assert.equal(run.errors[0]?.kind, 'timeout');
    assert.match(run.errors[0].message, /not even a bookmark/);
  });

  it('a list that fails: tries until it is there', async () => {
    const answers = [
      failure(500, 'InternalError', 'a'),
      json(200, { items: 3 }),
      (response: Parameters<Answer>[0]) => response.socket?.destroy(),
    ];
    const run = await reflect([...answers, list(5, [thing('a', 4)]), watch()], has('a'));
    assert.deepEqual(
      run.errors.map((error) => error.kind),
      ['internal', 'malformed', 'transport'],
    );
  });

  it('a server restored from a backup: takes its older versions', async () => {
    const answers = [
      list(900, [thing('a', 899)]),
      failure(410, 'Expired', 'x'),
      list(30, [thing('a', 20)]),
      watch(added(thing('b', 31))),
    ];
    const run = await reflect(answers, has('b'));
    assert.equal(run.store.get('default/a')?.metadata.resourceVersion, '20');
  });
});
