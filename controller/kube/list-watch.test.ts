import assert from 'node:assert/strict';
import { createStore } from './cache.ts';
import { KubeError } from './errors.ts';
import type { KubeErrorKind } from './errors.ts';
import { createReflector } from './list-watch.ts';
import type { ReflectorOptions } from './reflector.ts';
import type { RestClient, WatchEvent, WatchOptions, WatchStream } from './rest-client.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { THINGS } from './testing/objects.ts';
import type { Thing } from './testing/objects.ts';

function error(kind: KubeErrorKind, retryAfterSeconds?: number): KubeError {
  return new KubeError({
    error: kind,
    verb: 'watch',
    kind: 'Thing',
    ref: {},
    host: 'h',
    message: 'injected',
    retryAfterSeconds,
  });
}

/** A stream that never says anything, and ends by being closed. */
function silent(signal: AbortSignal | undefined): WatchStream<Thing> {
  const closed = Promise.withResolvers<undefined>();
  signal?.addEventListener('abort', () => closed.resolve(undefined));
  return {
    close: () => closed.resolve(undefined),
    [Symbol.asyncIterator]: async function* () {
      yield [] as WatchEvent<Thing>[];
      await closed.promise;
      throw error('aborted');
    },
  };
}

/** A reflector on an injected clock, whose watches do what `opens` says; notes when each call came. */
function reflectorOn(
  opens: (signal: AbortSignal | undefined) => Promise<WatchStream<Thing>>,
  options: Partial<ReflectorOptions<Thing>> = {},
) {
  const clock = new FakeClock();
  const at: string[] = [];
  const note = (what: string): void => void at.push(`${what} ${Math.round(clock.now())}`);
  const client = {
    server: 'https://h:1',
    list: () => {
      note('list');
      return Promise.resolve({ items: [], resourceVersion: '5' });
    },
    watch: (_type: unknown, watchOptions: WatchOptions) => {
      note('watch');
      return opens(watchOptions.signal);
    },
  } as unknown as RestClient;
  const stop = new AbortController();
  const store = createStore<Thing>();
  const reflector = createReflector({ client, type: THINGS, store, clock, random: () => 1, ...options });
  const ended = reflector.run(stop.signal);
  return { clock, at, stop, ended };
}

describe('reflector: pace (injected clock and chance)', () => {
  it('backs off from 200 ms, doubling, to 30 s while a watch cannot be opened', async () => {
    const bench = reflectorOn(() => Promise.reject(error('transport')));
    await bench.clock.advance(120_000);
    bench.stop.abort();
    await bench.ended;
    const times = [0, 200, 600, 1400, 3000, 6200, 12600, 25400, 51000, 81000, 111000];
    assert.deepEqual(bench.at, ['list 0', ...times.map((time) => `watch ${time}`)]);
  });

  it("waits at least as long as the server's Retry-After", async () => {
    const bench = reflectorOn(() => Promise.reject(error('too-many-requests', 7)));
    await bench.clock.advance(14_000);
    bench.stop.abort();
    await bench.ended;
    assert.deepEqual(bench.at, ['list 0', 'watch 0', 'watch 7000', 'watch 14000']);
  });

  it('does not ask in a tight loop a server that ends each watch at once', async () => {
    const end = {
      close: () => undefined,
      [Symbol.asyncIterator]: async function* () {
        yield await Promise.resolve([]);
      },
    };
    const bench = reflectorOn(() => Promise.resolve(end));
    await bench.clock.advance(3000);
    bench.stop.abort();
    await bench.ended;
    assert.equal(bench.at.length, 6);
  });

  it('calls a watch dead after 150 s without even a bookmark', async () => {
    const bench = reflectorOn((signal) => Promise.resolve(silent(signal)));
    await bench.clock.advance(150_300);
    bench.stop.abort();
    await bench.ended;
    assert.deepEqual(bench.at, ['list 0', 'watch 0', 'list 150200', 'watch 150200']);
  });

  it('lists anew after an expired version, backing off while that goes on', async () => {
    const bench = reflectorOn(() => Promise.reject(error('gone')));
    await bench.clock.advance(700);
    bench.stop.abort();
    await bench.ended;
    assert.deepEqual(bench.at, ['list 0', 'watch 0', 'list 200', 'watch 200', 'list 600', 'watch 600']);
  });
});
