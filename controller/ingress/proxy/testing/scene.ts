import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

import { systemClock } from '#controller/kube/clock.ts';
import type { Clock } from '#controller/kube/clock.ts';
import type { Exchange } from '../exchange.ts';
import { startFront } from '../front/front.ts';
import type { Front } from '../front/front.ts';
import { FRONT_LIMITS } from '../front/options.ts';
import type { FrontLimits, FrontOptions, TlsOptions } from '../front/options.ts';
import { Passage } from '../leg/passage.ts';
import { LEG_LIMITS } from '../leg/types.ts';
import type { Leg, LegLimits, Mark, Outcome } from '../leg/types.ts';
import { failurePage } from '../pages.ts';
import { Budget } from '../read-ahead.ts';
import { Rush } from '../rush.ts';

/** A guest that is a script over a bare connection: a hostile one cannot be had otherwise. */
export interface RawGuest {
  readonly port: number;
  /** All bytes that came, of each connection. */
  readonly heard: readonly string[];
  readonly sockets: readonly Socket[];
  readonly close: () => Promise<void>;
}

/** Called at each piece that came, with all that came on its connection so far. */
export type Script = (socket: Socket, heard: string, index: number) => unknown;

export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok';

const isWhole = (heard: string): boolean => {
  const [head = '', ...rest] = heard.split('\r\n\r\n');
  const body = rest.join('\r\n\r\n');
  if (!heard.includes('\r\n\r\n')) return false;
  if (/^transfer-encoding: chunked$/im.test(head)) return /(^|\r\n)0\r\n([^\r\n]+\r\n)*\r\n$/.test(body);
  return body.length >= Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0);
};

/** Answers once the whole request is there, and ends. */
export const answering =
  (answer: string): Script =>
  (socket, heard) => {
    if (isWhole(heard)) socket.end(answer, 'latin1');
  };

export const startGuest = async (script: Script): Promise<RawGuest> => {
  const heard: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const index = sockets.push(socket) - 1;
    heard[index] = '';
    socket.on('error', () => undefined);
    socket.setEncoding('latin1').on('data', (data) => {
      const all = `${heard[index] ?? ''}${String(data)}`;
      heard[index] = all;
      script(socket, all, index);
    });
    socket.on('end', () => socket.writable && socket.end());
  });
  await listening(server);
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  };
  return { port, heard, sockets, close };
};

const listening = async (server: Server): Promise<void> => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
};

export interface SceneOptions {
  readonly script?: Script;
  readonly guestPort?: number;
  readonly front?: Partial<FrontLimits>;
  readonly leg?: Partial<LegLimits>;
  readonly https?: TlsOptions;
  readonly trusted?: boolean;
  readonly upgrades?: readonly string[];
  readonly budgetBytes?: number;
  /** The front's. */
  readonly clock?: Clock;
  /** In place of passing to the guest. */
  readonly handle?: FrontOptions['handle'];
  readonly change?: (leg: Leg) => Leg;
}

export interface Scene {
  readonly front: Front;
  readonly guest: RawGuest;
  readonly outcomes: readonly Outcome[];
  readonly exchanges: readonly Exchange[];
  readonly marks: readonly Mark[];
  readonly lines: readonly string[];
  readonly budget: Budget;
  /** Tells that the guest is gone. */
  readonly endGuest: () => void;
  readonly open: (bytes?: string) => Visitor;
  readonly close: () => Promise<void>;
}

export interface Visitor {
  readonly socket: Socket;
  /** All that came. */
  readonly text: () => string;
  /** How the connection ended. */
  readonly ended: Promise<'fin' | 'reset'>;
}

export const visit = (port: number, bytes = ''): Visitor => {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  let text = '';
  socket.setEncoding('latin1').on('data', (data) => (text += String(data)));
  socket.write(bytes, 'latin1');
  const ended = new Promise<'fin' | 'reset'>((resolve) => {
    socket.on('error', () => resolve('reset'));
    socket.once('end', () => {
      resolve('fin');
      socket.end();
    });
    socket.once('close', () => resolve('reset'));
  });
  return { socket, text: () => text, ended };
};

/** A front whose requests all go to one scripted guest: the real server, real connections, and no routes or domains. */
export const startScene = async (options: SceneOptions = {}): Promise<Scene> => {
  const guest = await startGuest(options.script ?? answering(OK));
  const [outcomes, exchanges, marks, lines]: [Outcome[], Exchange[], Mark[], string[]] = [[], [], [], []];
  const budget = new Budget(options.budgetBytes ?? 64 * 1024 * 1024);
  let endGuest: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (endGuest = resolve));
  const handle = async (exchange: Exchange): Promise<void> => {
    exchanges.push(exchange);
    if (options.handle !== undefined) return options.handle(exchange);
    const leg: Leg = {
      exchange,
      limits: { ...LEG_LIMITS, ...options.leg },
      ...{ ended, clock: systemClock, budget },
      decorate: () => ['X-Hatchery-Domain', 'demo/guest'],
      onMark: (mark) => marks.push(mark),
    };
    const passage = new Passage(options.change?.(leg) ?? leg);
    const port = options.guestPort ?? guest.port;
    const outcome = await passage.to({ kind: 'address', address: '127.0.0.1', port });
    outcomes.push(outcome);
    if (outcome.kind !== 'failed' || outcome.answered) return;
    const status = outcome.fault === 'total-limit' ? 504 : 502;
    const failure = { status, phase: 'guest', reason: outcome.fault, why: 'The guest failed.' } as const;
    await exchange.answer.whole(failurePage(failure, undefined));
  };
  const write = (message: string, fields?: Readonly<Record<string, unknown>>) =>
    lines.push(`${message} ${String(fields?.['error'])}`);
  const clock = options.clock ?? systemClock;
  const front = await startFront({
    http: { host: '127.0.0.1', port: 0 },
    https: options.https,
    policy: { isTrusted: () => options.trusted ?? false, randomHex: (bytes) => 'ab'.repeat(bytes) },
    limits: { ...FRONT_LIMITS, ...options.front },
    ...{ budget, rush: new Rush(clock), clock, handle },
    logger: { debug: write, info: write, warn: write, error: write },
    upgradesFor: () => options.upgrades ?? ['websocket'],
  });
  const open = (bytes?: string) => visit(front.http.port, bytes);
  const close = async () => {
    await front.close();
    await guest.close();
  };
  return { front, guest, outcomes, exchanges, marks, lines, budget, endGuest: () => endGuest(), open, close };
};

/** The status of each answer that came, interim ones too. */
export const statusesOf = (text: string): readonly number[] =>
  [...text.matchAll(/(?:^|\r\n\r\n|(?<=[^\r\n]))HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
