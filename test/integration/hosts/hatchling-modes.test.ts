import assert from 'node:assert/strict';
import { once } from 'node:events';
import { crc32 } from 'node:zlib';
import { startScene } from '#controller/ingress/proxy/testing/scene.ts';
import type { Scene } from '#controller/ingress/proxy/testing/scene.ts';
import { ensurePackages } from '#hack/bed/packages.ts';
import { buildHatchling, packages } from '#hack/guests/hatchling.ts';
import { eventually } from '#test/support/eventually.ts';
import { STARTUP_TIMEOUT_MS, sharedBed } from '#test/support/bed.ts';
import { startHatchling } from './hatchling.ts';
import type { RunningHatchling } from './hatchling.ts';

const GET = 'GET /a?b HTTP/1.1\r\nHost: a.example\r\nX-A: "\xe4"\r\n\r\n';
const postOf = (body: string): string =>
  `POST /a HTTP/1.1\r\nHost: a.example\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const soon = <T>(check: () => T | Promise<T>): Promise<T> => eventually(check, { intervalMs: 5 });

describe('hatchling behind the proxy', () => {
  let executable: string;
  let scene: Scene;
  let guest: RunningHatchling;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    await ensurePackages(packages);
    ({ executable } = await buildHatchling(await sharedBed()));
  });
  const start = async (mode: string, ...words: readonly string[]): Promise<void> => {
    guest = startHatchling(executable, ['-mode', mode, '-port', '0', '-name', 'guest-1', ...words], 30_000);
    scene = await startScene({ guestPort: await guest.port() });
  };
  afterEach(async () => {
    guest.kill('SIGKILL');
    await scene.close();
  });

  /** The whole answer to a request that closes its connection. */
  const answerTo = async (bytes: string): Promise<string> => {
    const visitor = scene.open(bytes.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    assert.equal(await visitor.ended, 'fin');
    return visitor.text();
  };
  interface Echo {
    readonly guest: string;
    readonly method: string;
    readonly target: string;
    readonly protocol: string;
    readonly times: { readonly notified: number; readonly accepted: number; readonly heard: number };
    readonly headers: readonly (readonly [string, string])[];
    readonly body: { readonly length: number; readonly crc32: string };
    readonly trailers: readonly (readonly [string, string])[];
  }
  const echoOf = (text: string): Echo => JSON.parse(text.split('\r\n\r\n')[1] ?? '') as Echo;
  const sum = (text: string): string => crc32(text).toString(16).padStart(8, '0');

  it('-mode echo says what request it got', async () => {
    await start('echo');
    const echo = echoOf(await answerTo(GET));
    assert.partialDeepStrictEqual(echo, { guest: 'guest-1', method: 'GET', target: '/a?b', trailers: [] });
    assert.equal(echo.protocol, 'HTTP/1.1');
    const { notified, accepted, heard } = echo.times;
    assert.ok(notified === 0 && accepted <= heard && heard <= Date.now() * 1000, JSON.stringify(echo.times));
    assert.deepEqual(echo.headers.slice(0, 2), [
      ['Host', 'a.example'],
      ['X-A', '"\xe4"'],
    ]);
    assert.deepEqual(echo.body, { length: 0, crc32: '00000000' });
    assert.equal((await guest.ending).code, 0);
  });

  it('-mode echo sums up a chunked body and its trailers', async () => {
    await start('echo');
    const chunks = '3\r\nabc\r\n4\r\ndefg\r\n0\r\nX-Up: 2\r\n\r\n';
    const echo = echoOf(await answerTo(`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`));
    assert.deepEqual([echo.body, echo.trailers], [{ length: 7, crc32: sum('abcdefg') }, [['X-Up', '2']]]);
  });

  it('-mode sink takes a body of any size', async () => {
    await start('sink');
    const body = 'x'.repeat(20_000_000);
    assert.match(await answerTo(postOf(body)), new RegExp(`20000000 bytes, CRC-32 ${sum(body)}\n$`));
  });

  it('-mode source gives as many bytes as it is asked for', async () => {
    await start('source', '-bytes', '20000001');
    const [, body = ''] = (await answerTo(GET)).split('\r\n\r\n');
    assert.equal(body.length, 20_000_001);
  });

  it('-mode early-413 answers before it has the body', async () => {
    await start('early-413');
    const visitor = scene.open('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n');
    assert.equal(await visitor.ended, 'fin');
    assert.match(visitor.text(), /^HTTP\/1\.1 413 [^]*it is too much/);
  });

  it('-mode vanish is gone without an answer', async () => {
    await start('vanish');
    const visitor = scene.open(GET);
    await soon(() => assert.match(visitor.text(), /^HTTP\/1\.1 502 /));
    assert.equal((await guest.ending).code, 0);
    visitor.socket.destroy();
  });

  it('-mode cut is gone within its answer, which is broken off', async () => {
    await start('cut');
    const visitor = scene.open(GET);
    assert.equal(await visitor.ended, 'reset');
    assert.partialDeepStrictEqual(scene.outcomes[0], { kind: 'failed', fault: 'guest-ended', answered: true });
  });

  it('-mode stay answers and stays', async () => {
    await start('stay');
    assert.match(await answerTo(GET), /^HTTP\/1\.1 200 /);
    await soon(() => assert.match(guest.said(), /guest-1 stays/));
  });

  it('-mode sse sends its events one by one', async () => {
    await start('sse', '-delay_ms', '100');
    const visitor = scene.open(GET);
    await soon(() => assert.match(visitor.text(), /data: 1\n\n/));
    assert.doesNotMatch(visitor.text(), /data: 5/);
    await soon(() => assert.match(visitor.text(), /data: 5\n\n\r\n0\r\n\r\n$/));
    visitor.socket.destroy();
  });

  it('-mode trailers sends one', async () => {
    await start('trailers');
    assert.match(
      await answerTo(GET),
      new RegExp(`\\r\\n0\\r\\nX-Crc32: ${sum('a body with trailers\n')}\\r\\n\\r\\n$`),
    );
  });

  it('-mode 103 sends a hint first', async () => {
    await start('103');
    assert.match(await answerTo(GET), /^HTTP\/1\.1 103 Early Hints\r\nLink: [^]*\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
  });

  it('-mode ws sends back what a WebSocket says', async () => {
    await start('ws');
    const socket = new WebSocket(`ws://127.0.0.1:${scene.front.http.port}/`);
    const heard: unknown[] = [];
    socket.addEventListener('message', ({ data }) => heard.push(data));
    await once(socket, 'open');
    socket.send('hello');
    socket.send('x'.repeat(300_000));
    await soon(() => assert.equal(heard.length, 2));
    assert.deepEqual(heard, ['hello', 'x'.repeat(300_000)]);
    socket.close(1000);
    await once(socket, 'close');
    await soon(() => assert.partialDeepStrictEqual(scene.outcomes[0], { kind: 'upgraded', protocol: 'websocket' }));
    assert.equal((await guest.ending).code, 0);
  });
});
