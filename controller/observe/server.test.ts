import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';

import { Counter, Registry } from 'prom-client';

import { createRegistry } from './metrics.ts';
import { startObserveServer } from './server.ts';
import type { Health, ObserveServer } from './server.ts';

describe('the server for metrics and probes', () => {
  let server: ObserveServer;
  let url: string;
  let ready: Health;
  let term: Registry;

  beforeEach(async () => {
    ready = { ok: false, why: 'starting' };
    term = new Registry();
    const base = createRegistry('1.2.3');
    server = await startObserveServer({
      address: { host: '127.0.0.1', port: 0 },
      registries: () => [base, term],
      alive: () => ({ ok: true }),
      ready: () => ready,
      onError: (error) => assert.fail(String(error)),
    });
    url = `http://127.0.0.1:${server.address.port}`;
  });

  afterEach(() => server.close());

  const get = async (path: string, method = 'GET'): Promise<readonly [number, string]> => {
    const response = await fetch(`${url}${path}`, { method });
    return [response.status, await response.text()];
  };

  it('is alive from its start', async () => {
    assert.deepEqual(await get('/healthz'), [200, 'ok\n']);
  });

  it('is ready only when it is said to be, and says why it is not', async () => {
    assert.deepEqual(await get('/readyz'), [503, 'starting\n']);
    ready = { ok: true };
    assert.deepEqual(await get('/readyz?verbose'), [200, 'ok\n']);
  });

  it('serves the metrics of the process and those of the term that is on', async () => {
    new Counter({ name: 'first_total', help: 'x', registers: [term] }).inc();
    assert.match((await get('/metrics'))[1], /^first_total 1$/m);
    term = new Registry();
    new Counter({ name: 'second_total', help: 'x', registers: [term] }).inc(2);
    const [status, text] = await get('/metrics');
    assert.equal(status, 200);
    assert.match(text, /^second_total 2$/m);
    assert.match(text, /^hatchery_build_info\{version="1.2.3",node="v[0-9.]+"\} 1$/m);
    assert.match(text, /^process_cpu_seconds_total /m);
    assert.doesNotMatch(text, /first_total/);
  });

  it('refuses other paths and methods', async () => {
    assert.equal((await get('/'))[0], 404);
    assert.equal((await get('/metrics', 'POST'))[0], 405);
  });

  it('fails with the system error where the address is taken', async () => {
    const second = startObserveServer({
      address: { host: '127.0.0.1', port: server.address.port },
      registries: () => [],
      alive: () => ready,
      ready: () => ready,
      onError: () => undefined,
    });
    await assert.rejects(second, { code: 'EADDRINUSE' });
  });

  it('closes though a client keeps its connection open and says nothing', async () => {
    const socket = connect(server.address.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\n');
    socket.on('error', () => undefined);
    const closed = once(socket, 'close');
    await server.close();
    await closed;
  });
});
