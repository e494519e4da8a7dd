import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import type { Socket } from 'node:net';
import { crc32 } from 'node:zlib';
import { hostOf } from '../support/template.ts';

/** Where the ingress serves. */
export interface Front {
  readonly port: number;
  readonly tlsPort: number;
  readonly ca: string;
}

/** What hatchling's mode `echo` says that it got. */
interface Echo {
  readonly method: string;
  readonly body: { readonly length: number; readonly crc32: string };
}

const BODY = Buffer.alloc(5_000_000, 'a body, ');
const TIMEOUT_MS = 60_000;

/** A text and a close over a WebSocket (RFC 6455, 5.2), each with a mask of zeros: the text comes back. */
export async function tryWebSocket({ port }: Front): Promise<string> {
  const upgrade = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13' };
  const headers = { Host: hostOf('ws'), ...upgrade, 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==' };
  const asked = request({ host: '127.0.0.1', port, agent: false, timeout: TIMEOUT_MS, headers }).end();
  asked.once('timeout', () => asked.destroy(new Error('no WebSocket in time')));
  const [, socket] = (await once(asked, 'upgrade')) as [IncomingMessage, Socket];
  socket.write(Buffer.from([0x81, 0x85, 0, 0, 0, 0, ...Buffer.from('hello')]));
  let echo = Buffer.alloc(0);
  while (echo.length < 7) {
    const [more] = (await once(socket, 'data')) as [Buffer];
    echo = Buffer.concat([echo, more]);
  }
  expect('the text that was sent', echo.toString('latin1'), '\x81\x05hello');
  socket.write(Buffer.from([0x88, 0x80, 0, 0, 0, 0]));
  socket.resume();
  await once(socket, 'end');
  socket.end();
  return 'a text came back, and the close';
}

/** Server-sent events come one by one, and not all at the end. */
export async function tryEvents({ port }: Front): Promise<string> {
  const times: number[] = [];
  const asked = request({ host: '127.0.0.1', port, agent: false, headers: { Host: hostOf('sse') } }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  for await (const chunk of response.setEncoding('latin1')) {
    for (let count = String(chunk).match(/^data: /gm)?.length ?? 0; count > 0; count -= 1)
      times.push(performance.now());
  }
  expect('events', times.length, 5);
  const apart = (times.at(-1) ?? 0) - (times[0] ?? 0);
  if (apart < 400) throw new Error(`events that were sent 200 ms apart came within ${apart} ms`);
  return `5 events, the last ${Math.round(apart)} ms after the first`;
}

/** A POST over HTTP/2. */
export async function tryHttp2({ tlsPort, ca }: Front): Promise<string> {
  const session = connectHttp2(`https://127.0.0.1:${tlsPort}`, { ca });
  try {
    const stream = session.request({ ':method': 'POST', ':path': '/', ':authority': hostOf('echo') });
    stream.setTimeout(TIMEOUT_MS, () => stream.destroy(new Error('no answer over HTTP/2 in time')));
    stream.end(BODY);
    const [headers] = (await once(stream, 'response')) as [Readonly<Record<string, unknown>>];
    expect('status over HTTP/2', headers[':status'], 200);
    let text = '';
    for await (const chunk of stream.setEncoding('utf8')) text += String(chunk);
    return isEcho(text);
  } finally {
    session.destroy();
  }
}

/** An upload whose body is sent only once it was asked for. */
export async function tryExpect({ port }: Front): Promise<string> {
  const headers = { Host: hostOf('echo'), Expect: '100-continue', 'Content-Length': BODY.length };
  const asked = request({ host: '127.0.0.1', port, method: 'POST', agent: false, timeout: TIMEOUT_MS, headers });
  asked.once('timeout', () => asked.destroy(new Error('no 100 Continue in time')));
  asked.flushHeaders();
  await once(asked, 'continue');
  asked.end(BODY);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  expect('status after 100', response.statusCode, 200);
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  return `100, then ${isEcho(text)}`;
}

function isEcho(text: string): string {
  const { method, body } = JSON.parse(text) as Echo;
  expect('method', method, 'POST');
  expect('length', body.length, BODY.length);
  expect('CRC-32', body.crc32, crc32(BODY).toString(16).padStart(8, '0'));
  return `${BODY.length} bytes came whole`;
}

function expect(what: string, found: unknown, wanted: unknown): void {
  if (found !== wanted) throw new Error(`${what}: ${String(found)}, not ${String(wanted)}`);
}
