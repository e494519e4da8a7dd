import { countClient, createCrowd, createNeighbourhood, nextTurn, setTurn } from './crowd.ts';
import type { Crowd, Neighbourhood, Waiter } from './crowd.ts';
import { LinkedList } from './list.ts';
import type { Place } from './list.ts';
import { ReturnRate } from './rate.ts';
import { retryAfterSeconds, SentAway } from './retry-after.ts';
import type {
  Admission,
  AdmissionOptions,
  AdmissionRefusal,
  Applicant,
  Load,
  Refused,
  Slot,
  TemplateLimits,
} from './types.ts';

/** What was learned of a template is forgotten when nobody asked for it for so long. */
const FORGET_MS = 60_000;
/** With fewer templates than this nothing is forgotten. */
const FEW = 64;

/**
 * Gives slots to requests, each the right to have one domain: at once where one is free, else in turn. Namespaces take
 * turns, within each its templates, and within each of those who came first is first. Everything is O(1) but for a change
 * of the number of replicas, which looks at each template once.
 */
export class AdmissionQueue {
  readonly #options: AdmissionOptions;
  readonly #now: () => number;
  readonly #namespaces = new Map<string, Neighbourhood>();
  /** Namespaces that have a template with somebody waiting and a slot to give, in the order of their turns. */
  readonly #ring = new LinkedList<Neighbourhood>();
  readonly #rate: ReturnRate;
  readonly #sentAway: SentAway;
  #replicas: number;
  #held = 0;
  #waiting = 0;
  #templates = 0;
  #sweepAt = FEW;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#now = () => options.clock.now();
    this.#rate = new ReturnRate(this.#now);
    this.#sentAway = new SentAway(this.#now);
    this.#replicas = Math.max(options.replicas ?? 1, 1);
  }

  /** Of all templates. */
  get load(): Load {
    return { waiting: this.#waiting, held: this.#held };
  }

  loadOf(namespace: string, template: string): Load {
    const crowd = this.#namespaces.get(namespace)?.crowds.get(template);
    return { waiting: crowd?.waiting.size ?? 0, held: crowd?.held ?? 0 };
  }

  /** The refusal of a request for which there is now neither a slot nor a place to wait; undefined where there is one. */
  refusal(applicant: Applicant): Refused | undefined {
    return this.#refusalFrom(this.#crowdFor(applicant), applicant.client);
  }

  /**
   * Asks for a slot. Never rejects; resolves at once unless the request has to wait. The signal aborts when the visitor
   * leaves; once a slot is given it counts no more.
   */
  admit(applicant: Applicant, signal: AbortSignal): Promise<Admission> {
    if (signal.aborted) return Promise.resolve({ kind: 'left' });
    const { client } = applicant;
    const crowd = this.#crowdFor(applicant);
    const refusal = this.#refusalFrom(crowd, client);
    if (refusal !== undefined) return Promise.resolve(refusal);
    countClient(crowd, client, 1);
    if (this.#hasRoom(crowd)) return Promise.resolve({ kind: 'admitted', slot: this.#take(crowd, client, 0) });
    return this.#wait(crowd, client, signal);
  }

  /** When a visitor should come again who had a slot, but no host had a place: seconds. */
  retryAfter(namespace: string, template: string): number {
    const crowd = this.#namespaces.get(namespace)?.crowds.get(template);
    return crowd === undefined ? 1 : this.#comeAgain(crowd, false);
  }

  /** A template was edited: its limits count from now on. Those who wait already go on waiting. */
  limitsChanged(namespace: string, template: string, limits: TemplateLimits): void {
    const crowd = this.#namespaces.get(namespace)?.crowds.get(template);
    if (crowd !== undefined) this.#setLimits(crowd, limits);
  }

  /** So many replicas are alive, this one included: each takes its share of each limit. */
  replicasChanged(replicas: number): void {
    this.#replicas = Math.max(replicas, 1);
    for (const { crowds } of this.#namespaces.values()) for (const crowd of crowds.values()) this.#update(crowd);
    this.#serve();
  }

  #refusalFrom(crowd: Crowd, client: string): Refused | undefined {
    const reason = this.#refusalFor(crowd, client);
    return reason === undefined ? undefined : this.#refuse(crowd, reason);
  }

  /** The crowd that it belongs to, with the limits that it brings. */
  #crowdFor({ namespace, template, limits }: Applicant): Crowd {
    const crowd = this.#crowdOf(namespace, template, limits);
    this.#setLimits(crowd, limits);
    return crowd;
  }

  #crowdOf(namespace: string, template: string, limits: TemplateLimits): Crowd {
    const known = this.#namespaces.get(namespace)?.crowds.get(template);
    if (known !== undefined) return known;
    this.#forgetIdle();
    const neighbourhood = this.#namespaces.get(namespace) ?? createNeighbourhood(namespace);
    this.#namespaces.set(namespace, neighbourhood);
    const crowd = createCrowd(neighbourhood, template, limits, this.#now);
    neighbourhood.crowds.set(template, crowd);
    this.#templates += 1;
    return crowd;
  }

  #refusalFor(crowd: Crowd, client: string): AdmissionRefusal | undefined {
    const { maxPerClient = Infinity, maxQueued } = crowd.limits;
    const { total } = this.#options;
    if ((crowd.clients.get(client) ?? 0) >= maxPerClient) return 'ClientLimit';
    if (this.#hasRoom(crowd)) return undefined;
    if (crowd.waiting.size >= this.#share(maxQueued)) return 'QueueFull';
    return this.#waiting >= this.#share(total.maxQueued) ? 'IngressFull' : undefined;
  }

  /** Whether a slot is free, and nobody waits for it. */
  #hasRoom(crowd: Crowd): boolean {
    return (
      crowd.waiting.size === 0 && this.#hasSlot(crowd) && this.#held < this.#share(this.#options.total.maxConcurrent)
    );
  }

  #hasSlot({ held, limits }: Crowd): boolean {
    return held < this.#share(limits.maxConcurrent);
  }

  /** Rounded up, so that each replica has something to give. */
  #share(limit: number): number {
    return Math.ceil(limit / this.#replicas);
  }

  #wait(crowd: Crowd, client: string, signal: AbortSignal): Promise<Admission> {
    return new Promise((resolve) => {
      const leave = () => {
        this.#remove(crowd, place);
        countClient(crowd, client, -1);
        resolve({ kind: 'left' });
      };
      const answer = (admission: Admission) => {
        signal.removeEventListener('abort', leave);
        resolve(admission);
      };
      const place = crowd.waiting.push({ client, since: this.#now(), answer });
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting += 1;
      this.#update(crowd);
    });
  }

  #remove(crowd: Crowd, place: Place<Waiter>): void {
    crowd.waiting.remove(place);
    this.#waiting -= 1;
    this.#update(crowd);
  }

  #take(crowd: Crowd, client: string, waitedMs: number): Slot {
    crowd.held += 1;
    this.#held += 1;
    crowd.rate.taken();
    this.#rate.taken();
    let isHeld = true;
    const release = () => {
      if (!isHeld) return;
      isHeld = false;
      crowd.held -= 1;
      this.#held -= 1;
      crowd.rate.returned();
      this.#rate.returned();
      countClient(crowd, client, -1);
      this.#update(crowd);
      this.#serve();
    };
    return { waitedMs, release };
  }

  /** Gives what is free to who waits. */
  #serve(): void {
    const limit = this.#share(this.#options.total.maxConcurrent);
    while (this.#held < limit) {
      const crowd = nextTurn(this.#ring);
      const waiter = crowd?.waiting.shift();
      if (crowd === undefined || waiter === undefined) return;
      this.#waiting -= 1;
      const slot = this.#take(crowd, waiter.client, this.#now() - waiter.since);
      this.#update(crowd);
      waiter.answer({ kind: 'admitted', slot });
    }
  }

  #setLimits(crowd: Crowd, limits: TemplateLimits): void {
    if (crowd.limits === limits) return;
    const before = this.#queueTimeoutMs(crowd);
    crowd.limits = limits;
    if (this.#queueTimeoutMs(crowd) !== before) stopTimer(crowd);
    this.#update(crowd);
    this.#serve();
  }

  /** Whether it is its turn once, and the time of who waits longest, after any change. */
  #update(crowd: Crowd): void {
    crowd.usedAt = this.#now();
    setTurn(this.#ring, crowd, crowd.waiting.size > 0 && this.#hasSlot(crowd));
    const { first } = crowd.waiting;
    if (first === undefined) {
      stopTimer(crowd);
    } else {
      // One that comes too early, since who waited longest is gone, looks again.
      const left = first.since + this.#queueTimeoutMs(crowd) - this.#now();
      crowd.timer ??= this.#options.clock.after(left, () => this.#timeUp(crowd));
    }
  }

  #queueTimeoutMs({ limits }: Crowd): number {
    return Math.min(limits.queueTimeoutMs, this.#options.total.queueTimeoutMs);
  }

  #timeUp(crowd: Crowd): void {
    crowd.timer = undefined;
    const came = this.#now() - this.#queueTimeoutMs(crowd);
    for (let { first } = crowd.waiting; first !== undefined && first.since <= came; { first } = crowd.waiting) {
      crowd.waiting.shift();
      this.#dismiss(crowd, first, 'QueueTimeout');
    }
    this.#update(crowd);
  }

  /** Of who was in the queue. */
  #dismiss(crowd: Crowd, { client, answer }: Waiter, reason: AdmissionRefusal): void {
    this.#waiting -= 1;
    countClient(crowd, client, -1);
    answer(this.#refuse(crowd, reason));
  }

  /** What a client that asks for too much is told moves nobody else's turn. */
  #refuse(crowd: Crowd, reason: AdmissionRefusal): Refused {
    const isOfAll = reason === 'IngressFull';
    const seconds = this.#comeAgain(crowd, isOfAll);
    if (reason !== 'ClientLimit') (isOfAll ? this.#sentAway : crowd.sentAway).add(seconds);
    return { kind: 'refused', reason, retryAfterSeconds: seconds };
  }

  #comeAgain(crowd: Crowd, isOfAll: boolean): number {
    const { maxConcurrent, maxQueued } = isOfAll ? this.#options.total : crowd.limits;
    const sentAway = isOfAll ? this.#sentAway : crowd.sentAway;
    return retryAfterSeconds(
      {
        waiting: isOfAll ? this.#waiting : crowd.waiting.size,
        sentAway: sentAway.count,
        rate: (isOfAll ? this.#rate : crowd.rate).perSecond(),
        maxConcurrent: this.#share(maxConcurrent),
        maxQueued: this.#share(maxQueued),
        queueTimeoutMs: this.#queueTimeoutMs(crowd),
      },
      this.#options.random,
    );
  }

  /** Forgets templates that nobody asks for; looked for each time that their number has doubled. */
  #forgetIdle(): void {
    if (this.#templates < this.#sweepAt) return;
    const before = this.#now() - FORGET_MS;
    for (const { name, crowds } of this.#namespaces.values()) {
      for (const [template, { held, waiting, usedAt }] of crowds) {
        if (held === 0 && waiting.size === 0 && usedAt < before && crowds.delete(template)) this.#templates -= 1;
      }
      if (crowds.size === 0) this.#namespaces.delete(name);
    }
    this.#sweepAt = Math.max(this.#templates * 2, FEW);
  }
}

function stopTimer(crowd: Crowd): void {
  crowd.timer?.cancel();
  crowd.timer = undefined;
}
