import assert from 'node:assert/strict';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

import { systemClock } from '#controller/kube/index.ts';
import { eventually } from '#test/support/eventually.ts';
import { awaitAnswer, connectGuest } from './connect.ts';

const HERE = '127.0.0.1';

const listen = (server: Server, port = 0): Promise<number> =>
  new Promise((resolve) => server.listen(port, HERE, () => resolve((server.address() as AddressInfo).port)));
const close = (server: Server) => new Promise((resolve) => server.close(resolve));

describe('connectGuest', () => {
  it('tries until somebody listens, within milliseconds; the guest sees one connection, which is handed over', async () => {
    const guests: Socket[] = [];
    const server = createServer((socket) => guests.push(socket));
    const port = await listen(server);
    await close(server);
    const connecting = connectGuest(HERE, port, systemClock, new AbortController().signal);
    const late = createServer((socket) => guests.push(socket));
    await listen(late, port);
    const listening = performance.now();
    const socket = await connecting;
    assert.ok(performance.now() - listening < 1_000);
    socket?.write('hello');
    await eventually(() => assert.equal(guests.length, 1));
    const told = new Promise((resolve) => guests[0]?.once('data', (bytes) => resolve(bytes.toString())));
    assert.equal(await told, 'hello');
    socket?.destroy();
    await close(late);
  });

  it('gives up on a connection that nobody answers, and begins anew until the signal aborts', async () => {
    const stop = new AbortController();
    const begun: number[] = [];
    const clock = {
      ...systemClock,
      after: (ms: number, callback: () => void) => {
        begun.push(ms);
        return systemClock.after(ms, callback);
      },
    };
    // TEST-NET-1: nobody is there, or nothing leads there.
    const connecting = connectGuest('192.0.2.1', 9, clock, stop.signal);
    await eventually(() => assert.ok(begun.length >= 4));
    stop.abort();
    assert.equal(await connecting, undefined);
    assert.ok(
      begun.every((ms) => ms <= 25),
      String(begun),
    );
  });

  it('an error on the connection after it was handed over ends no process', async () => {
    const server = createServer((guest) => guest.once('data', () => guest.resetAndDestroy()));
    const socket = await connectGuest(HERE, await listen(server), systemClock, new AbortController().signal);
    socket?.write('x');
    await eventually(() => assert.ok(socket?.destroyed === true));
    await close(server);
  });
});

describe('awaitAnswer', () => {
  it('asks until the answer is well', async () => {
    let asked = 0;
    const server = createHttpServer((_, response) => {
      asked += 1;
      response.writeHead(asked < 3 ? 503 : 204).end();
    });
    const what = { address: HERE, port: await listen(server), path: '/healthy' };
    assert.equal(await awaitAnswer(what, 10, systemClock, new AbortController().signal), true);
    assert.equal(asked, 3);
    await close(server);
  });

  it('ends when the signal aborts', async () => {
    const stop = new AbortController();
    const awaiting = awaitAnswer({ address: HERE, port: 9, path: '/' }, 10, systemClock, stop.signal);
    stop.abort();
    assert.equal(await awaiting, false);
  });
});
