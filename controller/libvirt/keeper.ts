import { backoffMs } from './backoff.ts';
import type { Backoff } from './backoff.ts';
import type { CallLimits } from './connection.ts';
import { LibvirtError } from './errors.ts';
import type { LibvirtErrorKind } from './errors.ts';
import type { DomainEvent } from './events.ts';
import type { OpenSettings } from './open.ts';
import type { Procedure } from './protocol.ts';
import { Session } from './session.ts';
import type { Observer, SessionInfo, TimerHandle } from './types.ts';
import type { XdrReader, XdrWriter } from './xdr.ts';

/** How a keeper behaves between sessions, and towards its observers. */
export interface KeeperOptions {
  readonly backoff: Backoff;
  readonly random: () => number;
  readonly onObserverError: (error: unknown) => void;
}

interface Waiter {
  resolve(session: SessionInfo): void;
  reject(error: LibvirtError): void;
}

/** Something that lives no longer than the session it was made in. */
export interface Dependent {
  /** Takes leave of the daemon, where that can be done well; else it is aborted. */
  leave: ((error: LibvirtError) => Promise<void>) | undefined;
  abort(kind: 'connection-lost' | 'closed', why: string): void;
}

/** A session that lasted less than this counts as a failed try: a daemon that drops us at once is not asked faster. */
const STEADY_MS = 100;

/** Keeps one session with the daemon, makes a new one whenever it is lost, and tells the observers. */
export class Keeper {
  readonly #settings: OpenSettings;
  readonly #options: KeeperOptions;
  readonly #observers = new Set<Observer>();
  readonly #waiters = new Set<Waiter>();
  readonly #dependents = new Set<Dependent>();
  #session: Session | undefined;
  #info: SessionInfo | undefined;
  #retry: TimerHandle | undefined;
  #failures = 0;
  /** Sessions in a row that were lost at once. */
  #brief = 0;
  #failedAttempts = 0;
  #generation = 0;
  #downSince = 0;
  #readySince = 0;
  /** From the first moment of close() on: what ends in it must not be taken for a loss, and opened again. */
  #isClosing = false;
  #closed: Promise<void> | undefined;

  constructor(settings: OpenSettings, options: KeeperOptions) {
    this.#settings = settings;
    this.#options = options;
  }

  /** None any more once it is being closed: what would still be sent then could not be waited for. */
  get session(): SessionInfo | undefined {
    return this.#isClosing ? undefined : this.#info;
  }

  start(): void {
    this.#downSince = this.#settings.clock.now();
    this.#attempt();
  }

  call<R>(
    procedure: Procedure,
    write: (writer: XdrWriter) => void,
    read: (reader: XdrReader) => R,
    limits: CallLimits,
  ): Promise<R> {
    if (this.#session === undefined || this.session === undefined) return Promise.reject(this.absent(procedure.name));
    return this.#session.connection(procedure.lane).call(procedure, write, read, limits);
  }

  /** Why a call cannot be made while there is no session. */
  absent(procedure: string): LibvirtError {
    if (this.#isClosing) return this.#error('closed', procedure, 'closed');
    return this.#error('not-connected', procedure, 'not connected');
  }

  observe(observer: Observer): () => void {
    this.#observers.add(observer);
    return () => {
      this.#observers.delete(observer);
    };
  }

  /** Ends it with the session; returns the function that takes it out again. */
  depend(dependent: Dependent): () => void {
    this.#dependents.add(dependent);
    return () => {
      this.#dependents.delete(dependent);
    };
  }

  connected(timeoutMs: number): Promise<SessionInfo> {
    if (this.#info !== undefined) return Promise.resolve(this.#info);
    if (this.#isClosing) return Promise.reject(this.absent('connect'));
    return new Promise((resolve, reject) => {
      const { clock } = this.#settings;
      const timer = clock.setTimeout(() => {
        this.#waiters.delete(waiter);
        reject(this.#error('timeout', 'connect', `no session within ${timeoutMs} ms`));
      }, timeoutMs);
      const done = (): void => {
        this.#waiters.delete(waiter);
        clock.clearTimeout(timer);
      };
      const waiter: Waiter = {
        resolve: (session) => {
          done();
          resolve(session);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      };
      this.#waiters.add(waiter);
    });
  }

  close(): Promise<void> {
    this.#isClosing = true;
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    if (this.#retry !== undefined) this.#settings.clock.clearTimeout(this.#retry);
    this.#retry = undefined;
    const error = this.#error('closed', 'connect', 'closed');
    for (const waiter of [...this.#waiters]) waiter.reject(error);
    const leaving: Promise<void>[] = [];
    for (const dependent of [...this.#dependents]) {
      if (dependent.leave === undefined) dependent.abort('closed', 'closed');
      else leaving.push(dependent.leave(error));
    }
    if (leaving.length > 0) await Promise.all(leaving);
    await this.#session?.close(error);
  }

  #attempt(): void {
    this.#retry = undefined;
    const session = new Session(this.#settings, {
      onReady: () => this.#onReady(),
      onEvent: (event) => this.#onEvent(event),
      onLost: (error) => this.#onLost(error),
    });
    this.#session = session;
    session.open();
  }

  #onReady(): void {
    const now = this.#settings.clock.now();
    this.#readySince = now;
    this.#generation++;
    const info: SessionInfo = {
      uri: this.#settings.uri.text,
      generation: this.#generation,
      downMs: now - this.#downSince,
      failedAttempts: this.#failedAttempts,
    };
    this.#failedAttempts = 0;
    this.#info = info;
    this.#tell((observer) => observer.onConnected?.(info));
    for (const waiter of [...this.#waiters]) waiter.resolve(info);
  }

  #onEvent(event: DomainEvent): void {
    if (event.kind === 'lifecycle') this.#tell((observer) => observer.onLifecycle?.(event.event));
    else this.#tell((observer) => observer.onReboot?.(event.event));
  }

  #onLost(cause: LibvirtError): void {
    const now = this.#settings.clock.now();
    const closed = this.#isClosing;
    const error = closed && cause.kind !== 'closed' ? this.#error('closed', 'connect', 'closed', cause) : cause;
    const wasReady = this.#info !== undefined;
    this.#info = undefined;
    this.#session = undefined;
    this.#abortDependents(closed ? 'closed' : 'connection-lost', error.message);
    if (wasReady) {
      this.#downSince = now;
      this.#brief = now - this.#readySince < STEADY_MS ? this.#brief + 1 : 0;
      this.#failures = this.#brief;
    }
    const waitMs = backoffMs(this.#options.backoff, this.#failures, this.#options.random);
    if (!closed) this.#retry = this.#settings.clock.setTimeout(() => this.#attempt(), waitMs);
    if (wasReady) {
      this.#tell((observer) => observer.onDisconnected?.(error));
    } else {
      this.#failures++;
      this.#failedAttempts++;
      if (!closed) this.#tell((observer) => observer.onConnectFailed?.(error, waitMs));
    }
  }

  #abortDependents(kind: 'connection-lost' | 'closed', why: string): void {
    for (const dependent of [...this.#dependents]) dependent.abort(kind, why);
  }

  #tell(what: (observer: Observer) => void): void {
    for (const observer of this.#observers) {
      try {
        what(observer);
      } catch (error) {
        this.#options.onObserverError(error);
      }
    }
  }

  #error(kind: LibvirtErrorKind, procedure: string, why: string, cause?: unknown): LibvirtError {
    return new LibvirtError(why, { kind, uri: this.#settings.uri.text, procedure, mayHaveRun: false, cause });
  }
}
