import { sleep } from '#controller/kube/index.ts';
import type { Clock } from '#controller/kube/index.ts';
import { LibvirtError } from '#controller/libvirt/index.ts';
import type { ConsoleStream, LibvirtErrorKind } from '#controller/libvirt/index.ts';
import type { Follower } from './follower.ts';
import { Ring } from './ring.ts';
import { Throttle } from './throttle.ts';
import type { Rate } from './throttle.ts';

/**
 * Read of one console. More is left with the host until later, so that it costs nothing here: Xen's xenconsoled throws away
 * what it cannot hold; on LXC the guest waits, as it does for ever where nobody reads. A MiB read costs some 6 ms of CPU.
 */
const CONSOLE_RATE: Rate = { bytesPerSecond: 8_388_608, burst: 4_194_304 };
/** After a domain's end: its console counts as read when it has been silent for so long, … */
const QUIET_MS = 100;
/** … or, silent or not, so long after that (or after it was opened), … */
const LINGER_MS = 300;
/** … and is given so long to open at all. */
const OPEN_WITHIN_MS = 1_000;
/**
 * The domain is gone, or it or its host has no console. Not that it is not running, nor an internal error: a libvirtd that
 * was restarted may say so of a domain that runs.
 */
const FINAL: ReadonlySet<LibvirtErrorKind> = new Set<LibvirtErrorKind>([
  ...(['no-domain', 'no-support', 'config-unsupported', 'invalid-arg', 'access-denied', 'closed'] as const),
]);
const RETRY_MS = { min: 250, max: 10_000 };

export interface TapParts {
  /** Opens the domain's console; rejects with LibvirtError. */
  readonly open: () => Promise<ConsoleStream>;
  readonly clock: Clock;
  /** What all consoles together may read. */
  readonly shared: Throttle;
  /** Bytes that are kept of what was read. */
  readonly keepBytes: number;
  /** The console is at its end: who waits for that need not any longer. */
  readonly over: () => void;
  /** An error that is not the host's. */
  readonly failed: (error: unknown) => void;
}

/** waiting: for another try; over: nothing more will come of it. */
export type TapState = 'opening' | 'open' | 'waiting' | 'over';

/** What became of one opening. */
type Outcome = 'over' | 'again';

/**
 * One domain's console, read once for all who want it: kept in a ring, handed on to followers. It is opened again after a
 * connection was lost, for as long as it is not closed; what was read before is kept.
 */
export class Tap {
  readonly #parts: TapParts;
  readonly #ring: Ring;
  readonly #followers = new Set<Follower>();
  readonly #own: Throttle;
  readonly #closed = new AbortController();
  /** Aborts when waiting makes no sense any more: the domain has ended. */
  readonly #hurry = new AbortController();
  readonly #changes = new Set<() => void>();
  #pause = new AbortController();
  #stream: ConsoleStream | undefined;
  #state: TapState = 'opening';
  #complete = false;
  #why = 'it is being opened';
  /** Monotonic ms. */
  #openedAt = -Infinity;
  #heardAt = -Infinity;
  #endedAt: number | undefined;
  #settled = false;

  constructor(parts: TapParts) {
    this.#parts = parts;
    this.#ring = new Ring(parts.keepBytes);
    this.#own = new Throttle(() => parts.clock.now(), CONSOLE_RATE);
  }

  get state(): TapState {
    return this.#state;
  }

  /** What is kept, and whether more was written before. */
  get kept(): { readonly bytes: Buffer; readonly isCut: boolean } {
    return { bytes: this.#ring.contents(), isCut: this.#ring.isCut };
  }

  /** Reads until close(), or until nothing more will come; the host knows by then. Call once; never rejects. */
  async run(): Promise<void> {
    for (let pause = RETRY_MS.min; !this.#closed.signal.aborted; pause = Math.min(pause * 2, RETRY_MS.max)) {
      const openedBefore = this.#openedAt;
      const outcome = await this.#read();
      if (outcome === 'over') break;
      if (this.#openedAt !== openedBefore) pause = RETRY_MS.min;
      this.#become('waiting');
      this.#pause = new AbortController();
      await sleep(this.#parts.clock, pause, AbortSignal.any([this.#closed.signal, this.#pause.signal]));
      if (!isAborted(this.#closed.signal)) this.#become('opening');
    }
    this.#become('over');
    for (const follower of this.#followers) follower.end(this.#complete);
    this.#followers.clear();
  }

  async #read(): Promise<Outcome> {
    try {
      const stream = await this.#parts.open();
      this.#stream = stream;
      if (isAborted(this.#closed.signal)) this.#leave();
      this.#openedAt = this.#parts.clock.now();
      this.#become('open');
      for await (const bytes of stream) await this.#take(bytes);
      this.#complete ||= !isAborted(this.#closed.signal);
      return 'over';
    } catch (error) {
      return this.#afterFailure(error);
    } finally {
      this.#stream = undefined;
    }
  }

  /** Keeps and hands on; then pauses where more is read than may be, unless the domain has ended and hardly any is left. */
  async #take(bytes: Buffer): Promise<void> {
    const { clock, shared } = this.#parts;
    this.#heardAt = clock.now();
    this.#ring.push(bytes);
    for (const follower of this.#followers) follower.push(bytes);
    const pause = Math.max(this.#own.charge(bytes.length), shared.charge(bytes.length));
    if (pause > 0) await sleep(clock, pause, this.#hurry.signal);
  }

  #afterFailure(error: unknown): Outcome {
    if (!(error instanceof LibvirtError)) {
      this.#parts.failed(error);
      this.#why = 'it could not be read';
      return 'over';
    }
    this.#why = error.message;
    this.#complete ||= error.kind === 'no-domain';
    return FINAL.has(error.kind) ? 'over' : 'again';
  }

  #become(state: TapState): void {
    if (this.#state === state) return;
    this.#state = state;
    for (const change of [...this.#changes]) change();
    const isGivenUp = state === 'waiting' && this.#endedAt !== undefined;
    if (state === 'over' || isGivenUp) this.#parts.over();
  }

  /** ms for which what a domain wrote before its end may still be on its way; the first call says that it has ended. */
  lingerMs(): number {
    const now = this.#parts.clock.now();
    this.#endedAt ??= now;
    this.#hurry.abort();
    const left = this.#settled ? 0 : Math.max(this.#lingersUntil(this.#endedAt) - now, 0);
    this.#settled = left === 0;
    return left;
  }

  #lingersUntil(endedAt: number): number {
    switch (this.#state) {
      case 'opening':
        return endedAt + OPEN_WITHIN_MS;
      case 'open': {
        const since = Math.max(endedAt, this.#openedAt);
        return Math.min(Math.max(since, this.#heardAt) + QUIET_MS, since + LINGER_MS);
      }
      case 'waiting':
      case 'over':
        return -Infinity;
    }
  }

  /** Resolves once it is open or at its end; with why not where it is neither within `ms`. */
  async ready(ms: number): Promise<string | undefined> {
    const isReady = (): boolean => this.#state === 'open' || (this.#state === 'over' && this.#openedAt > -Infinity);
    const settled = new AbortController();
    const look = (): void => {
      if (isReady() || this.#state !== 'opening') settled.abort();
    };
    this.#changes.add(look);
    look();
    await sleep(this.#parts.clock, ms, settled.signal);
    this.#changes.delete(look);
    return isReady() ? undefined : this.#why;
  }

  /** Resolves once what the host held when the console was opened has been read, as far as that can be told. */
  async caughtUp(): Promise<void> {
    const { clock } = this.#parts;
    for (;;) {
      const until = Math.min(Math.max(this.#openedAt, this.#heardAt) + QUIET_MS, this.#openedAt + LINGER_MS);
      if (this.#state !== 'open' || until <= clock.now()) return;
      await sleep(clock, until - clock.now(), this.#closed.signal);
    }
  }

  /** Hands on what is kept and, until it leaves, what comes. */
  add(follower: Follower): void {
    follower.push(this.#ring.contents());
    if (this.#state === 'over') follower.end(this.#complete);
    else this.#followers.add(follower);
  }

  remove(follower: Follower): void {
    this.#followers.delete(follower);
    follower.leave();
  }

  /** Tries again at once, where it waits to: the host answers again. */
  kick(): void {
    this.#pause.abort();
  }

  /** Leaves the console. `complete`: its domain is gone, so that followers have read it to its end. */
  close(complete: boolean): void {
    if (this.#closed.signal.aborted) return;
    this.#complete ||= complete;
    this.#closed.abort();
    this.#hurry.abort();
    this.#leave();
  }

  #leave(): void {
    this.#stream?.close().catch((error: unknown) => this.#parts.failed(error));
  }
}

function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
