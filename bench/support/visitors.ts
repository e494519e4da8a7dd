import { Agent, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect, constants } from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';
import { pause } from '#hack/bed/interrupt.ts';

/** How one request ended for its visitor. */
export interface Ending {
  /**
   * The status of an answer that came whole, and the reason where the ingress says one: `200`, `503 QueueFull`; else what
   * came in its place, in a word or two.
   */
  readonly ending: string;
  /** NAMESPACE/NAME of the EphemeralDomain that served it, where that was told. */
  readonly domain: string | undefined;
  /** performance.now(). */
  readonly begunAt: number;
  readonly endedAt: number;
  /** Connections that were refused before one was had. */
  readonly refused: number;
}

/** Who asks again and again over connections that are kept, and tries again only where a connection is refused. */
export interface Visitors {
  readonly protocol: 'http/1.1' | 'http/2';
  ask(): Promise<Ending>;
  /** Connections made so far. */
  readonly connections: () => number;
  close(): void;
}

export interface Question {
  readonly port: number;
  readonly host: string;
  readonly path?: string;
  readonly agent?: Agent;
}

/** A request that has no answer after so long hangs. */
export const HUNG_MS = 60_000;
const TRIES = 40;
const BETWEEN_TRIES_MS = 50;

type Outcome = Pick<Ending, 'ending' | 'domain'>;
const REFUSED = 'ECONNREFUSED';

/** One request over HTTP/1.1, on a connection of its own unless an agent keeps some. Never rejects. */
export const ask = (question: Question): Promise<Ending> => retrying(() => once(question));

/** `kept`: connections at least, used in turn. */
export function keepAliveVisitors(port: number, host: string, kept: number): Visitors {
  const agent = new Agent({ keepAlive: true, maxSockets: 64, maxFreeSockets: kept, scheduling: 'fifo' });
  let connections = 0;
  const create = agent.createConnection.bind(agent);
  agent.createConnection = (...args) => {
    connections += 1;
    return create(...args);
  };
  return {
    protocol: 'http/1.1',
    ask: () => ask({ port, host, agent }),
    connections: () => connections,
    close: () => agent.destroy(),
  };
}

export interface Http2Options {
  readonly ca: string;
  readonly kept: number;
}

/** HTTP/2 over TLS: so many connections, in turn; one that is to take no more streams is replaced. */
export function http2Visitors(port: number, host: string, { ca, kept }: Http2Options): Visitors {
  const sessions: (ClientHttp2Session | undefined)[] = Array.from({ length: kept });
  let [turn, connections] = [0, 0];
  const open = (): ClientHttp2Session => {
    const session = connect(`https://127.0.0.1:${port}`, { ca });
    // Each of its streams tells it.
    session.on('error', () => undefined);
    return session;
  };
  const session = (): ClientHttp2Session => {
    const index = (turn += 1) % kept;
    const found = sessions[index];
    if (found !== undefined && !found.closed && !found.destroyed) return found;
    connections += 1;
    return (sessions[index] = open());
  };
  return {
    protocol: 'http/2',
    ask: () => retrying(() => stream(session(), host)),
    connections: () => connections,
    close: () => {
      for (const one of sessions) one?.destroy();
    },
  };
}

async function retrying(tryOnce: () => Promise<Outcome>): Promise<Ending> {
  const begunAt = performance.now();
  for (let refused = 0; ; refused += 1) {
    const outcome = await tryOnce();
    if (outcome.ending !== REFUSED || refused === TRIES) {
      return { ...outcome, begunAt, endedAt: performance.now(), refused };
    }
    await pause(BETWEEN_TRIES_MS);
  }
}

function once({ port, host, path = '/', agent }: Question): Promise<Outcome> {
  return new Promise((resolve) => {
    const asked = request({
      host: '127.0.0.1',
      port,
      path,
      agent: agent ?? false,
      headers: { Host: host, ...JSON_PLEASE },
    });
    let response: IncomingMessage | undefined;
    let text = '';
    const end = (ending: string): void => {
      clearTimeout(timer);
      resolve({ ending, domain: response?.headers['x-hatchery-domain']?.toString() });
    };
    const timer = setTimeout(() => {
      end('hung');
      asked.destroy();
    }, HUNG_MS);
    asked.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.name));
    asked.once('response', (given) => {
      response = given;
      given.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      given.on('error', () => undefined);
      given.once('close', () => end(given.complete ? told(given.statusCode, text) : `${given.statusCode} cut`));
    });
    asked.end();
  });
}

function stream(session: ClientHttp2Session, host: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const asked = session.request({ ':authority': host, ':path': '/', ...JSON_PLEASE });
    let [status, domain, whole]: [number | undefined, string | undefined, boolean] = [undefined, undefined, false];
    let text = '';
    let fault: string | undefined;
    const timer = setTimeout(() => {
      fault = 'hung';
      asked.close(constants.NGHTTP2_CANCEL);
    }, HUNG_MS);
    asked.once('response', (headers) => {
      status = headers[':status'];
      domain = headers['x-hatchery-domain']?.toString();
    });
    asked.once('end', () => (whole = true));
    asked.on('error', (error: NodeJS.ErrnoException) => (fault ??= causeOf(error)));
    asked.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    asked.once('close', () => {
      clearTimeout(timer);
      if (status !== undefined && whole && asked.rstCode === constants.NGHTTP2_NO_ERROR) fault = told(status, text);
      const reset = asked.rstCode === constants.NGHTTP2_REFUSED_STREAM ? 'refused stream' : `reset ${asked.rstCode}`;
      const cut = status === undefined ? '' : `${status} cut, `;
      resolve({ ending: fault === 'ERR_HTTP2_STREAM_ERROR' ? `${cut}${reset}` : (fault ?? `${cut}${reset}`), domain });
    });
    asked.end();
  });
}

const JSON_PLEASE = { accept: 'application/json' };

/** A guest's answer is a page; the ingress' own has a reason. */
function told(status: number | undefined, text: string): string {
  const reason = status === 200 ? undefined : /"reason":"(\w+)"/.exec(text)?.[1];
  return reason === undefined ? String(status) : `${status} ${reason}`;
}

/** Whether a request was turned away since there was more to do than could be: honest, and no fault of the path. */
export const isOverload = ({ ending }: Ending): boolean =>
  /^503 (QueueFull|QueueTimeout|IngressFull|NoPlace)$/.test(ending);

const causeOf = ({ code, name }: NodeJS.ErrnoException): string => code ?? name;
