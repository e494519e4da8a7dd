import { rm } from 'node:fs/promises';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { FrameSplitter } from '#controller/libvirt/frame.ts';
import { MessageType, PROGRAM_REMOTE } from '#controller/libvirt/protocol.ts';

/** A proxy in front of a libvirtd's socket that counts what is asked. */
export interface CallCounter {
  /** Calls since the last taking, by procedure number. */
  take(): ReadonlyMap<number, number>;
  close(): Promise<void>;
}

/** Places in a message's header: virNetMessageHeader, after the length. */
const PROGRAM_AT = 4;
const PROCEDURE_AT = 12;
const TYPE_AT = 16;

/** Listens on `socket` for clients of the libvirtd that listens on `target`. */
export async function countCalls(socket: string, target: string): Promise<CallCounter> {
  let calls = new Map<number, number>();
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const daemon = connect(target);
    for (const [side, other] of [
      [client, daemon],
      [daemon, client],
    ] as const) {
      open.add(side);
      // What befell one side is told to the other by its end.
      side.on('error', () => other.destroy());
      side.on('close', () => {
        open.delete(side);
        other.destroy();
      });
    }
    const frames = new FrameSplitter((bytes, start) => {
      if (bytes.readUInt32BE(start + PROGRAM_AT) !== PROGRAM_REMOTE) return;
      if (bytes.readUInt32BE(start + TYPE_AT) !== MessageType.call) return;
      const procedure = bytes.readUInt32BE(start + PROCEDURE_AT);
      calls.set(procedure, (calls.get(procedure) ?? 0) + 1);
    });
    client.on('data', (chunk: Buffer) => frames.push(chunk));
    client.pipe(daemon);
    daemon.pipe(client);
  });
  await rm(socket, { force: true });
  server.listen(socket);
  await once(server, 'listening');
  return {
    take: () => {
      const taken = calls;
      calls = new Map();
      return taken;
    },
    close: async () => {
      for (const each of open) each.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
