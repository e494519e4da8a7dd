import type { ConsoleStream } from './api.ts';
import { openAside } from './aside.ts';
import type { Aside } from './aside.ts';
import type { StreamHandle } from './connection.ts';
import type { LibvirtError } from './errors.ts';
import type { Keeper } from './keeper.ts';
import { leaveStream } from './leave.ts';
import type { OpenSettings } from './open.ts';
import { DomainProcedure, MessageStatus } from './protocol.ts';
import { Inlet, packetsOf, sendPacket } from './stream.ts';
import type { CallOptions, DomainRef } from './types.ts';
import { writeDomain } from './wire.ts';

/** A host may have hundreds of consoles open, so one holds little. */
const HOLDS_BYTES = 65_536;

/** virDomainOpenConsole. */
export const openConsole = async (
  settings: OpenSettings,
  keeper: Keeper,
  domain: DomainRef,
  console: { readonly device?: string | undefined; readonly flags?: number | undefined },
  options: CallOptions | undefined,
): Promise<ConsoleStream> => {
  const aside = await openAside(settings, keeper, DomainProcedure.openConsole.name);
  const inlet = new Inlet(aside.connection, HOLDS_BYTES);
  try {
    const handle = await aside.connection.openStream(
      DomainProcedure.openConsole,
      (writer) => {
        writeDomain(writer, domain);
        writer.nullable(console.device, (device) => writer.string(device));
        writer.u32(console.flags ?? 0);
      },
      inlet,
      { timeoutMs: options?.timeoutMs ?? settings.timeouts.slowMs, sendBefore: options?.sendBefore },
    );
    return consoleOver(settings, aside, handle, inlet);
  } catch (error) {
    aside.release();
    throw error;
  }
};

const consoleOver = (settings: OpenSettings, aside: Aside, handle: StreamHandle, inlet: Inlet): ConsoleStream => {
  let closing: Promise<void> | undefined;
  const leave = async (error?: LibvirtError): Promise<void> => {
    // Confirms the daemon's end, or makes it end.
    const status = inlet.isOver ? MessageStatus.ok : MessageStatus.error;
    inlet.discard(error);
    await leaveStream(settings, { aside, handle, end: inlet }, status);
  };
  const close = (error?: LibvirtError): Promise<void> => (closing ??= leave(error));
  aside.beforeClose(close);
  return {
    close: () => close(),
    write: async (data) => {
      for (const packet of packetsOf(data)) await sendPacket(handle, MessageStatus.continue, packet);
    },
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        const value = await inlet.next();
        if (value !== undefined) return { done: false, value };
        await close();
        return { done: true, value: undefined };
      },
      return: async () => {
        await close();
        return { done: true, value: undefined };
      },
    }),
  };
};
