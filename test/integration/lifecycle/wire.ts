import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';

import { FrameSplitter } from '#controller/libvirt/frame.ts';

/** Places of two words in a message's header: virNetMessageHeader, after the length. */
const PROCEDURE_AT = 12;
const SERIAL_AT = 20;

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

/** Listens on `socket` for clients of the libvirtd that listens on `target`. */
export async function openWire(socket: string, target: string): Promise<Wire> {
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
      daemon.write(Buffer.from(bytes.subarray(start, stop)));
    });
    const answers = new FrameSplitter((bytes, start, stop) => {
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
