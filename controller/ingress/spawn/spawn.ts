import type { Socket } from 'node:net';

import { effectiveSpec, EPHEMERAL_DOMAINS, isFinished } from '#controller/api/index.ts';
import type { EphemeralDomain, ReadinessSpec } from '#controller/api/index.ts';
import { refersTo } from '#controller/domain/cmdline.ts';
import { confirmDeletion, isKubeError, sleep } from '#controller/kube/index.ts';
import type { Clock, Disappearance, KubeLogger, NewObject, RestClient, Timer } from '#controller/kube/index.ts';
import type { ExitReport } from '#controller/notify/index.ts';
import { awaitAnswer, connectGuest } from './connect.ts';
import { createResource } from './create.ts';
import { failureOf, refusalOf } from './failure.ts';
import type { SpawnFailure } from './failure.ts';
import type { SpawnMarks } from './marks.ts';
import type { Speaker, SpeakerDomain } from './notices.ts';
import { removeResource } from './remove.ts';
import type { Reaching, SpawnBackend, Spawned, SpawnEnd } from './types.ts';

export interface SpawnParts {
  readonly rest: Pick<RestClient, 'create' | 'get' | 'delete'>;
  readonly clock: Clock;
  readonly logger: KubeLogger;
  /** Resolves when the watch may be relied on; false: it never will. */
  readonly synced: () => Promise<boolean>;
  /** The answer to a POST, which may be sooner than the watch. */
  readonly created: (resource: EphemeralDomain) => void;
  /** DomainHost whose domainCIDR holds this address; undefined: none. */
  readonly hostOf: (address: string) => string | undefined;
}

/** Mutable marks. */
type Marks = { -readonly [K in keyof SpawnMarks]: SpawnMarks[K] };

const LOOK_AGAIN_MS = 1_000;
const DEFAULT_PERIOD_MS = 200;

/** One request's domain; see Spawned. What happens to its resource is told by seen() and gone(). */
export class Spawn implements Spawned, Speaker {
  readonly namespace: string;
  readonly name: string;
  uid: string | undefined;
  readonly #parts: SpawnParts;
  readonly #backend: SpawnBackend;
  readonly #body: NewObject<EphemeralDomain>;
  readonly #reachable = Promise.withResolvers<Reaching>();
  readonly #ended = Promise.withResolvers<SpawnEnd>();
  readonly #marks: Marks;
  readonly #timer: Timer;
  readonly #stopHearing: () => void;
  #resource: EphemeralDomain | undefined;
  /** Address of which the port is looked at, and what ends that. */
  #lookedAt: string | undefined;
  #looking: AbortController | undefined;
  #isReached = false;
  #hasEnded = false;
  /** The visitor left, or it took too long: nobody wants it any more. */
  #isUnwanted = false;
  readonly #creating: Promise<void>;
  #removal: Promise<void> | undefined;
  #exit: ExitReport | undefined;

  constructor(parts: SpawnParts, backend: SpawnBackend, body: NewObject<EphemeralDomain>, signal: AbortSignal) {
    this.#parts = parts;
    this.#backend = backend;
    this.#body = body;
    this.namespace = backend.namespace;
    this.name = body.metadata.name ?? '';
    this.#marks = { begun: parts.clock.now() };
    this.#timer = parts.clock.after(backend.spawnTimeoutMs, () => this.#timeUp());
    const leave = () => this.#leave();
    signal.addEventListener('abort', leave, { once: true });
    this.#stopHearing = () => signal.removeEventListener('abort', leave);
    this.#creating = this.#create().catch((error: unknown) => {
      parts.logger.error('A request’s EphemeralDomain could not be made', { ...this.#ref, error });
      this.#fail({ kind: 'api-unavailable', message: 'the ingress failed' });
      this.#end({ kind: 'never-created' });
    });
    if (signal.aborted) this.#leave();
  }

  get reachable(): Promise<Reaching> {
    return this.#reachable.promise;
  }

  get ended(): Promise<SpawnEnd> {
    return this.#ended.promise;
  }

  get marks(): SpawnMarks {
    return { ...this.#marks, timeline: this.#resource?.status?.timeline };
  }

  get host(): string | undefined {
    return this.#resource?.status?.host;
  }

  get exit(): ExitReport | undefined {
    return this.#exit;
  }

  /** The token that its guest was told. */
  get token(): string | undefined {
    return this.#body.spec.request?.notify?.token;
  }

  get domain(): SpeakerDomain | undefined {
    const resource = this.#resource;
    const { domain, address } = resource?.status ?? {};
    if (resource === undefined || domain?.name === undefined) return undefined;
    const hasToken = () => refersTo(effectiveSpec(resource)?.domain.boot.cmdline ?? '', 'NOTIFY_URL');
    return { name: domain.name, address, hasToken };
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  delete(): Promise<void> {
    this.#isUnwanted = true;
    if (this.#hasEnded) return Promise.resolve();
    // While the POST is under way there is nothing to delete yet: that is done after its answer.
    if (this.uid === undefined) return this.#creating;
    this.#removal ??= this.#remove();
    return this.#removal;
  }

  /** Its guest has said that it is ready, from this address. */
  noticed(peer: string): void {
    if (this.#isReached) return;
    this.#reach(peer, undefined);
  }

  reported(report: ExitReport): void {
    this.#exit ??= report;
  }

  /** A version of its resource. */
  seen(resource: EphemeralDomain): void {
    if (this.#hasEnded) return;
    this.#resource = resource;
    this.uid ??= resource.metadata.uid;
    const { status } = resource;
    if (status?.host !== undefined) this.#marks.bound ??= this.#parts.clock.now();
    if (status !== undefined && isFinished(status.phase)) {
      const { phase = '', reason = '', message = '' } = status;
      this.#fail(failureOf(status));
      this.#end({ kind: 'finished', phase, reason, message });
    } else if (this.#isUnwanted) void this.delete();
    else if (status?.address === undefined) this.#stopLooking();
    else this.#look(status.address);
  }

  /** Its resource is no longer watched. */
  gone(how: Disappearance): void {
    if (this.#hasEnded) return;
    void this.#confirm(how).catch((error: unknown) => {
      this.#parts.logger.error('Whether an EphemeralDomain is deleted cannot be told', { ...this.#ref, error });
    });
  }

  get #ref() {
    return { namespace: this.namespace, name: this.name };
  }

  async #create(): Promise<void> {
    const { rest, clock, synced, created } = this.#parts;
    const isWanted = () => !this.#isUnwanted && !this.#hasEnded;
    if (!(await synced()) || !isWanted()) {
      this.#fail({ kind: 'api-unavailable', message: 'the ingress is starting or ending' });
      this.#end({ kind: 'never-created' });
      return;
    }
    const creation = await createResource(rest, this.#body, clock, isWanted);
    switch (creation.kind) {
      case 'created':
        this.#marks.created = clock.now();
        this.uid ??= creation.resource.metadata.uid;
        created(creation.resource);
        if (!isWanted()) await this.delete();
        return;
      case 'refused':
        this.#fail(refusalOf(creation.error));
        this.#end({ kind: 'never-created' });
        return;
      case 'not-created':
        this.#end({ kind: 'never-created' });
        return;
      case 'in-doubt':
        // Where it was made after all the watch tells, and it is deleted then.
        await this.#settle();
    }
  }

  /** Nobody knows whether it was made. */
  async #settle(): Promise<void> {
    const isGone = await removeResource(this.#parts, this.#ref, undefined);
    if (isGone && this.uid === undefined) this.#end({ kind: 'never-created' });
  }

  #leave(): void {
    this.#fail({ kind: 'left' });
    void this.delete();
  }

  #timeUp(): void {
    const { created, bound } = this.#marks;
    const isCreated = created !== undefined || this.uid !== undefined;
    this.#fail({ kind: 'timed-out', during: !isCreated ? 'create' : bound === undefined ? 'schedule' : 'boot' });
    void this.delete();
  }

  async #remove(): Promise<void> {
    const isDeleted = await removeResource(this.#parts, this.#ref, this.uid);
    if (isDeleted) this.#end({ kind: 'deleted' });
  }

  /** Deleted, or only without our label? A domain that runs keeps its slot. */
  async #confirm(how: Disappearance): Promise<void> {
    const { rest, clock } = this.#parts;
    const known = this.#resource;
    while (known !== undefined && how !== 'replaced' && this.#removal === undefined && !this.#hasEnded) {
      try {
        const verdict = await confirmDeletion(rest, EPHEMERAL_DOMAINS, known, { timeoutMs: 3_000 });
        if (verdict.kind !== 'exists') break;
        this.seen(verdict.object);
      } catch (error) {
        if (!isKubeError(error)) throw error;
      }
      await sleep(clock, LOOK_AGAIN_MS);
    }
    this.#fail({ kind: 'guest-ended', reason: 'Deleted', message: 'its EphemeralDomain was deleted' });
    this.#end({ kind: 'deleted' });
  }

  /** Begins to look at the guest's port, where that is what makes it reachable. */
  #look(address: string): void {
    if (this.#isReached || this.#lookedAt === address) return;
    const { readiness } = this.#backend.template.spec.template.spec.domain;
    if (readiness?.notify !== undefined) return;
    this.#stopLooking();
    this.#lookedAt = address;
    this.#looking = new AbortController();
    this.#lookAt(address, readiness, this.#looking.signal).catch((error: unknown) => {
      this.#parts.logger.error('A guest cannot be looked at', { ...this.#ref, address, error });
    });
  }

  async #lookAt(address: string, readiness: ReadinessSpec | undefined, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    const { port, connections } = this.#backend;
    const { http, periodMilliseconds = DEFAULT_PERIOD_MS } = readiness ?? {};
    if (http !== undefined && connections === 'many') {
      const isReady = await awaitAnswer({ address, ...http }, periodMilliseconds, clock, signal);
      if (isReady && !signal.aborted) this.#reach(address, undefined);
      return;
    }
    const socket = await connectGuest(address, port, clock, signal);
    if (socket === undefined) return;
    if (signal.aborted) socket.destroy();
    else this.#reach(address, socket);
  }

  /** An address that it has no longer may be another guest's, which serves one connection. */
  #stopLooking(): void {
    this.#looking?.abort();
    this.#looking = undefined;
    this.#lookedAt = undefined;
  }

  #reach(address: string, socket: Socket | undefined): void {
    if (this.#isReached) {
      socket?.destroy();
      return;
    }
    const now = this.#parts.clock.now();
    this.#marks.ready = now;
    this.#marks.reachable = now;
    const host = this.#resource?.status?.host ?? this.#parts.hostOf(address);
    this.#settleReaching({ kind: 'reachable', guest: { address, port: this.#backend.port, host, socket } });
  }

  #fail(failure: SpawnFailure): void {
    if (!this.#isReached) this.#settleReaching({ kind: 'failed', failure });
  }

  #settleReaching(reaching: Reaching): void {
    this.#isReached = true;
    this.#timer.cancel();
    this.#stopLooking();
    this.#reachable.resolve(reaching);
  }

  #end(end: SpawnEnd): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#marks.ended = this.#parts.clock.now();
    this.#stopHearing();
    this.#fail({ kind: 'guest-ended', reason: 'Deleted', message: 'its EphemeralDomain was deleted' });
    this.#ended.resolve(end);
  }
}
