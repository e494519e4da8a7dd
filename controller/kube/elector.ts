import { sleep, systemClock } from './clock.ts';
import type { Clock, Random, Timer } from './clock.ts';
import { isKubeError } from './errors.ts';
import type { Lease, LeaseEnd, LeaseOptions } from './lease.ts';
import { acquired, Observation, released, renewed } from './lease-record.ts';
import { silentLogger } from './logger.ts';
import type { KubeLogger } from './logger.ts';
import { LEASES } from './resources.ts';
import type { LeaseObject } from './resources.ts';

const DEFAULT_DURATION_MS = 15_000;
const DEFAULT_RENEW_DEADLINE_MS = 10_000;
const DEFAULT_RETRY_PERIOD_MS = 2_000;
/** client-go's: retries of contenders spread over up to this part more. */
const JITTER = 0.2;
const DEFAULT_DRAIN_MS = 30_000;

/** A lease to stand for. The three durations must fall from duration over renew deadline to retry period. */
export function createLease(options: LeaseOptions): Lease {
  return new Elector(options);
}

class Elector implements Lease {
  readonly #options: LeaseOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: KubeLogger;
  readonly #durationMs: number;
  readonly #renewDeadlineMs: number;
  readonly #retryPeriodMs: number;
  readonly #observation: Observation;
  /** Aborts when work must end: on stop and on loss. */
  readonly #work = new AbortController();
  /** Aborts when nothing more may be sent: on loss, and once given up. */
  readonly #held = new AbortController();
  /** Our own record as last written: what a renewal builds on. Set while leading only. */
  #own: LeaseObject | undefined;
  /** By the monotonic clock. */
  #heldUntil = -Infinity;
  #deadline: Timer | undefined;
  #end: LeaseEnd | undefined;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#logger = options.logger ?? silentLogger;
    this.#durationMs = options.durationMs ?? DEFAULT_DURATION_MS;
    this.#renewDeadlineMs = options.renewDeadlineMs ?? DEFAULT_RENEW_DEADLINE_MS;
    this.#retryPeriodMs = options.retryPeriodMs ?? DEFAULT_RETRY_PERIOD_MS;
    if (options.identity === '') throw new RangeError(`lease ${options.name}: the identity is empty`);
    if (this.#durationMs <= this.#renewDeadlineMs || this.#renewDeadlineMs <= this.#retryPeriodMs * (1 + JITTER)) {
      throw new RangeError(`lease ${options.name}: needs duration > renew deadline > 1.2 retry periods`);
    }
    this.#observation = new Observation(this.#clock);
  }

  get signal(): AbortSignal {
    return this.#held.signal;
  }

  get holder(): string | undefined {
    return this.#observation.holder;
  }

  isHeld(): boolean {
    return !this.signal.aborted && this.#clock.now() < this.#heldUntil;
  }

  async run(signal: AbortSignal): Promise<LeaseEnd> {
    while (!(await this.#tryAcquire(signal))) {
      if (signal.aborted) return this.#over('stopped');
      await sleep(this.#clock, this.#retryPeriodMs * (1 + JITTER * this.#random()), signal);
      if (isAborted(signal)) return this.#over('stopped');
    }
    return this.#lead(signal);
  }

  async #lead(signal: AbortSignal): Promise<LeaseEnd> {
    const { name, identity, metrics } = this.#options;
    this.#logger.info('leading', { lease: name, identity });
    metrics?.leading(name, true);
    const onStop = (): void => void this.#over('stopped');
    signal.addEventListener('abort', onStop, { once: true });
    if (signal.aborted) onStop();
    try {
      await this.#workWhileRenewing();
    } finally {
      signal.removeEventListener('abort', onStop);
      if (this.#end === 'stopped') await this.#release();
      this.#deadline?.cancel();
      this.#held.abort(new Error(`lease ${name} is over`));
      metrics?.leading(name, false);
      this.#logger.info('no longer leading', { lease: name, identity, why: this.#end });
      this.#tell(() => this.#options.onStoppedLeading?.(this.#end ?? 'stopped'));
    }
    return this.#end ?? 'stopped';
  }

  /** Until the work has ended (or, stopped, had its time to), renewing all the while unless the lease is lost. */
  async #workWhileRenewing(): Promise<void> {
    const { onStartedLeading, drainTimeoutMs } = this.#options;
    const ended = new AbortController();
    const work = (async () => {
      await onStartedLeading?.(this.#work.signal);
      // Work that only starts things and returns leads until the signal says otherwise.
      await aborted(this.#work.signal);
    })().finally(() => ended.abort());
    const tooLate = aborted(this.#work.signal)
      .then(() => sleep(this.#clock, drainTimeoutMs ?? DEFAULT_DRAIN_MS, ended.signal))
      .then(() => {
        if (ended.signal.aborted) return;
        this.#logger.warn('work goes on after its time to end', { lease: this.#options.name });
        this.#over('expired');
        ended.abort();
      });
    const renewing = this.#renewUntil(ended.signal);
    try {
      await Promise.race([work, tooLate]);
    } catch (error) {
      this.#over('stopped');
      throw error;
    } finally {
      ended.abort();
      await renewing;
    }
  }

  /** Renews each retry period until told to end, or the lease is lost. */
  async #renewUntil(ended: AbortSignal): Promise<void> {
    for (;;) {
      await sleep(this.#clock, this.#retryPeriodMs, ended);
      if (ended.aborted || this.#lost()) return;
      await this.#renew();
    }
  }

  #lost(): boolean {
    return this.#end === 'expired' || this.#end === 'replaced';
  }

  async #renew(): Promise<void> {
    const own = this.#own;
    if (own === undefined) return;
    const start = this.#clock.now();
    try {
      const next = renewed(own, this.#clock.date());
      this.#extend(await this.#options.client.replace(LEASES, next, this.#call()), start);
    } catch (error) {
      this.#logger.warn('lease not renewed', { lease: this.#options.name, error: String(error) });
      // A conflict may be our own renewal whose answer was lost; whose it is stands in the record.
      if (isKubeError(error, 'conflict', 'not-found')) await this.#inspect(own);
    }
  }

  /** After a conflict: goes on from the record there is if it is still ours, else it is over. */
  async #inspect(own: LeaseObject): Promise<void> {
    try {
      const found = await this.#options.client.get(LEASES, this.#options, this.#call());
      this.#see(found);
      // acquireTime tells our own record from that of another process under the same identity, which took it over.
      const { holderIdentity, acquireTime } = found.spec ?? {};
      if (holderIdentity === this.#options.identity && acquireTime === own.spec?.acquireTime) this.#own = found;
      else this.#over('replaced');
    } catch (error) {
      if (isKubeError(error, 'not-found')) this.#over('replaced');
      else this.#logger.warn('lease not readable', { lease: this.#options.name, error: String(error) });
    }
  }

  /** One try to get the lease: creates it, or takes one that is ours by name, given up, or run out by our own clock. */
  async #tryAcquire(signal: AbortSignal): Promise<boolean> {
    const { client, identity, namespace, name, annotations } = this.#options;
    const call = { timeoutMs: this.#renewDeadlineMs / 2, signal };
    try {
      const found = await this.#find(call);
      if (found !== undefined) {
        this.#see(found);
        const holder = found.spec?.holderIdentity ?? '';
        if (holder !== '' && holder !== identity && this.#observation.isFresh()) return false;
      }
      const writeStart = this.#clock.now();
      const seconds = Math.ceil(this.#durationMs / 1000);
      const spec = acquired(found, identity, seconds, this.#clock.date(), this.#random);
      const metadata = { namespace, name, ...(annotations === undefined ? {} : { annotations }) };
      const written =
        found === undefined
          ? await client.create(LEASES, { metadata, spec }, call)
          : await client.replace(
              LEASES,
              { ...found, metadata: withAnnotations(found.metadata, annotations), spec },
              call,
            );
      this.#extend(written, writeStart);
      return this.isHeld();
    } catch (error) {
      if (!signal.aborted && !isKubeError(error, 'conflict', 'already-exists')) {
        this.#logger.warn('lease not acquired', { lease: name, error: String(error) });
      }
      return false;
    }
  }

  async #find(call: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<LeaseObject | undefined> {
    try {
      return await this.#options.client.get(LEASES, this.#options, call);
    } catch (error) {
      if (isKubeError(error, 'not-found')) return undefined;
      throw error;
    }
  }

  /** Held from when the request was sent, not from its answer: another's clock may have started right then. */
  #extend(written: LeaseObject, sentAt: number): void {
    const until = sentAt + this.#renewDeadlineMs;
    if (this.#lost() || until <= this.#clock.now()) return;
    this.#see(written);
    this.#own = written;
    this.#heldUntil = until;
    this.#deadline?.cancel();
    this.#deadline = this.#clock.after(until - this.#clock.now(), () => void this.#over('expired'));
  }

  #see(lease: LeaseObject): void {
    const before = this.#observation.holder;
    this.#observation.see(lease);
    const now = this.#observation.holder;
    if (now !== undefined && now !== '' && now !== before) this.#tell(() => this.#options.onNewLeader?.(now));
  }

  /** A listener's fault must not cost the lease. */
  #tell(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#logger.error('a listener failed', { lease: this.#options.name, error: String(error) });
    }
  }

  /** Ends the work. A lease lost while stopping is lost: it must not be given up in another's name. */
  #over(why: LeaseEnd): LeaseEnd {
    if (!this.#lost()) this.#end = why;
    const reason = new Error(`lease ${this.#options.name}: ${why}`);
    this.#work.abort(reason);
    if (why !== 'stopped') this.#held.abort(reason);
    return this.#end ?? why;
  }

  async #release(): Promise<void> {
    if (this.#own === undefined || !this.isHeld()) return;
    try {
      await this.#options.client.replace(LEASES, released(this.#own, this.#clock.date()), this.#call());
      this.#logger.info('lease given up', { lease: this.#options.name });
    } catch (error) {
      // It runs out by itself.
      this.#logger.warn('lease not given up', { lease: this.#options.name, error: String(error) });
    }
  }

  /** While leading: half of the renew deadline, so that one silent connection leaves time for another try. */
  #call(): { readonly timeoutMs: number; readonly signal: AbortSignal } {
    const left = this.#heldUntil - this.#clock.now();
    return { timeoutMs: Math.max(1, Math.min(left, this.#renewDeadlineMs / 2)), signal: this.#held.signal };
  }
}

function withAnnotations(
  metadata: LeaseObject['metadata'],
  annotations: Readonly<Record<string, string>> | undefined,
): LeaseObject['metadata'] {
  return annotations === undefined
    ? metadata
    : { ...metadata, annotations: { ...metadata.annotations, ...annotations } };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
