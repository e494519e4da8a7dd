/*
 * A crowd of slow visitors, a process of its own: so many connections of one form, each opened anew soon after it is
 * closed. Told its form by its first argument as JSON; prints a line of JSON once all are open and, when its stdin ends,
 * what became of them.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

/** What a crowd is told. */
export interface CrowdOptions {
  readonly port: number;
  readonly visitors: number;
  /** Sent at once. */
  readonly first: string;
  /** As text sent once more, of this many bytes of it, at each beat. */
  readonly drip: string;
  /** Whether an answer is read a little at each beat, instead of all that comes. */
  readonly isReader: boolean;
  readonly beatMs: number;
}

/** What became of a crowd. */
export interface CrowdCounts {
  readonly opened: number;
  /** Connections that the server ended, by the status that it gave; 0: none. */
  readonly ended: Readonly<Record<string, number>>;
  /** Milliseconds from the connection to its end by the server. */
  readonly lastedMs: readonly number[];
  readonly mostOpen: number;
}

/** Who was sent away comes again after a while: these are slow, and no flood. */
const REST_MS = 500;
/** Connections that are opened at once, and the pause between. */
const BATCH = 20;
const PAUSE_MS = 20;
const READ_BYTES = 100;

const options = JSON.parse(process.argv[2] ?? '') as CrowdOptions;
const { port, visitors, first, drip, isReader, beatMs } = options;
const sockets = new Set<Socket>();
const ended: Record<string, number> = {};
const lastedMs: number[] = [];
let opened = 0;
let mostOpen = 0;
let wanted = visitors;
let resting = 0;
let isFull = false;

const filling = setInterval(fill, PAUSE_MS);
process.stdin.resume();
await once(process.stdin, 'end');
clearInterval(filling);
wanted = 0;
for (const socket of sockets) socket.destroy();
const counts: CrowdCounts = { opened, ended, lastedMs, mostOpen };
process.stdout.write(`${JSON.stringify(counts)}\n`, () => process.exit(0));

function fill(): void {
  for (let n = 0; n < BATCH && sockets.size + resting < wanted; n += 1) open();
  mostOpen = Math.max(mostOpen, sockets.size);
  if (isFull || sockets.size < visitors) return;
  isFull = true;
  console.log('{"full":true}');
}

function open(): void {
  const begun = performance.now();
  const socket = connect({ host: '127.0.0.1', port });
  let head = '';
  opened += 1;
  sockets.add(socket);
  socket.write(first, 'latin1');
  socket.on('error', () => undefined);
  if (isReader) socket.on('readable', () => undefined);
  else socket.on('data', (chunk) => (head = (head + chunk.toString('latin1')).slice(0, 64)));
  const beat = setInterval(() => {
    if (drip !== '') socket.write(drip, 'latin1');
    if (!isReader) return;
    const some = socket.read(Math.min(READ_BYTES, socket.readableLength)) as Buffer | null;
    if (some !== null) head = (head + some.toString('latin1')).slice(0, 64);
  }, beatMs);
  socket.once('end', () => socket.destroy());
  socket.once('close', () => {
    clearInterval(beat);
    sockets.delete(socket);
    if (wanted === 0) return;
    resting += 1;
    setTimeout(() => (resting -= 1), REST_MS);
    const status = /^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? '0';
    ended[status] = (ended[status] ?? 0) + 1;
    lastedMs.push(performance.now() - begun);
  });
}
