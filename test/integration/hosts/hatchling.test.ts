import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { ensurePackages } from '#hack/bed/packages.ts';
import { buildHatchling, packages } from '#hack/guests/hatchling.ts';
import { eventually } from '#test/support/eventually.ts';
import { STARTUP_TIMEOUT_MS, sharedBed } from '#test/support/bed.ts';
import { exchange, startHatchling } from './hatchling.ts';
import type { RunningHatchling } from './hatchling.ts';

const GET = 'GET /some/path?a=<b> HTTP/1.1\r\nHost: guest\r\n\r\n';

describe('hatchling as an ordinary process', () => {
  let start: (...words: readonly string[]) => RunningHatchling;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    await ensurePackages(packages);
    const { executable } = await buildHatchling(await sharedBed());
    start = (...words) => startHatchling(executable, words);
  });

  const endings = [
    {
      words: '-mode hello -name guest-1',
      code: 0,
      says: /hello, I am guest-1 at no address, Linux \S+ on \S+ with \d+ MiB; goodbye/,
    },
    { words: 'console=hvc0 quiet root=/dev/x -name g', code: 0, says: /hello, I am g at/ },
    { words: '-mode hello -ipaddr 198.18.4.21 -name g', code: 0, says: /I am g at 198\.18\.4\.21/ },
    { words: '-mode exit -code 7', code: 7, says: /leaves with 7/ },
    { words: '-mode exit -code 256', code: 0, says: /-code: cannot use "256"/ },
    { words: '-mode reboot', code: 0, says: /reboots/ },
    { words: '-mode nonsense', code: 64, says: /-mode: cannot use "nonsense"/ },
    { words: '-mode', code: 64, says: /nothing to do/ },
    { words: '-mode run -seconds 0', code: 0, says: /runs for 0 s/ },
    { words: '-mode hello -notify nowhere', code: 0, says: /-notify: cannot use "nowhere"/ },
    { words: '-mode hello -notify 198.18.0.1:0', code: 0, says: /-notify: cannot use/ },
    { words: '-mode hello -notify http://198.18.0.1/x', code: 0, says: /-notify: cannot use/ },
    { words: `-mode hello -notify http://198.18.0.1:80/${'x'.repeat(99)}`, code: 0, says: /-notify: cannot use/ },
    { words: '-mode hello -bytes 99999999999999999999', code: 0, says: /-bytes: cannot use/ },
    { words: '-mode hello -seconds -5', code: 0, says: /-seconds: cannot use/ },
    { words: '-mode hello -name a/../b', code: 0, says: /-name: cannot use/ },
    { words: `-mode hello -name ${'n'.repeat(4000)}`, code: 0, says: /-name: cannot use/ },
  ];
  for (const { words, code, says } of endings) {
    it(`"${words.slice(0, 60)}": leaves with ${code}`, async () => {
      const ending = await start(...words.split(' ')).ending;
      assert.equal(ending.code, code);
      assert.match(ending.output, says);
    });
  }

  it('crashes for real', async () => {
    const ending = await start('-mode', 'crash').ending;
    assert.equal(ending.signal, 'SIGSEGV');
  });

  it('prints as many bytes as it is asked for', async () => {
    const ending = await start('-mode', 'print', '-bytes', '3000001').ending;
    assert.equal(ending.output.length, 3_000_001);
    assert.match(ending.output, /^0\.+\n1\.+\n2\.+\n/);
  });

  for (const mode of ['hang', 'run', 'http']) {
    it(`-mode ${mode} heeds a request to shut down`, async () => {
      const guest = start('-mode', mode, '-port', '0', '-seconds', '1000');
      await eventually(() => assert.match(guest.said(), /stays|runs|listens/));
      guest.kill('SIGTERM');
      assert.equal((await guest.ending).code, 0);
    });
  }

  it('-mode deaf does not', async () => {
    const guest = start('-mode', 'deaf');
    await eventually(() => assert.match(guest.said(), /stays/));
    guest.kill('SIGTERM');
    guest.kill('SIGKILL');
    assert.equal((await guest.ending).signal, 'SIGKILL');
  });

  it('serves one request with a page that says who it is and where the time went, and leaves', async () => {
    const requested = (Date.now() / 1000 - 1.5).toFixed(6);
    const guest = start('-mode', 'http', '-port', '0', '-name', 'guest-1', '-ts_req_received', requested);
    const answer = await exchange(await guest.port(), GET);
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(answer, /\r\nConnection: close\r\n/);
    assert.match(answer, /I am <b>guest-1<\/b>/);
    assert.match(answer, /<code>\/some\/path\?a=&#60;b&#62;<\/code>/);
    const total = Number(/in all<td class=n>([\d.]+) ms/.exec(answer)?.[1]);
    assert.ok(total >= 1500 && total < 11_500, `total ${total} ms`);
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    assert.equal(Number(/Content-Length: (\d+)/.exec(head)?.[1]), body.length);
    assert.equal((await guest.ending).code, 0);
  });

  it('is not taken in by a probe that connects and asks nothing, nor by what is no HTTP', async () => {
    const guest = start('-mode', 'http', '-port', '0');
    const port = await guest.port();
    const probe = connect({ host: '127.0.0.1', port });
    await once(probe, 'connect');
    probe.destroy();
    const silent = connect({ host: '127.0.0.1', port });
    // The guest is gone while this one is still open: it is reset then.
    silent.on('error', (error: NodeJS.ErrnoException) => assert.equal(error.code, 'ECONNRESET'));
    await once(silent, 'connect');
    assert.match(await exchange(port, 'nonsense\r\n\r\n'), /^HTTP\/1\.1 400 /);
    assert.match(await exchange(port, `GET /${'a'.repeat(9000)}`), /^HTTP\/1\.1 431 /);
    assert.match(await exchange(port, 'HEAD / HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/);
    assert.equal((await guest.ending).code, 0);
    silent.destroy();
  });

  it('answers slowly when asked to', async () => {
    const guest = start('-mode', 'slow', '-delay_ms', '400', '-port', '0');
    const port = await guest.port();
    const began = performance.now();
    await exchange(port, GET);
    assert.ok(performance.now() - began >= 400);
  });

  it('-shutdown_after ends one that nobody asks', async () => {
    const ending = await start('-mode', 'http', '-port', '0', '-shutdown_after', '0.2').ending;
    assert.equal(ending.code, 2);
    assert.match(ending.output, /no visitor/);
  });

  it('tells the notified host that it is ready, and goes on trying until that one listens', async () => {
    const server = createServer((socket) => {
      socket.once('data', (data) => {
        received = data.toString();
        socket.destroy();
      });
    });
    let received = '';
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const guest = start('-mode', 'http', '-port', '0', '-name', 'guest-1', '-notify', `127.0.0.1:${port}`);
    const own = await guest.port();
    server.listen(port, '127.0.0.1');
    await eventually(() => assert.equal(received, 'POST /ready/guest-1 HTTP/1.0\r\n\r\n'));
    server.close();
    assert.match(await exchange(own, GET), /the host was told that we are ready/);
  });

  it('tells the notified host its exit code, again and again until that one says that it is stored', async () => {
    const received: string[] = [];
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', (data) => {
        received.push(data.toString());
        const status = ['503 Service Unavailable', undefined, '200 OK'][received.length - 1];
        socket.end(status === undefined ? '' : `HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/0123456789abcdef`;
    const ending = await start('-mode', 'exit', '-code', '3', '-name', 'guest-1', '-notify', url).ending;
    server.close();
    assert.equal(ending.code, 3);
    const request =
      'POST /0123456789abcdef/exit/guest-1 HTTP/1.0\r\nContent-Length: 23\r\n\r\n3\nguest-1 leaves with 3';
    assert.deepEqual(received, [request, request, request]);
  });

  it('does not insist where the notified host will not have its exit code', async () => {
    const server = createServer((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 409 Conflict\r\n\r\n'));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const ending = await start('-mode', 'exit', '-code', '3', '-notify', `127.0.0.1:${port}`).ending;
    server.close();
    assert.match(ending.output, /its exit code was not taken: 409/);
  });
});
