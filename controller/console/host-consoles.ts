import { sleep } from '#controller/kube/index.ts';
import type { Clock, KubeLogger } from '#controller/kube/index.ts';
import type { ConsoleStream } from '#controller/libvirt/index.ts';
import { Follower } from './follower.ts';
import type { ConsoleSink } from './follower.ts';
import { Tap } from './tap.ts';
import { consoleTail } from './text.ts';
import type { Throttle } from './throttle.ts';
import { Turns } from './turns.ts';

/** Consoles of one host that are open at once, captured or followed; each is a connection to its libvirtd. */
export const MAX_CONSOLES = 256;
/** Followers of one console, and of all of a host. */
export const MAX_FOLLOWERS_OF_ONE = 8;
export const MAX_FOLLOWERS = 64;
/** A follower is shown at least so much of what was written before it came. */
const KEEP_BYTES = 16_384;
/** What is read beyond captureBytes, so that escape sequences which are removed, or begin before, do not shorten the tail. */
const SLACK_BYTES = 4_096;
/** libvirtd lets few clients (20) be on their way in at once. */
const OPENING_AT_ONCE = 4;
const FOLLOW_OPEN_MS = 10_000;
/** A console that is not left by then does not keep its domain from being destroyed. */
const LEAVE_WITHIN_MS = 6_000;

export interface HostConsolesParts {
  readonly host: string;
  /** False where the host has no consoles: the test driver. */
  readonly supported: boolean;
  /** Opens a domain's console; rejects with LibvirtError. */
  readonly open: (uuid: string) => Promise<ConsoleStream>;
  readonly clock: Clock;
  readonly logger: KubeLogger;
  /** What all consoles together may read. */
  readonly shared: Throttle;
  /** A captured console is at its end. */
  readonly over: (uuid: string) => void;
}

/** What came of the wish to read a console. */
export type FollowAnswer =
  /** Output goes to the sink from `start` on, until the sink is ended, or left. */
  | {
      readonly kind: 'following';
      readonly start: () => void;
      /** The sink takes more. */
      readonly drained: () => void;
      readonly leave: () => void;
    }
  | { readonly kind: 'no-console'; readonly why: string }
  | { readonly kind: 'unavailable'; readonly why: string };

interface Console {
  readonly tap: Tap;
  readonly isCaptured: boolean;
  /** Followers, with those that wait for it to open. */
  followers: number;
  /** Aborts when it has been left, or is at its end. */
  readonly done: AbortController;
}

/**
 * The consoles of one host's domains. A host gives each console to one reader alone (a second one is refused with error 9),
 * so that what is captured and what is followed come from one stream.
 */
export class HostConsoles {
  readonly #parts: HostConsolesParts;
  readonly #consoles = new Map<string, Console>();
  readonly #opening = new Turns(OPENING_AT_ONCE);
  #followers = 0;
  #isFullTold = false;
  #closed = false;

  constructor(parts: HostConsolesParts) {
    this.#parts = parts;
  }

  /** Consoles that are open, or are to be. */
  get size(): number {
    return this.#consoles.size;
  }

  /** Keeps the last bytes that this domain writes, from now (on Xen: from its start) on. Idempotent. */
  capture(uuid: string, captureBytes: number): void {
    if (!this.#parts.supported || captureBytes <= 0) return;
    const known = this.#consoles.get(uuid);
    if (known !== undefined) {
      known.tap.kick();
      return;
    }
    const opened = this.#open(uuid, Math.max(captureBytes + SLACK_BYTES, KEEP_BYTES), true);
    if (opened !== undefined || this.#isFullTold || this.#closed) return;
    this.#isFullTold = true;
    const { host, logger } = this.#parts;
    logger.warn('A console is not captured, since too many are open', { host, uuid, most: MAX_CONSOLES });
  }

  /** ms for which the rest of a captured console is still waited for; the first call says that its domain has ended. */
  lingerMs(uuid: string): number {
    const console = this.#consoles.get(uuid);
    return console?.isCaptured === true ? console.tap.lingerMs() : 0;
  }

  /** The last of what a captured domain wrote, as safe text of at most so many bytes; undefined where nothing was read. */
  tail(uuid: string, captureBytes: number): string | undefined {
    const console = this.#consoles.get(uuid);
    if (console?.isCaptured !== true) return undefined;
    const { bytes, isCut } = console.tap.kept;
    const text = consoleTail(bytes, isCut, captureBytes);
    return text === '' ? undefined : text;
  }

  /**
   * Hands a domain's output on: what is kept of it, and with `live` what comes, until its end. Opens the console where it
   * is not, and leaves it again with the last follower, unless it is captured.
   */
  async follow(uuid: string, captureBytes: number, sink: ConsoleSink, live: boolean): Promise<FollowAnswer> {
    const { host, supported } = this.#parts;
    if (!supported) return { kind: 'no-console', why: `its host ${host} has no consoles` };
    this.capture(uuid, captureBytes);
    const console = this.#consoles.get(uuid) ?? this.#open(uuid, KEEP_BYTES, false);
    if (console === undefined) return tooMany(`${MAX_CONSOLES} consoles of ${host} are open`);
    if (console.followers >= MAX_FOLLOWERS_OF_ONE) return tooMany(`${MAX_FOLLOWERS_OF_ONE} others follow it`);
    if (this.#followers >= MAX_FOLLOWERS) return tooMany(`${MAX_FOLLOWERS} followers read consoles of ${host}`);
    this.#followers += 1;
    console.followers += 1;
    let left = false;
    const leave = (): void => {
      if (left) return;
      left = true;
      this.#followers -= 1;
      console.followers -= 1;
      console.tap.remove(follower);
      this.#releaseUnused(uuid, console);
    };
    const end = (complete: boolean): void => {
      leave();
      sink.end(complete);
    };
    const follower = new Follower({ write: (bytes) => sink.write(bytes), end });
    const why = await console.tap.ready(FOLLOW_OPEN_MS);
    if (why !== undefined) {
      leave();
      // Over without ever having been open: no later try would fare better.
      const kind = console.tap.state === 'over' ? 'no-console' : 'unavailable';
      return { kind, why: `its console cannot be opened: ${why}` };
    }
    const start = (): void => {
      if (live) console.tap.add(follower);
      else void readOnce(console.tap, follower);
    };
    return { kind: 'following', start, drained: () => follower.drained(), leave };
  }

  /**
   * Leaves a console whose domain is about to be destroyed, what was read of it is kept; resolves once its host knows. A
   * libvirtd (11.3) that destroys a Xen domain while its console is open may hang for good: the destroy locks the domain's
   * consoles and then the stream, while the console's hang-up locks the stream and then the consoles.
   */
  async leave(uuid: string): Promise<void> {
    const console = this.#consoles.get(uuid);
    if (console === undefined) return;
    console.tap.close(true);
    await sleep(this.#parts.clock, LEAVE_WITHIN_MS, console.done.signal);
  }

  /** The domain is gone from its host (`complete`), or nobody wants its console any more. */
  forget(uuid: string, complete: boolean): void {
    const console = this.#consoles.get(uuid);
    if (console === undefined) return;
    this.#consoles.delete(uuid);
    this.#isFullTold = false;
    console.tap.close(complete);
  }

  /** Leaves all consoles; none is opened any more. */
  close(): void {
    this.#closed = true;
    for (const uuid of [...this.#consoles.keys()]) this.forget(uuid, false);
  }

  #open(uuid: string, keepBytes: number, isCaptured: boolean): Console | undefined {
    if (this.#closed || this.#consoles.size >= MAX_CONSOLES) return undefined;
    const { clock, shared, logger, host } = this.#parts;
    const tap = new Tap({
      open: () => this.#opening.take(() => this.#parts.open(uuid)),
      clock,
      shared,
      keepBytes,
      over: () => this.#parts.over(uuid),
      failed: (error) => logger.error('A console cannot be read', { host, uuid, error }),
    });
    const console = { tap, isCaptured, followers: 0, done: new AbortController() };
    this.#consoles.set(uuid, console);
    void tap.run().then(() => {
      console.done.abort();
      this.#releaseUnused(uuid, console);
    });
    return console;
  }

  #releaseUnused(uuid: string, console: Console): void {
    if (console.isCaptured || console.followers > 0 || this.#consoles.get(uuid) !== console) return;
    this.forget(uuid, false);
  }
}

/** All that is kept, once what the host held has been read. */
async function readOnce(tap: Tap, follower: Follower): Promise<void> {
  await tap.caughtUp();
  follower.push(tap.kept.bytes);
  follower.end(true);
}

function tooMany(what: string): FollowAnswer {
  return { kind: 'unavailable', why: `${what}, which is the most: try again later` };
}
