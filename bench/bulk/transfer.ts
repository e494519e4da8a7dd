import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { crc32 } from 'node:zlib';

/** Where a guest is asked: itself, or the ingress in front of it. */
export interface Target {
  readonly address: string;
  readonly port: number;
  /** As the Host header has it. */
  readonly host: string;
}

export interface Transfer {
  /** MB (10^6 bytes) a second, once the first SETTLED_BYTES had gone. */
  readonly rate: number;
}

/** A domain that starts meanwhile, and buffers that fill, are no part of a rate. */
const SETTLED_BYTES = 32 * 1024 * 1024;
const CHUNK = Buffer.alloc(64 * 1024, 'hatchery, ');
const TIMEOUT_MS = 5 * 60_000;

/** CRC-32 of a body of that many bytes as it is sent. */
export function bodyCrc(bytes: number): string {
  let crc = 0;
  for (let left = bytes; left > 0; left -= CHUNK.length)
    crc = crc32(CHUNK.subarray(0, Math.min(left, CHUNK.length)), crc);
  return crc.toString(16).padStart(8, '0');
}

/** Sends a body to a guest that takes it and says how much it was; rejects where that is not all of it. */
export async function sendUp(target: Target, bytes: number, crc: string): Promise<Transfer> {
  const { socket, text, ended } = open(target);
  socket.write(`POST / HTTP/1.1\r\nHost: ${target.host}\r\nContent-Length: ${bytes}\r\nConnection: close\r\n\r\n`);
  let settledAt = 0;
  for (let sent = 0; sent < bytes; sent += CHUNK.length) {
    if (settledAt === 0 && sent >= SETTLED_BYTES) settledAt = performance.now();
    if (!socket.write(CHUNK.subarray(0, Math.min(CHUNK.length, bytes - sent)))) await drained(socket);
  }
  await ended;
  const seconds = (performance.now() - settledAt) / 1000;
  const wanted = `${bytes} bytes, CRC-32 ${crc}`;
  if (!text().includes(wanted)) throw new Error(`${target.host} did not say "${wanted}" but: ${text().slice(0, 500)}`);
  return { rate: (bytes - SETTLED_BYTES) / 1e6 / seconds };
}

/** Takes a body from a guest; rejects where it is not all of it. */
export async function takeDown(target: Target, bytes: number): Promise<Transfer> {
  let [received, headLength, settledAt] = [0, 0, 0];
  const { socket, text, ended } = open(target, (chunk) => {
    received += chunk.length;
    if (settledAt === 0 && received >= SETTLED_BYTES) settledAt = performance.now();
  });
  socket.write(`GET / HTTP/1.1\r\nHost: ${target.host}\r\nConnection: close\r\n\r\n`);
  await ended;
  const seconds = (performance.now() - settledAt) / 1000;
  headLength = text().indexOf('\r\n\r\n') + 4;
  if (received - headLength !== bytes) {
    throw new Error(`${target.host} gave ${received - headLength} bytes, not ${bytes}: ${text().slice(0, 500)}`);
  }
  return { rate: (bytes - SETTLED_BYTES) / 1e6 / seconds };
}

interface Conversation {
  readonly socket: Socket;
  /** The first of what came. */
  readonly text: () => string;
  readonly ended: Promise<void>;
}

const KEPT_BYTES = 64 * 1024;

function open({ address, port }: Target, onData: (chunk: Buffer) => void = () => undefined): Conversation {
  const socket = connect({ host: address, port, noDelay: true });
  let kept = Buffer.alloc(0);
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`${address}:${port} was silent for ${TIMEOUT_MS} ms`)));
  socket.on('data', (chunk) => {
    if (kept.length < KEPT_BYTES) kept = Buffer.concat([kept, chunk]);
    onData(chunk);
  });
  const ended = new Promise<void>((resolve, reject) => {
    socket.once('end', resolve);
    socket.once('error', reject);
  });
  // Where sending fails first, that is told by who sends.
  ended.catch(() => undefined);
  return { socket, text: () => kept.toString('latin1'), ended };
}

/** Resolves when more can be sent, or nothing can. */
const drained = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    const finish = (): void => {
      socket.removeListener('drain', finish);
      socket.removeListener('close', finish);
      resolve();
    };
    if (socket.destroyed) finish();
    socket.once('drain', finish);
    socket.once('close', finish);
  });
