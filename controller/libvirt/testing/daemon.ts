import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { FrameSplitter } from '../frame.ts';
import { MessageStatus, MessageType, PROGRAM_REMOTE } from '../protocol.ts';
import { isStream, parse, reply } from './frames.ts';
import type { Message } from './frames.ts';

/** What a fake daemon does with a message; undefined leaves it to the usual answer. */
export type Behaviour = (message: Message, peer: Peer) => Buffer | 'silent' | undefined;

/** One connection of a fake daemon. */
export interface Peer {
  readonly socket: Socket;
  /** Number of this connection, from 0. */
  readonly index: number;
  readonly messages: Message[];
}

/**
 * What stands in for libvirtd where a real one cannot be made to fail so: answers the opening of a connection as
 * libvirtd does, unless it is told otherwise.
 */
export class FakeDaemon {
  readonly peers: Peer[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), 'hatchery-fake-'));
  readonly #server: Server;
  behave: Behaviour = () => undefined;
  /** Instead of speaking the protocol at all. */
  greet: ((socket: Socket) => void) | undefined;

  constructor() {
    this.#server = createServer((socket) => this.#accept(socket));
  }

  get uri(): string {
    return `test+unix:///default?socket=${join(this.#folder, 'sock')}`;
  }

  async start(): Promise<this> {
    this.#server.listen(join(this.#folder, 'sock'));
    await once(this.#server, 'listening');
    return this;
  }

  async stop(): Promise<void> {
    for (const { socket } of this.peers) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #accept(socket: Socket): void {
    const peer: Peer = { socket, index: this.peers.length, messages: [] };
    this.peers.push(peer);
    // A client that goes is no failure of the test.
    socket.on('error', () => socket.destroy());
    if (this.greet !== undefined) {
      this.greet(socket);
      return;
    }
    const splitter = new FrameSplitter((bytes, start, end) => {
      const message = parse(Buffer.from(bytes.subarray(start, end)));
      peer.messages.push(message);
      const answer = this.behave(message, peer) ?? usual(message);
      if (answer !== 'silent') socket.write(answer);
    });
    socket.on('data', (bytes: Buffer) => splitter.push(bytes));
  }
}

/** Answers what opens a connection, and every other call with nothing. */
const usual = (message: Message): Buffer | 'silent' => {
  if (message.program !== PROGRAM_REMOTE || message.type !== MessageType.call) return 'silent';
  switch (message.procedure) {
    case 66:
      return reply(message, (writer) => {
        writer.u32(1);
        writer.u32(0);
      });
    case 60:
      return reply(message, (writer) => writer.u32(1));
    case 316:
      return reply(message, (writer) => writer.u32(0));
    default:
      return reply(message);
  }
};

/** The end of the first stream's packets, as the client told it; throws where it has not yet. */
export const endToldTo = (daemon: FakeDaemon): Message => {
  const told = daemon.peers[2]?.messages.find(
    (message) => isStream(message) && message.status !== MessageStatus.continue,
  );
  if (told === undefined) throw new Error('the daemon was not told of an end');
  return told;
};
