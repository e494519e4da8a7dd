import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { request as requestTls } from 'node:https';
import type { Socket } from 'node:net';
import { connect } from 'node:tls';
import { crc32 } from 'node:zlib';

import { findCondition } from '#controller/api/index.ts';
import { SECRETS } from '#controller/kube/index.ts';
import { selfSigned } from '#controller/serve/certificate.ts';
import { STARTUP_TIMEOUT_MS, TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createIngressScene, DEFAULT_CERTIFICATE, giveCertificate, pairOf } from './ingress-scene.ts';
import type { Answer, IngressScene } from './ingress-scene.ts';

interface Echo {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: { readonly length: number; readonly crc32: string };
}

const JSON_PLEASE = { Accept: 'application/json' };

/** The sum of a Server-Timing, ms. */
const timed = ({ headers }: Answer): number =>
  Array.from(String(headers['server-timing']).matchAll(/dur=([\d.]+)/g), ([, ms]) => Number(ms)).reduce(
    (sum, ms) => sum + ms,
    0,
  );

/** The real program, with a real host and real guests. */
describe('hatchery ingress on an LXC host', function () {
  this.timeout(TEST_TIMEOUT_MS);
  let scene: IngressScene;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    scene = await createIngressScene();
    await scene.serve('page', { words: '-mode http' });
    await scene.serve('echo', { words: '-mode echo' });
  });
  after(() => scene.dispose());

  it('hatches a domain, which answers with its page and is gone', async () => {
    const { status, headers, body } = await scene.ask('page');
    assert.equal(status, 200);
    const [namespace, name = ''] = String(headers['x-hatchery-domain']).split('/');
    assert.equal(namespace, scene.stage.namespace);
    assert.match(name, /^page-[0-9a-f]{16}$/);
    assert.match(body, /^<!doctype html>/i);
    const { status: end } = await scene.stage.until(name, ({ status: now }) => assert.equal(now?.phase, 'Succeeded'));
    assert.equal(end?.reason, 'PowerOff');
    assert.ok(body.includes(end.domain?.name ?? '?'));
    await scene.untilNothingIsLeft('page');
  });

  it('accounts in Server-Timing for at least 95 % of the time that its visitor waited', async () => {
    // A busy machine may delay the visitor's own reading.
    await eventually(async () => {
      const answer = await scene.ask('page');
      const share = timed(answer) / answer.headMs;
      assert.ok(share >= 0.95 && share <= 1, `${share}: ${String(answer.headers['server-timing'])}`);
    });
  });

  it('has the controller write when its guest was ready and its answer began, at no write of its own', async () => {
    // A controller on a busy machine may have stored the end by then.
    await eventually(async () => {
      const { headers } = await scene.ask('page');
      const name = String(headers['x-hatchery-domain']).split('/')[1] ?? '';
      const { status } = await scene.stage.until(name, ({ status: now }) => assert.equal(now?.phase, 'Succeeded'));
      const { requested = '', ready = '', responded = '' } = status?.timeline ?? {};
      assert.ok(requested !== '' && requested < ready && ready < responded, JSON.stringify(status?.timeline));
      assert.match(status?.spawnTime ?? '', /^[0-9.]+m?s$/);
      assert.deepEqual(findCondition(status?.conditions, 'Ready')?.reason, 'DomainStopped');
    });
    const metrics = await (await fetch(scene.ingress.metricsUrl)).text();
    assert.match(metrics, /^hatchery_ingress_timeline_messages_total\{outcome="noted"\} [1-9]/m);
  });

  it('gives each request a domain of its own, also two at once', async () => {
    const answers = await Promise.all([scene.ask('page'), scene.ask('page')]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200],
    );
    assert.equal(new Set(answers.map(({ headers }) => headers['x-hatchery-domain'])).size, 2);
  });

  const body = 'a body, '.repeat(50_000);
  const forms: readonly [string, Readonly<Record<string, string>>][] = [
    ['with a length', { 'Content-Length': String(body.length) }],
    ['in chunks', { 'Transfer-Encoding': 'chunked' }],
    ['after 100 Continue', { 'Content-Length': String(body.length), Expect: '100-continue' }],
  ];
  for (const [form, headers] of forms) {
    it(`passes a body on whole, ${form}`, async () => {
      const answer = await scene.ask('echo', { method: 'POST', path: '/in?a=1', headers, body });
      assert.equal(answer.status, 200, answer.body);
      const echo = JSON.parse(answer.body) as Echo;
      assert.deepEqual([echo.method, echo.target], ['POST', '/in?a=1']);
      assert.deepEqual(echo.body, { length: body.length, crc32: crc32(body).toString(16).padStart(8, '0') });
      assert.ok(echo.headers.some(([name]) => name.toLowerCase() === 'traceparent'));
    });
  }

  it('answers HEAD with the head alone', async () => {
    const answer = await scene.ask('page', { method: 'HEAD' });
    assert.equal(answer.status, 200);
    assert.equal(answer.body, '');
    assert.ok(Number(answer.headers['content-length']) > 0);
  });

  it('joins a WebSocket to its guest', async () => {
    await scene.serve('ws', { words: '-mode ws' });
    const asked = request({
      ...{ host: '127.0.0.1', port: scene.ingress.port, agent: false },
      headers: {
        ...{ Host: 'ws.test', Connection: 'Upgrade', Upgrade: 'websocket' },
        ...{ 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==' },
      },
    }).end();
    const [response, socket] = (await once(asked, 'upgrade')) as [IncomingMessage, Socket];
    assert.match(String(response.headers['x-hatchery-domain']), /\/ws-/);
    // A text and a close, each with a mask of zeros (RFC 6455, 5.2).
    socket.write(Buffer.from([0x81, 0x85, 0, 0, 0, 0, ...Buffer.from('hello')]));
    // The frame's head and its text may come in a read each.
    let echo = Buffer.alloc(0);
    while (echo.length < 7) {
      const [more] = (await once(socket, 'data')) as [Buffer];
      echo = Buffer.concat([echo, more]);
    }
    assert.deepEqual(echo, Buffer.from([0x81, 5, ...Buffer.from('hello')]));
    socket.write(Buffer.from([0x88, 0x80, 0, 0, 0, 0]));
    socket.resume();
    await once(socket, 'end');
    socket.end();
    await scene.untilNothingIsLeft('ws');
  });

  it('passes server-sent events on as they come', async () => {
    await scene.serve('sse', { words: '-mode sse -delay_ms 100' });
    const answer = await scene.ask('sse');
    assert.equal(answer.headers['content-type'], 'text/event-stream');
    assert.equal(answer.body.match(/^data: \d$/gm)?.length, 5);
  });

  it('starts nothing for /favicon.ico, and none for a host that it does not know', async () => {
    const before = (await scene.domains()).length;
    const icon = await scene.ask('page', { path: '/favicon.ico', headers: JSON_PLEASE });
    assert.deepEqual([icon.status, (JSON.parse(icon.body) as { reason: string }).reason], [404, 'Ignored']);
    const stranger = await scene.ask('stranger', { headers: JSON_PLEASE });
    assert.deepEqual([stranger.status, (JSON.parse(stranger.body) as { reason: string }).reason], [404, 'NoRoute']);
    assert.equal((await scene.domains()).length, before);
  });

  it('says 503 where its template is missing, in JSON where that is asked for', async () => {
    await scene.serve('missing', { words: '', hasTemplate: false });
    const page = await scene.ask('missing', { headers: { Accept: 'text/html' } });
    assert.equal(page.status, 503);
    assert.match(page.body, /^<!doctype html>/);
    const { status, headers, body: text } = await scene.ask('missing', { headers: JSON_PLEASE });
    assert.deepEqual([status, headers['content-type']], [503, 'application/json']);
    assert.partialDeepStrictEqual(JSON.parse(text), { reason: 'TemplateNotFound', phase: 'route' });
  });

  it('says 502 where its guest vanishes, soon after', async () => {
    await scene.serve('vanish', { words: '-mode vanish' });
    const { status, headers, body: text } = await scene.ask('vanish', { headers: JSON_PLEASE });
    assert.equal(status, 502);
    assert.partialDeepStrictEqual(JSON.parse(text), { reason: 'GuestEnded', phase: 'guest' });
    assert.match(String(headers['x-hatchery-domain']), /\/vanish-/);
    assert.doesNotMatch(text, /lxc-1|198\.1[89]\./);
  });

  it('tells of each request in its log', async () => {
    await scene.ask('page', { path: '/logged?secret' });
    const line = await eventually(() => {
      const found = scene.ingress.requests().find(({ path }) => path === '/logged');
      assert.ok(found !== undefined);
      return found;
    });
    const { namespace } = scene.stage;
    assert.partialDeepStrictEqual(line, {
      ...{ status: 200, method: 'GET', host: 'page.test', client: '127.0.0.1', protocol: '1.1', tls: false },
      ...{ namespace, template: 'page', tries: 1 },
    });
  });

  describe('over TLS', () => {
    const own = selfSigned(['secure.test'], new Date());
    before(async () => {
      await giveCertificate(scene.stage, 'secure', own);
      const tls = [{ hosts: ['secure.test'], secretName: 'secure' }];
      await scene.serve('secure', { words: '-mode http', tls });
      await scene.serve('strict', {
        words: '-mode http',
        tls: [{ hosts: ['strict.test'], secretName: 'secure' }],
        annotations: { 'hatchery.dev/ssl-redirect': 'true' },
      });
    });

    it('shows a host its own certificate, and serves it', async () => {
      const status = await eventually(
        () =>
          new Promise((resolve, reject) => {
            const { tlsPort: port } = scene.ingress;
            const where = { host: '127.0.0.1', port, servername: 'secure.test', ca: own.cert, agent: false };
            const asked = requestTls({ ...where, headers: { Host: 'secure.test' } }, (response) => {
              response.resume();
              resolve(response.statusCode);
            });
            asked.once('error', reject);
            asked.end();
          }),
      );
      assert.equal(status, 200);
    });

    const shownToNobody = async (): Promise<string | undefined> => {
      const socket = connect({ host: '127.0.0.1', port: scene.ingress.tlsPort, rejectUnauthorized: false });
      await once(socket, 'secureConnect');
      const shown = socket.getPeerX509Certificate()?.toString().trim();
      socket.destroy();
      return shown;
    };

    it('shows the default certificate to who names no host', async () => {
      assert.equal(await shownToNobody(), DEFAULT_CERTIFICATE.cert.trim());
    });

    it('shows another default certificate once its Secret holds one, and that on where it holds none', async () => {
      const { rest, namespace } = scene.stage;
      const [renewed, third] = [selfSigned(['localhost'], new Date()), selfSigned(['localhost'], new Date())];
      const put = (data: Readonly<Record<string, string>>) =>
        rest.patch(SECRETS, { namespace, name: 'default' }, { data });
      await put(pairOf(renewed.cert, renewed.key));
      await eventually(async () => assert.equal(await shownToNobody(), renewed.cert.trim()));
      await put(pairOf(third.cert, renewed.key));
      await eventually(() =>
        assert.ok(scene.ingress.log().some(({ message }) => message.startsWith('The default certificate cannot'))),
      );
      assert.equal(await shownToNobody(), renewed.cert.trim());
    });

    it('serves HTTP/2', async () => {
      const session = connectHttp2(`https://127.0.0.1:${scene.ingress.tlsPort}`, {
        ...{ servername: 'secure.test', ca: own.cert },
      });
      const stream = session.request({ ':authority': 'secure.test', ':path': '/' });
      const [headers] = (await once(stream, 'response')) as [Readonly<Record<string, unknown>>];
      stream.resume();
      await once(stream, 'end');
      session.close();
      assert.equal(headers[':status'], 200);
      assert.match(String(headers['x-hatchery-domain']), /\/secure-/);
    });

    it('redirects to where it serves TLS: its own port where the visitor named one, else the usual', async () => {
      const { port, tlsPort } = scene.ingress;
      const named = await scene.ask('strict', { path: '/a?b', headers: { Host: `strict.test:${port}` } });
      assert.deepEqual([named.status, named.headers.location], [308, `https://strict.test:${tlsPort}/a?b`]);
      const usual = await scene.ask('strict', { path: '/a?b' });
      assert.deepEqual([usual.status, usual.headers.location], [308, 'https://strict.test/a?b']);
    });
  });
});
