import { sleep } from '#controller/kube/index.ts';
import type { Clock } from '#controller/kube/index.ts';
import type { Admission, Claim, ExitReport, Receiver } from '#controller/notify/index.ts';

/** A guest without a token may speak before the watch tells of its address: it is held so long. */
const HOLD_MS = 2_000;
/** So many are held at once; more are told to come again. */
const MOST_HELD = 256;

/** What a spawn's domain is called on its host, and where it is. */
export interface SpeakerDomain {
  readonly name: string;
  readonly address: string | undefined;
  /** Whether its guest was told the token: looked up, while a visitor waits, only of a guest that does not show it. */
  readonly hasToken: () => boolean;
}

/** A spawn, as far as its guest's word goes. */
export interface Speaker {
  /** The one that only its guest was told. */
  readonly token: string | undefined;
  /** undefined: not known yet. */
  readonly domain: SpeakerDomain | undefined;
  readonly hasEnded: boolean;
  readonly exit: ExitReport | undefined;
  noticed(peer: string): void;
  reported(report: ExitReport): void;
}

export interface NoticesParts {
  readonly clock: Clock;
  /** See SpawnParts. */
  readonly hostOf: (address: string) => string | undefined;
}

/**
 * Takes in what the guests of this replica say. One that shows the token that only it was told is believed from any address
 * of a DomainHost, which is its own then: no watch event is waited for. One without is believed from the address that the
 * API server says it has.
 */
export class SpawnNotices implements Receiver {
  readonly #parts: NoticesParts;
  readonly #byToken = new Map<string, Speaker>();
  /** By the domain's name on its host. */
  readonly #byName = new Map<string, Speaker>();
  readonly #nameOf = new Map<Speaker, string>();
  /** Who waits for a name to be known. */
  readonly #held = new Map<string, Set<() => void>>();
  #heldCount = 0;

  constructor(parts: NoticesParts) {
    this.#parts = parts;
  }

  expect(spawn: Speaker): void {
    if (spawn.token !== undefined) this.#byToken.set(spawn.token, spawn);
  }

  /** A spawn's resource was seen: perhaps its domain's name is known now. */
  seen(spawn: Speaker): void {
    const name = spawn.domain?.name;
    const before = this.#nameOf.get(spawn);
    if (name === before || spawn.hasEnded) return;
    this.#forgetName(spawn, before);
    if (name === undefined) return;
    this.#byName.set(name, spawn);
    this.#nameOf.set(spawn, name);
    for (const wake of [...(this.#held.get(name) ?? [])]) wake();
  }

  forget(spawn: Speaker): void {
    if (spawn.token !== undefined) this.#byToken.delete(spawn.token);
    this.#forgetName(spawn, this.#nameOf.get(spawn));
  }

  async admit(claim: Claim): Promise<Admission> {
    const { name, peer, token } = claim;
    if (token !== undefined) {
      const spawn = this.#byToken.get(token);
      return spawn === undefined ? { kind: 'unknown' } : this.#judge(spawn, claim);
    }
    const known = this.#byName.get(name);
    if (known !== undefined) return this.#judge(known, claim);
    if (this.#parts.hostOf(peer) === undefined) return { kind: 'unknown' };
    if (this.#heldCount >= MOST_HELD) return { kind: 'unavailable', why: 'too many are waiting: come again' };
    await this.#hold(name);
    const spawn = this.#byName.get(name);
    return spawn === undefined ? { kind: 'unknown' } : this.#judge(spawn, claim);
  }

  #judge(spawn: Speaker, { name, peer, token }: Claim): Admission {
    const { domain } = spawn;
    const isElsewhere = domain === undefined ? this.#parts.hostOf(peer) === undefined : domain.address !== peer;
    if (isElsewhere) return { kind: 'stranger', why: 'this is not the address of that domain' };
    if (domain !== undefined && domain.name !== name) return { kind: 'stranger', why: 'the domain has another name' };
    if (token === undefined && domain?.hasToken() !== false) {
      return { kind: 'stranger', why: 'the token of NOTIFY_URL is missing, or another' };
    }
    return { kind: 'guest', guest: guestOf(spawn, peer) };
  }

  async #hold(name: string): Promise<void> {
    const waiting = this.#held.get(name) ?? new Set();
    this.#held.set(name, waiting);
    const known = new AbortController();
    const wake = () => known.abort();
    waiting.add(wake);
    this.#heldCount += 1;
    await sleep(this.#parts.clock, HOLD_MS, known.signal);
    this.#heldCount -= 1;
    waiting.delete(wake);
    if (waiting.size === 0 && this.#held.get(name) === waiting) this.#held.delete(name);
  }

  #forgetName(spawn: Speaker, name: string | undefined): void {
    if (name === undefined) return;
    this.#nameOf.delete(spawn);
    if (this.#byName.get(name) === spawn) this.#byName.delete(name);
  }
}

function guestOf(spawn: Speaker, peer: string): Extract<Admission, { kind: 'guest' }>['guest'] {
  return {
    ready: () => {
      spawn.noticed(peer);
      return Promise.resolve('heard');
    },
    exit: (report) => {
      if (spawn.exit !== undefined) return Promise.resolve('said-before');
      spawn.reported(report);
      return Promise.resolve('heard');
    },
  };
}
