import assert from 'node:assert/strict';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

import { eventually } from '#test/support/eventually.ts';
import type { ExitReport, Guest, Receiver, Reception } from './index.ts';
import { startNotifyServer } from './server.ts';
import type { NotifyServer } from './server.ts';
import { createToken, isToken } from './token.ts';

const ADDRESS = '127.0.0.7';
const NAME = 'edom-127-0-0-7';
const GUARDED = 'edom-127-0-0-8';

describe('the notify server', () => {
  let server: NotifyServer;
  let lines: Readonly<Record<string, unknown>>[];
  let heard: (readonly [string, 'ready' | ExitReport])[];
  let reception: Reception;
  let token: string;
  let detach: () => void;

  const guest = (name: string): Guest => ({
    ready: () => {
      heard.push([name, 'ready']);
      return Promise.resolve(reception);
    },
    exit: (report) => {
      heard.push([name, report]);
      return Promise.resolve(reception);
    },
  });
  const receiver: Receiver = {
    admit: ({ name, peer, token: shown }) => {
      const home = name === NAME ? ADDRESS : '127.0.0.8';
      if (name === 'edom-127-0-0-9') return Promise.reject(new Error('a fault of ours'));
      if (name !== NAME && name !== GUARDED) return Promise.resolve({ kind: 'unknown' });
      const isIt = peer === home && isToken(shown, name === GUARDED ? token : undefined);
      return Promise.resolve(isIt ? { kind: 'guest', guest: guest(name) } : { kind: 'stranger', why: 'not it' });
    },
  };

  beforeEach(async () => {
    [lines, heard, reception, token] = [[], [], 'stored', createToken()];
    const write = (message: string, fields?: Readonly<Record<string, unknown>>) => lines.push({ message, ...fields });
    const logger = { debug: write, info: write, warn: write, error: write };
    server = await startNotifyServer({ address: { host: '127.0.0.1', port: 0 }, logger, now: () => performance.now() });
    detach = server.attach(receiver);
  });
  afterEach(() => server.close());

  function open(from: string): Socket {
    const { port } = server.address;
    return connect({ host: '127.0.0.1', port, localAddress: from }).on('error', () => undefined);
  }

  /** Sends bytes as they are; resolves with all that came back when the server has closed. */
  function talk(text: string, from = ADDRESS): Promise<string> {
    return new Promise((resolve) => {
      let answer = '';
      const socket = open(from);
      socket.setEncoding('latin1').on('data', (data) => (answer += String(data)));
      socket.once('close', () => resolve(answer));
      socket.write(text);
    });
  }

  const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 0);
  const post = (path: string, body = ''): string =>
    `POST ${path} HTTP/1.0\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

  it('takes the line that the original guest sends, without any header, answers once and closes', async () => {
    const answer = await talk(`POST /ready/${NAME} HTTP/1.0\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(answer, /\r\nconnection: close\r\n/i);
    assert.deepEqual(heard, [[NAME, 'ready']]);
    assert.deepEqual(lines, []);
  });

  it('takes what curl and wget send', async () => {
    const body = '3\nno disk';
    const headers = `Host: x\r\nUser-Agent: curl/8\r\nAccept: */*\r\nContent-Length: ${body.length}`;
    const type = 'Content-Type: application/x-www-form-urlencoded';
    assert.equal(statusOf(await talk(`POST /exit/${NAME} HTTP/1.1\r\n${headers}\r\n${type}\r\n\r\n${body}`)), 200);
    const chunked = `Host: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n0\n\r\n0\r\n\r\n`;
    assert.equal(statusOf(await talk(`POST /exit/${NAME} HTTP/1.1\r\n${chunked}`)), 200);
    assert.deepEqual(heard, [
      [NAME, { code: 3, message: 'no disk' }],
      [NAME, { code: 0, message: '' }],
    ]);
  });

  for (const [said, status] of [
    ['stored', 200],
    ['said-before', 409],
    ['over', 404],
    ['not-stored', 503],
  ] as const) {
    it(`answers ${status} where it is ${said}`, async () => {
      reception = said;
      assert.equal(statusOf(await talk(post(`/exit/${NAME}`, '1'))), status);
    });
  }

  const refused: readonly (readonly [what: string, request: () => string, status: number])[] = [
    ['another name', () => post('/ready/edom-127-0-0-99'), 404],
    ['a name that none can have', () => post('/ready/..%2f..'), 404],
    ['a name that is too long', () => post(`/ready/edom-${'a'.repeat(100)}`), 404],
    ['another path', () => post(`/steady/${NAME}`), 404],
    ['a query', () => post(`/ready/${NAME}?x`), 404],
    ['an absolute target', () => post(`http://x/ready/${NAME}`), 404],
    ['another method', () => `GET /ready/${NAME} HTTP/1.0\r\n\r\n`, 405],
    ['a token where none was given', () => post(`/${token}/ready/${NAME}`), 403],
    ['the name of another', () => post(`/ready/${GUARDED}`), 403],
    ['the name and the token of another', () => post(`/${token}/ready/${GUARDED}`), 403],
    ['an exit without a body', () => `POST /exit/${NAME} HTTP/1.0\r\n\r\n`, 400],
    ['an exit without a code', () => post(`/exit/${NAME}`, 'well'), 400],
    ['a body that is announced too long', () => post(`/exit/${NAME}`, `0\n${'x'.repeat(5_000)}`), 413],
    ['no HTTP', () => 'hello\r\n\r\n', 400],
    ['a header without an end', () => `POST /ready/${NAME} HTTP/1.0\r\nX: ${'x'.repeat(9_000)}`, 431],
    [
      'two lengths',
      () => `POST /exit/${NAME} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n0`,
      400,
    ],
    ['a fault of ours', () => post('/ready/edom-127-0-0-9'), 500],
  ];
  for (const [what, request, status] of refused) {
    it(`answers ${status} to ${what}, with one line in the log, and nobody hears of it`, async () => {
      assert.equal(statusOf(await talk(request())), status);
      await eventually(() => assert.equal(lines.length, 1));
      assert.equal(lines[0]?.['peer'], ADDRESS);
      assert.deepEqual(heard, []);
    });
  }

  it('believes a guest with a token by both its address and its token', async () => {
    const path = (shown: string) => post(`/${shown}/ready/${GUARDED}`);
    const statuses = [
      await talk(path(createToken()), '127.0.0.8'),
      await talk(path(token.slice(1)), '127.0.0.8'),
      await talk(post(`/ready/${GUARDED}`), '127.0.0.8'),
      await talk(path(token), '127.0.0.8'),
    ].map(statusOf);
    assert.deepEqual(statuses, [403, 403, 403, 200]);
    assert.ok(!JSON.stringify(lines).includes(token));
  });

  it('answers 503 to all, and when to come again, while nobody takes notices in', async () => {
    detach();
    const answer = await talk(post(`/exit/${NAME}`, '0'));
    assert.equal(statusOf(answer), 503);
    assert.match(answer, /retry-after: 1/i);
    server.attach(receiver);
    assert.equal(statusOf(await talk(post(`/exit/${NAME}`, '0'))), 200);
  });

  it('answers only the first of several requests on one connection', async () => {
    const answer = await talk(post(`/ready/${NAME}`).repeat(3));
    assert.equal(answer.match(/HTTP\/1\.1 200/g)?.length, 1);
    assert.equal(heard.length, 1);
  });

  it('writes nothing of a request into its log but names of the right form, and no line without bound', async () => {
    const evil = `/ready/\u001b[2J"quoted"${'y'.repeat(500)}`;
    for (let round = 0; round < 60; round += 1) await talk(`POST ${evil} HTTP/1.0\r\nX-Evil: evil\r\n\r\n`);
    assert.ok(lines.length >= 15 && lines.length <= 25, `${lines.length} lines`);
    const all = JSON.stringify(lines);
    assert.ok(!/yyy|evil|quoted|u001b/.test(all), all.slice(0, 500));
  });

  it('keeps no more than four connections of one peer, and lets others in', async () => {
    const held = Array.from({ length: 4 }, () => open('127.0.0.66'));
    await Promise.all(held.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
    assert.equal(await talk(post(`/ready/${NAME}`), '127.0.0.66'), '');
    assert.equal(statusOf(await talk(post(`/ready/${NAME}`))), 200);
    for (const socket of held) socket.destroy();
    await eventually(async () => assert.equal(statusOf(await talk(post(`/ready/${NAME}`), '127.0.0.66')), 403));
  });

  it('cuts off who does not finish its request', async function () {
    this.timeout(20_000).slow(15_000);
    const answers = await Promise.all([
      talk(`POST /ready/${NAME} HTTP/1.0\r\n`, '127.0.0.9'),
      talk(`POST /exit/${NAME} HTTP/1.0\r\nContent-Length: 10\r\n\r\n0`),
      talk('', '127.0.0.10'),
    ]);
    assert.deepEqual(answers.slice(0, 2).map(statusOf), [408, 408]);
    assert.deepEqual(heard, []);
  });

  it('tells guests the address of the route to them, unless another is told', async () => {
    const { port } = server.address;
    assert.deepEqual(await server.endpointFor('127.0.0.77'), { host: '127.0.0.1', port });
    const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
    const address = { host: '127.0.0.1', port: 0 };
    const other = await startNotifyServer({ address, advertise: '192.0.2.7', logger, now: () => 0 });
    assert.equal((await other.endpointFor('127.0.0.77'))?.host, '192.0.2.7');
    await other.close();
  });
});
