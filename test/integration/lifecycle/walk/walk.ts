import { EPHEMERAL_DOMAIN_TEMPLATES, EPHEMERAL_DOMAINS, isFinished } from '#controller/api/index.ts';
import { isKubeError } from '#controller/kube/index.ts';
import { eventually } from '#test/support/eventually.ts';
import type { EventuallyOptions } from '#test/support/eventually.ts';
import type { Proxy } from '../../kube/support.ts';
import type { RunningController, Stage } from '../stage.ts';
import type { StageHost } from '../stage-hosts.ts';
import { History } from './history.ts';
import type { Deed } from './history.ts';
import { Player } from './player.ts';
import { TEMPLATE } from './script.ts';
import type { Fault, LifeScript, WalkStep } from './script.ts';

/** Lives that have not ended, at once. */
const AT_ONCE = 40;
const OPTIONS = { settleMs: 2_000, hostLostAfterMs: 10_000 };
const PATIENCE_MS = 180_000;

/** One walk through a script: everything that it does to the world, and what it has seen of it. */
export class Walk {
  readonly history = new History();
  /** What happened to each domain, by UUID. */
  readonly deeds = new Map<string, Set<Deed>>();
  readonly faults = new Map<Fault['kind'], number>();
  /** Each fault in words, with its time: for the message of a walk that fails. */
  readonly struck: string[] = [];
  /** Boots of hosts that have ended, as a binding names them: its watch event may come later than the host again. */
  readonly endedBoots = new Set<string>();
  readonly #stage: Stage;
  readonly #hosts: readonly StageHost[];
  readonly #proxy: Proxy;
  readonly #scripts = new Map<string, LifeScript>();
  readonly #players: readonly Player[];
  /** What is still to be done, and is under way. */
  readonly #pending = new Map<Promise<void>, string>();
  readonly #failures: Error[] = [];
  readonly #stopped = new AbortController();
  /** Faults of one thing happen one after the other. */
  readonly #queues = new Map<string, Promise<void>>();
  #controller: RunningController | undefined;
  #created = 0;

  constructor(stage: Stage, hosts: readonly StageHost[], proxy: Proxy) {
    this.#stage = stage;
    this.#hosts = hosts;
    this.#proxy = proxy;
    const parts = {
      scripts: this.#scripts,
      note: (uuid: string, deed: Deed) => this.#note(uuid, deed),
      isStoredAsRunning: (uuid: string) => this.#isStoredAsRunning(uuid),
      later: (what: string, ms: number, work: () => Promise<void>) => this.#later(what, ms, work),
    };
    this.#players = hosts.map((host) => new Player(host, parts));
  }

  get created(): number {
    return this.#created;
  }

  /** Goes through all steps; resolves when every resource is finished or gone and nothing is left to be done. */
  async run(steps: readonly WalkStep[]): Promise<void> {
    const { resourceVersion } = await this.#stage.rest.list(EPHEMERAL_DOMAINS, { namespace: this.#stage.namespace });
    const watching = this.#watch(resourceVersion);
    const playing = this.#play();
    const { name, spec } = TEMPLATE;
    await this.#stage.rest.create(EPHEMERAL_DOMAIN_TEMPLATES, { metadata: this.#metadata(name), spec });
    await this.#startController();
    for (const { name } of this.#hosts) await this.#stage.untilHost(name, 'True');
    try {
      for (const step of steps) {
        if (step.kind === 'fault') this.#strike(step.fault);
        else await this.#live(step.life);
        this.#throwFailure();
      }
      await this.#untilAllIsDone();
    } finally {
      this.#stopped.abort();
      await Promise.all([watching, playing]);
    }
  }

  async #live(life: LifeScript): Promise<void> {
    await this.#unlessFailed(
      () => {
        if (this.#unfinished() >= AT_ONCE) throw new Error(`${this.#unfinished()} lives go on: ${this.#who()}`);
      },
      { timeoutMs: PATIENCE_MS, intervalMs: 10 },
    );
    this.#scripts.set(life.name, life);
    await this.#create(life);
    if (life.deletedAfterMs !== undefined)
      this.#later(`delete ${life.name}`, life.deletedAfterMs, () => this.#delete(life));
    const { suspended } = life;
    if (suspended === undefined) return;
    this.#later(`suspend ${life.name}`, suspended.afterMs, async () => {
      await this.#suspend(life, true);
      this.#later(`resume ${life.name}`, suspended.forMs, () => this.#suspend(life, false));
    });
  }

  async #create({ name, spec }: LifeScript): Promise<void> {
    await this.#stage.rest.create(EPHEMERAL_DOMAINS, { metadata: this.#metadata(name), spec });
    this.#created += 1;
  }

  async #suspend({ name }: LifeScript, suspend: boolean): Promise<void> {
    try {
      await this.#stage.rest.patch(EPHEMERAL_DOMAINS, this.#metadata(name), { spec: { suspend } });
    } catch (error) {
      // Gone, or finished, when its spec can no longer be changed.
      if (!isKubeError(error, 'not-found', 'invalid')) throw error;
    }
  }

  #metadata(name: string): { readonly name: string; readonly namespace: string } {
    return { name, namespace: this.#stage.namespace };
  }

  async #delete(life: LifeScript): Promise<void> {
    try {
      await this.#stage.rest.delete(EPHEMERAL_DOMAINS, this.#metadata(life.name));
    } catch (error) {
      // Its time to live was over.
      if (!isKubeError(error, 'not-found')) throw error;
    }
    if (life.madeAnew) await this.#create(life);
  }

  #strike(fault: Fault): void {
    this.faults.set(fault.kind, (this.faults.get(fault.kind) ?? 0) + 1);
    const on = 'host' in fault ? `host ${fault.host}` : fault.kind;
    const before = this.#queues.get(on) ?? Promise.resolve();
    const struck = before.then(() => this.#harm(fault));
    this.#queues.set(on, struck);
    this.#track(JSON.stringify(fault), struck);
  }

  async #harm(fault: Fault): Promise<void> {
    this.struck.push(`${new Date().toISOString()} fault ${JSON.stringify(fault)}`);
    switch (fault.kind) {
      case 'controller-killed':
        this.#controller?.lifeline.die();
        await passed(fault.downMs);
        return this.#startController();
      case 'api-away':
        this.#proxy.refuse(true);
        this.#proxy.cut();
        await passed(fault.forMs);
        this.#proxy.refuse(false);
        return;
      case 'connection-cut':
      case 'daemon-killed':
      case 'daemon-paused':
        return this.#harmHost(fault, this.#hosts[fault.host]);
    }
  }

  async #harmHost(fault: Extract<Fault, { readonly host: number }>, host: StageHost | undefined): Promise<void> {
    if (host === undefined) throw new Error(`there is no host ${fault.host}`);
    if (fault.kind === 'connection-cut') {
      host.wire.cut();
      return;
    }
    if (fault.kind === 'daemon-paused') {
      host.libvirtd.pause();
      await passed(fault.forMs);
      host.libvirtd.resume();
      this.#noteAll(host, 'host-paused');
      return;
    }
    const { uuid: boot } = await host.client.poolLookupByName('hatchery');
    await host.libvirtd.kill();
    this.endedBoots.add(boot);
    await passed(fault.downMs);
    await host.revive();
    this.#noteAll(host, 'host-killed');
  }

  /** Whatever was bound there may have been touched by it. */
  #noteAll(host: StageHost, deed: Deed): void {
    for (const [uuid, name] of this.history.bound) if (name === host.name) this.#note(uuid, deed);
  }

  async #startController(): Promise<void> {
    this.#controller = await this.#stage.controller({ server: this.#proxy.server, options: OPTIONS });
  }

  async #play(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      for (const player of this.#players) player.playNew();
      await passed(5);
    }
  }

  async #watch(from: string): Promise<void> {
    const { signal } = this.#stopped;
    let resourceVersion = from;
    try {
      // The server ends a watch whose reader is too slow for it: what came meanwhile is told by the next one.
      while (!signal.aborted) {
        const options = { namespace: this.#stage.namespace, resourceVersion, timeoutSeconds: 3_600, signal };
        for await (const events of await this.#stage.rest.watch(EPHEMERAL_DOMAINS, options)) {
          for (const event of events) {
            if (event.type === 'ERROR') throw new Error(`the watch: ${JSON.stringify(event.status)}`);
            this.history.take(event);
            resourceVersion = event.type === 'BOOKMARK' ? event.resourceVersion : event.object.metadata.resourceVersion;
          }
        }
      }
    } catch (error) {
      if (!signal.aborted) this.#failed(error);
    }
  }

  async #untilAllIsDone(): Promise<void> {
    await this.#unlessFailed(
      () => {
        if (this.#unfinished() > 0) throw new Error(`${this.#unfinished()} lives go on: ${this.#who()}`);
        if (this.#pending.size === 0) return;
        const some = [...this.#pending.values()].slice(0, 5).join(', ');
        throw new Error(`${this.#pending.size} things are still to be done: ${some}`);
      },
      { timeoutMs: PATIENCE_MS },
    );
  }

  /** Waits for a check to pass; what has failed meanwhile is thrown at once. */
  async #unlessFailed(check: () => void, options: EventuallyOptions): Promise<void> {
    await eventually(() => {
      if (this.#failures.length === 0) check();
    }, options);
    this.#throwFailure();
  }

  #unfinished(): number {
    return this.#goingOn().length;
  }

  #goingOn() {
    return [...this.history.standing.values()].filter(({ status }) => !isFinished(status?.phase));
  }

  #who(): string {
    const texts = this.#goingOn().map(({ metadata, status }) => `${metadata.name} ${JSON.stringify(status)}`);
    return texts.slice(0, 3).join('; ');
  }

  #isStoredAsRunning(uuid: string): boolean {
    return this.#goingOn().some(({ status }) => status?.phase === 'Running' && status.domain?.uuid === uuid);
  }

  #note(uuid: string, deed: Deed): void {
    const known = this.deeds.get(uuid) ?? new Set();
    this.deeds.set(uuid, known.add(deed));
  }

  #later(what: string, ms: number, work: () => Promise<void>): void {
    this.#track(what, passed(ms).then(work));
  }

  #track(what: string, work: Promise<void>): void {
    const tracked = work.catch((error: unknown) => this.#failed(error)).finally(() => this.#pending.delete(tracked));
    this.#pending.set(tracked, what);
  }

  #failed(error: unknown): void {
    this.#failures.push(error instanceof Error ? error : new Error('no Error was thrown', { cause: error }));
  }

  #throwFailure(): void {
    const [failure] = this.#failures;
    if (failure !== undefined) throw failure;
  }
}

/** A part of the script's own time: nothing else is waited for. */
function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
