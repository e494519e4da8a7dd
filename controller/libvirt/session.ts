import type { CallLimits, Connection } from './connection.ts';
import { LibvirtError } from './errors.ts';
import { readEvent } from './events.ts';
import type { DomainEvent } from './events.ts';
import { openConnection } from './open.ts';
import type { OpenHandlers, OpenSettings } from './open.ts';
import { Connect, EventId } from './protocol.ts';
import type { Lane } from './protocol.ts';
import { readNothing } from './wire.ts';
import { XdrError } from './xdr.ts';

/** Told by a session. */
export interface SessionHandlers {
  /** Both connections are open and events registered. Events follow, none before. */
  readonly onReady: () => void;
  readonly onEvent: (event: DomainEvent) => void;
  /** Once, whether it was ready or not; all that was pending was rejected before. */
  readonly onLost: (error: LibvirtError) => void;
}

/** Events that may come between their registration and onReady. */
const MAX_HELD = 4096;
const CLOSE_MS = 1000;

/**
 * The two connections to one daemon: one for what may take long, one for what looks and ends. They live and die
 * together, for whoever follows a host must list it again when either is lost.
 */
export class Session {
  readonly #settings: OpenSettings;
  readonly #handlers: SessionHandlers;
  readonly #control;
  readonly #slow;
  #held: DomainEvent[] | undefined = [];
  #lost = false;

  constructor(settings: OpenSettings, handlers: SessionHandlers) {
    this.#settings = settings;
    this.#handlers = handlers;
    const onLost = (error: LibvirtError): void => this.#end(error);
    const onEvent: OpenHandlers['onEvent'] = (procedure, reader) => {
      const event = readEvent(procedure, reader);
      if (event !== undefined) this.#deliver(event);
    };
    this.#control = openConnection(settings, { onEvent, onLost }, true);
    this.#slow = openConnection(settings, { onEvent: () => undefined, onLost }, true);
  }

  /** Opens it; what comes of it is told to the handlers. */
  open(): void {
    this.#open().then(
      () => this.#ready(),
      (error: unknown) => this.#end(asLibvirtError(this.#settings.uri.text, error)),
    );
  }

  async #open(): Promise<void> {
    await Promise.all([this.#control.opened, this.#slow.opened]);
    const limits = { timeoutMs: this.#settings.timeouts.openMs };
    await Promise.all([
      register(this.#control.connection, EventId.reboot, limits),
      register(this.#control.connection, EventId.lifecycle, limits),
    ]);
  }

  #ready(): void {
    if (this.#lost) return;
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#handlers.onReady();
    for (const event of held) this.#handlers.onEvent(event);
  }

  #deliver(event: DomainEvent): void {
    if (this.#held === undefined) {
      this.#handlers.onEvent(event);
      return;
    }
    if (this.#held.length >= MAX_HELD) throw new XdrError(`${MAX_HELD} events before the session was there`);
    this.#held.push(event);
  }

  #end(error: LibvirtError): void {
    if (this.#lost) return;
    this.#lost = true;
    const kind = error.kind === 'closed' ? 'closed' : 'connection-lost';
    this.#control.abort(kind, error.message);
    this.#slow.abort(kind, error.message);
    this.#handlers.onLost(error);
  }

  connection(lane: Lane): Connection {
    return (lane === 'slow' ? this.#slow : this.#control).connection;
  }

  /** Takes leave of the daemon, if it answers, and ends. */
  async close(error: LibvirtError): Promise<void> {
    const leave = async ({ connection }: { readonly connection: Connection }): Promise<void> => {
      await connection.call(Connect.close, () => undefined, readNothing, { timeoutMs: CLOSE_MS });
    };
    const isReady = this.#held === undefined && !this.#lost;
    // A daemon that is gone, or does not answer, is left all the same.
    if (isReady) await Promise.allSettled([leave(this.#control), leave(this.#slow)]);
    this.#end(error);
  }
}

const register = async (connection: Connection, event: number, limits: CallLimits): Promise<void> => {
  await connection.call(
    Connect.registerEvent,
    (writer) => {
      writer.u32(event);
      writer.u32(0);
    },
    (reader) => reader.i32(),
    limits,
  );
};

const asLibvirtError = (uri: string, cause: unknown): LibvirtError => {
  if (cause instanceof LibvirtError) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new LibvirtError(why, { kind: 'protocol', uri, procedure: 'connect', mayHaveRun: false, cause });
};
