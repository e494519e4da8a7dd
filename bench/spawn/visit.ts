import { connect } from 'node:net';

/** One request over a connection of its own. Milliseconds of this process' monotonic clock. */
export interface Visit {
  /** From before connect() to the first byte of the guest's body; undefined where there was none. */
  readonly firstByteMs: number | undefined;
  readonly status: number;
  /** What only the guest knows: the UUID of its domain. */
  readonly marker: string | undefined;
  /** Phases that the server itself told, milliseconds by name. */
  readonly phases: ReadonlyMap<string, number>;
  readonly body: string;
  /** NAMESPACE/NAME of the EphemeralDomain that answered, where the server tells. */
  readonly domain: string | undefined;
}

/** What a visitor asks for: GET / of bench.example unless said. */
export interface Asked {
  readonly host?: string;
  readonly bodyBytes?: number;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const MARKER = /data-domain="?([0-9a-f-]{36})/;

/** Asks for a page, by POST where there is a body, and reads it to its end. Rejects where the connection cannot be had or breaks. */
export function visit(port: number, timeoutMs: number, asked: Asked = {}): Promise<Visit> {
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    let received = Buffer.alloc(0);
    let firstByteMs: number | undefined;
    const socket = connect({ host: '127.0.0.1', port });
    const timer = setTimeout(() => socket.destroy(new Error(`no whole answer after ${timeoutMs} ms`)), timeoutMs);
    socket.setNoDelay(true);
    socket.write(requestOf(asked));
    socket.on('data', (chunk) => {
      const now = performance.now();
      received = Buffer.concat([received, chunk]);
      const end = received.indexOf(HEAD_END);
      if (end >= 0 && received.length > end + HEAD_END.length) firstByteMs ??= now - begun;
    });
    socket.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    socket.on('end', () => {
      clearTimeout(timer);
      resolve({ firstByteMs, ...readAnswer(received) });
    });
  });
}

function requestOf({ host = 'bench.example', bodyBytes = 0 }: Asked): string {
  const rest = `Host: ${host}\r\nConnection: close\r\n`;
  if (bodyBytes === 0) return `GET / HTTP/1.1\r\n${rest}\r\n`;
  return `POST / HTTP/1.1\r\n${rest}Content-Length: ${bodyBytes}\r\n\r\n${'.'.repeat(bodyBytes)}`;
}

function readAnswer(bytes: Buffer): Omit<Visit, 'firstByteMs'> {
  const text = bytes.toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  const head = text.slice(0, end);
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? Number.NaN),
    marker: MARKER.exec(text)?.[1],
    phases: phasesOf(head),
    body: text.slice(end + HEAD_END.length),
    domain: /^x-hatchery-domain: (.*)$/im.exec(head)?.[1],
  };
}

/** The durations of `Server-Timing: name;dur=1.5, …`. */
function phasesOf(head: string): ReadonlyMap<string, number> {
  const phases = new Map<string, number>();
  for (const [, line = ''] of head.matchAll(/^server-timing: (.*)$/gim)) {
    for (const [, name = '', duration] of line.matchAll(/([\w-]+)[^,]*?;\s*dur=([\d.]+)/g)) {
      phases.set(name, Number(duration));
    }
  }
  return phases;
}
