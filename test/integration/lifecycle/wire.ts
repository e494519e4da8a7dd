import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';

import { FrameSplitter } from '#controller/libvirt/frame.ts';
import { PROGRAM_REMOTE } from '#controller/libvirt/protocol.ts';

/** Places of words in a message's header: virNetMessageHeader, after the length. */
const PROGRAM_AT = 4;
const PROCEDURE_AT = 12;
const SERIAL_AT = 20;

/** What somebody has to say of one call and of the answer to it: false, and it goes no further. */
export interface Guarded {
  readonly call: () => boolean;
  readonly answer: () => boolean;
}

/** Looks at a call, whole with its header; undefined: it passes, and so does its answer. */
export type Guard = (procedure: number, message: Buffer) => Guarded | undefined;

/** A proxy between a controller and a host's libvirtd that can cut what is open, and lose single calls or answers. */
export interface Wire {
  /** The host's URI through the proxy. */
  readonly uri: string;
  /** Breaks the connections that are open; new ones work. */
  cut(): void;
  /** Ends new connections at once, until told otherwise. */
  refuse(refused: boolean): void;
  /**
   * Loses the next call of a procedure (it never gets to the daemon), or the answer to it (the daemon acts on it), and the
   * connection with it. Resolves once that has happened.
   */
  loseNext(procedure: { readonly number: number }, what: 'call' | 'answer'): Promise<void>;
  close(): Promise<void>;
}

interface Loss {
  readonly procedure: number;
  readonly what: 'call' | 'answer';
  readonly done: () => void;
}

/** Listens on `socket` for clients of the libvirtd that listens on `target`. `guard` is asked of each call. */
export async function openWire(socket: string, target: string, guard?: Guard): Promise<Wire> {
  const open = new Set<Socket>();
  let loss: Loss | undefined;
  let refused = false;
  const server = createServer((client) => {
    if (refused) {
      client.destroy();
      return;
    }
    const daemon = connect(target);
    const end = (): void => {
      client.destroy();
      daemon.destroy();
    };
    for (const side of [client, daemon]) {
      open.add(side);
      side.on('error', end);
      side.on('close', () => {
        open.delete(side);
        end();
      });
    }
    let lostSerial: number | undefined;
    /** Calls that were guarded, by serial. */
    const awaited = new Map<number, Guarded>();
    const lose = (): void => {
      const { done } = loss ?? {};
      loss = undefined;
      end();
      done?.();
    };
    const calls = new FrameSplitter((bytes, start, stop) => {
      const isMeant = loss?.procedure === bytes.readUInt32BE(start + PROCEDURE_AT) && lostSerial === undefined;
      if (isMeant && loss?.what === 'call') {
        lose();
        return;
      }
      if (isMeant) lostSerial = bytes.readUInt32BE(start + SERIAL_AT);
      const message = Buffer.from(bytes.subarray(start, stop));
      const isRemote = message.readUInt32BE(PROGRAM_AT) === PROGRAM_REMOTE;
      const guarded = isRemote ? guard?.(message.readUInt32BE(PROCEDURE_AT), message) : undefined;
      if (guarded?.call() === false) return;
      if (guarded !== undefined) awaited.set(message.readUInt32BE(SERIAL_AT), guarded);
      daemon.write(message);
    });
    const answers = new FrameSplitter((bytes, start, stop) => {
      const serial = bytes.readUInt32BE(start + SERIAL_AT);
      const guarded = awaited.get(serial);
      awaited.delete(serial);
      if (guarded?.answer() === false) return;
      if (lostSerial !== undefined && bytes.readUInt32BE(start + SERIAL_AT) === lostSerial) lose();
      else client.write(Buffer.from(bytes.subarray(start, stop)));
    });
    client.on('data', (chunk: Buffer) => calls.push(chunk));
    daemon.on('data', (chunk: Buffer) => answers.push(chunk));
  });
  server.listen(socket);
  await once(server, 'listening');
  const cut = (): void => {
    for (const each of open) each.destroy();
  };
  return {
    uri: `test+unix:///default?socket=${socket}`,
    cut,
    refuse: (value) => (refused = value),
    loseNext: ({ number }, what) =>
      new Promise((done) => {
        loss = { procedure: number, what, done };
      }),
    close: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
