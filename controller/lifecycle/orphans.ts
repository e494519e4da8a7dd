/** More orphans than this, and more than half of what a host lists, look like a wiped API server and not like deletions. */
const MANY = 20;
const SLOWLY_A_MINUTE = 10;

/** What of a host's domains seems to be orphaned. */
export interface Survey {
  /** Domains that the host lists. */
  readonly listed: number;
  readonly orphans: readonly string[];
}

/**
 * Says when a domain whose resource is gone may be destroyed: at once, unless there are so many that the API server may
 * have lost them by mistake; then so slowly that a person can step in.
 */
export class OrphanGuard {
  readonly #now: () => number;
  readonly #survey: () => Survey;
  readonly #orphans = new Set<string>();
  #listed = 0;
  #slow = false;
  #isDoubtful = false;
  #next = 0;

  constructor(now: () => number, survey: () => Survey) {
    this.#now = now;
    this.#survey = survey;
  }

  /** Whether orphans are held back, and how many there are. */
  get state(): { readonly many: boolean; readonly count: number } {
    return { many: this.#slow, count: this.#orphans.size };
  }

  /** Looks at all of them: after a list of the host. */
  judge(): void {
    const { listed, orphans } = this.#survey();
    this.#isDoubtful = false;
    this.#listed = listed;
    this.#orphans.clear();
    for (const uuid of orphans) this.#orphans.add(uuid);
    this.#judge();
  }

  /** A resource is gone and nobody told of a deletion: as in an API server that was emptied, others may be too. */
  doubt(): void {
    this.#isDoubtful = true;
  }

  /** ms until this orphan may be destroyed; 0: now (and the turn is taken). */
  turn(uuid: string): number {
    if (this.#isDoubtful) this.judge();
    this.#orphans.add(uuid);
    if (!this.#slow) return 0;
    const now = this.#now();
    if (now < this.#next) return this.#next - now;
    this.#next = Math.max(this.#next, now) + 60_000 / SLOWLY_A_MINUTE;
    return 0;
  }

  /** It is no orphan, or no longer there. */
  gone(uuid: string): void {
    if (this.#orphans.delete(uuid)) this.#judge();
  }

  /** Once held back, until few are left: destroying half of them must not set the rest free. */
  #judge(): void {
    const few = this.#orphans.size <= MANY;
    if (few) this.#slow = false;
    else if (this.#orphans.size * 2 > this.#listed) this.#slow = true;
  }
}
