import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { Registry } from 'prom-client';
import { isKubeError, KubeError } from './errors.ts';
import { createRestClient } from './http-client.ts';
import { createKubeMetrics } from './metrics.ts';
import type { RestClient, RestClientOptions } from './rest-client.ts';
import { NAMESPACES } from './resources.ts';
import { failure, faultServer, json, list, SECRET } from './testing/fault-server.ts';
import type { Answer, FaultServer } from './testing/fault-server.ts';
import { thing, THINGS } from './testing/objects.ts';

/** Runs a test against a local server that answers as told. */
async function withServer(
  answers: readonly Answer[],
  test: (client: RestClient, server: FaultServer) => Promise<void>,
  options: RestClientOptions = {},
): Promise<void> {
  await using server = await faultServer(...answers);
  const client = createRestClient(server.config, options);
  try {
    await test(client, server);
  } finally {
    await client.close();
  }
}

async function failureOf(promise: Promise<unknown>): Promise<KubeError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof KubeError, inspect(error));
    return error;
  }
  throw new Error('the call should have failed');
}

const A = { namespace: 'default', name: 'a' };
const PATH = '/apis/test.example/v1/namespaces/default/things';

describe('REST client: what is sent (local server)', () => {
  const cases: readonly [string, (client: RestClient) => Promise<unknown>, Readonly<Record<string, unknown>>][] = [
    ['get', (c) => c.get(THINGS, A), { method: 'GET', path: `${PATH}/a` }],
    ['get without namespace', (c) => c.get(NAMESPACES, { name: 'x' }), { method: 'GET', path: '/api/v1/namespaces/x' }],
    [
      'create',
      (c) => c.create(THINGS, { metadata: A, spec: { colour: 'red' } }),
      {
        method: 'POST',
        path: PATH,
        type: 'application/json',
        body: { apiVersion: 'test.example/v1', kind: 'Thing', metadata: A, spec: { colour: 'red' } },
      },
    ],
    ['replace', (c) => c.replace(THINGS, thing('a', 1)), { method: 'PUT', path: `${PATH}/a`, body: thing('a', 1) }],
    [
      'patch',
      (c) => c.patch(THINGS, A, { spec: { colour: null } }),
      { method: 'PATCH', path: `${PATH}/a`, type: 'application/merge-patch+json', body: { spec: { colour: null } } },
    ],
    [
      'patchStatus',
      (c) => c.patchStatus(THINGS, A, { metadata: { resourceVersion: '7' } }),
      { method: 'PATCH', path: `${PATH}/a/status`, body: { metadata: { resourceVersion: '7' } } },
    ],
    [
      'delete with preconditions',
      (c) =>
        c.delete(THINGS, A, { preconditions: { uid: 'u', resourceVersion: '7' }, propagationPolicy: 'Background' }),
      {
        method: 'DELETE',
        path: `${PATH}/a`,
        body: {
          apiVersion: 'v1',
          kind: 'DeleteOptions',
          preconditions: { uid: 'u', resourceVersion: '7' },
          propagationPolicy: 'Background',
        },
      },
    ],
  ];
  for (const [name, call, expected] of cases) {
    it(`${name}: method, path, type and body`, () =>
      withServer([json(200, thing('a', 1))], async (client, server) => {
        await call(client);
        const [seen] = server.seen;
        const got: Record<string, unknown> = {
          method: seen?.method,
          path: seen?.url.pathname,
          type: seen?.headers['content-type'],
          body: seen?.body === '' ? undefined : (JSON.parse(seen?.body ?? '') as unknown),
        };
        for (const [field, value] of Object.entries(expected)) assert.deepEqual(got[field], value);
        assert.equal(seen?.headers.authorization, `Bearer ${SECRET}`);
      }));
  }

  it('list: all namespaces, selectors, limit and the next page', () =>
    withServer([list(5, [{ metadata: thing('a', 1).metadata }], 'next'), list(5, [])], async (client, server) => {
      const selection = { labelSelector: 'a=b,c', fieldSelector: 'metadata.name=a' };
      const page = await client.list(THINGS, { ...selection, limit: 1 });
      assert.deepEqual([page.continue, page.resourceVersion], ['next', '5']);
      assert.deepEqual(page.items[0]?.kind, 'Thing');
      await client.list(THINGS, { ...selection, limit: 1, continue: page.continue });
      assert.equal(server.seen[0]?.url.pathname, '/apis/test.example/v1/things');
      assert.equal(
        server.seen[1]?.url.search,
        '?labelSelector=a%3Db%2Cc&fieldSelector=metadata.name%3Da&limit=1&continue=next',
      );
    }));

  it('uses few connections for many calls', () =>
    withServer(
      [json(200, thing('a', 1))],
      async (client, server) => {
        await Promise.all(Array.from({ length: 50 }, () => client.get(THINGS, A)));
        assert.equal(server.seen.length, 50);
        assert.ok(server.connections <= 4, `${server.connections} connections`);
      },
      { connections: 4 },
    ));

  for (const name of ['', '.', '..', 'a/b', 'a%2fb']) {
    it(`sends nothing for the name '${name}'`, () =>
      withServer([json(200, {})], async (client, server) => {
        const error = await failureOf(client.delete(THINGS, { namespace: 'default', name }));
        assert.deepEqual([error.kind, error.mayHaveRun, server.seen.length], ['bad-request', false, 0]);
      }));
  }
});

describe('REST client: what went wrong (local server)', () => {
  const answers: readonly [number, string, string][] = [
    [400, 'BadRequest', 'bad-request'],
    [401, 'Unauthorized', 'unauthorized'],
    [403, 'Forbidden', 'forbidden'],
    [404, 'NotFound', 'not-found'],
    [409, 'Conflict', 'conflict'],
    [409, 'AlreadyExists', 'already-exists'],
    [410, 'Expired', 'gone'],
    [413, 'RequestEntityTooLarge', 'too-large'],
    [422, 'Invalid', 'invalid'],
    [429, 'TooManyRequests', 'too-many-requests'],
    [500, 'InternalError', 'internal'],
    [500, 'ServerTimeout', 'server-timeout'],
    [503, 'ServiceUnavailable', 'unavailable'],
    [504, 'Timeout', 'server-timeout'],
  ];
  for (const [status, reason, kind] of answers) {
    it(`${status} ${reason} is '${kind}'`, () =>
      withServer([failure(status, reason, 'the sentence', { 'retry-after': '3' })], async (client) => {
        const error = await failureOf(client.patch(THINGS, A, {}));
        assert.deepEqual([error.kind, error.status, error.reason], [kind, status, reason]);
        assert.deepEqual([error.serverMessage, error.retryAfterSeconds], ['the sentence', 3]);
        assert.equal(error.mayHaveRun, status >= 500);
        assert.match(error.message, /^patch Thing default\/a at 127\.0\.0\.1:\d+: /);
      }));
  }

  it("a proxy's page is told by its text", () => {
    const page: Answer = (response) => void response.writeHead(502).end('<h1>Bad gateway</h1>');
    return withServer([page], async (client) => {
      const error = await failureOf(client.get(THINGS, A));
      assert.deepEqual([error.kind, error.serverMessage], ['unavailable', '<h1>Bad gateway</h1>']);
    });
  });

  it('an answer that is not JSON is malformed', () =>
    withServer([(response) => void response.end('<html>')], async (client) => {
      assert.equal((await failureOf(client.get(THINGS, A))).kind, 'malformed');
    }));

  it('a reset in the middle of the answer is transport, and a write may have run', () => {
    const cut: Answer = (response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"kind"', () => response.socket?.resetAndDestroy());
    };
    return withServer([cut], async (client) => {
      const error = await failureOf(client.patch(THINGS, A, {}));
      assert.deepEqual([error.kind, error.mayHaveRun], ['transport', true]);
    });
  });

  it('no server is transport, and a write has not run', async () => {
    const server = await faultServer(json(200, {}));
    await server[Symbol.asyncDispose]();
    const client = createRestClient(server.config);
    const error = await failureOf(client.patch(THINGS, A, {}));
    assert.deepEqual([error.kind, error.mayHaveRun], ['transport', false]);
    assert.match(error.message, /ECONNREFUSED/);
    await client.close();
  });

  it('silence is a timeout; the dead connection is closed and the next call gets a new one', () => {
    const silent: Answer = () => undefined;
    return withServer([silent, json(200, thing('a', 1))], async (client, server) => {
      const error = await failureOf(client.patch(THINGS, A, {}, { timeoutMs: 50 }));
      assert.deepEqual([error.kind, error.mayHaveRun], ['timeout', true]);
      await client.get(THINGS, A);
      assert.deepEqual([server.connections, server.open], [2, 1]);
    });
  });

  it('after silence no other connection of before is trusted', () => {
    const silent: Answer = (response, request) => {
      if (request.method === 'GET') json(200, thing('a', 1))(response, request);
    };
    return withServer([silent], async (client, server) => {
      await Promise.all([client.get(THINGS, A), client.get(THINGS, A), client.get(THINGS, A)]);
      const before = server.connections;
      await failureOf(client.patch(THINGS, A, {}, { timeoutMs: 50 }));
      await client.get(THINGS, A);
      assert.equal(server.connections, before + 1);
    });
  });

  it('a timeout while queued sends nothing', () => {
    const silent: Answer = () => undefined;
    return withServer(
      [silent],
      async (client, server) => {
        const first = failureOf(client.get(THINGS, A, { timeoutMs: 300 }));
        const second = await failureOf(client.patch(THINGS, A, {}, { timeoutMs: 50 }));
        assert.deepEqual([second.kind, second.mayHaveRun], ['timeout', false]);
        await first;
        assert.equal(server.seen.length, 1);
      },
      { connections: 1 },
    );
  });

  it("the caller's signal aborts", () =>
    withServer([() => undefined], async (client) => {
      const stop = new AbortController();
      const failed = failureOf(client.get(THINGS, A, { signal: stop.signal }));
      stop.abort();
      assert.equal((await failed).kind, 'aborted');
      assert.equal((await failureOf(client.get(THINGS, A, { signal: stop.signal }))).kind, 'aborted');
    }));

  it('more calls than may be pending fail at once', () =>
    withServer(
      [() => undefined],
      async (client) => {
        const first = failureOf(client.get(THINGS, A, { timeoutMs: 50 }));
        assert.equal((await failureOf(client.get(THINGS, A))).kind, 'overloaded');
        await first;
      },
      { maxPending: 1 },
    ));

  it('credentials that cannot be had send nothing', async () => {
    await using server = await faultServer(json(200, {}));
    const credentials = (): Promise<never> => Promise.reject(new Error('helper not found'));
    const client = createRestClient({ ...server.config, credentials });
    const error = await failureOf(client.patch(THINGS, A, {}));
    assert.deepEqual([error.kind, error.mayHaveRun, server.seen.length], ['credentials', false, 0]);
    await client.close();
  });

  it('credentials that never come are a timeout, and send nothing', async () => {
    await using server = await faultServer(json(200, {}));
    const credentials = (): Promise<never> => new Promise(() => undefined);
    const client = createRestClient({ ...server.config, credentials });
    const error = await failureOf(client.patch(THINGS, A, {}, { timeoutMs: 20 }));
    assert.deepEqual([error.kind, error.mayHaveRun, server.seen.length], ['timeout', false, 0]);
    await client.close();
  });

  it('no error shows the token', () =>
    withServer([failure(403, 'Forbidden', 'no'), (response) => response.socket?.destroy()], async (client) => {
      for (let i = 0; i < 2; i++) {
        const error = await failureOf(client.get(THINGS, A));
        assert.ok(!inspect(error, { depth: 20, showHidden: true }).includes(SECRET), inspect(error, { depth: 20 }));
      }
    }));

  it('each call is counted by code, method and host', async () => {
    const registry = new Registry();
    const metrics = createKubeMetrics(registry);
    await withServer(
      [json(200, thing('a', 1)), failure(404, 'NotFound', 'no'), (response) => response.socket?.destroy()],
      async (client) => {
        await client.get(THINGS, A);
        for (let i = 0; i < 2; i++) assert.ok(isKubeError(await failureOf(client.get(THINGS, A))));
      },
      { metrics },
    );
    const counted = await registry.getSingleMetric('rest_client_requests_total')?.get();
    assert.deepEqual(
      counted?.values.map((each) => [each.labels['code'], each.labels['method'], each.value]),
      [
        ['200', 'GET', 1],
        ['404', 'GET', 1],
        ['<error>', 'GET', 1],
      ],
    );
  });
});
