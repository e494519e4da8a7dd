import fc from 'fast-check';

import { ControllerModel } from './controller-model.ts';
import type { Fault, Stored } from './controller-model.ts';
import { HostModel } from './host-model.ts';
import type { ModelKind } from './host-model.ts';

/** What may happen, in any order. */
export type Happening =
  | { readonly kind: 'step'; readonly fault: Fault }
  | { readonly kind: 'kill'; readonly staleCache: boolean }
  | { readonly kind: 'deliver' }
  | { readonly kind: 'unpause' }
  | { readonly kind: 'end'; readonly crash: boolean }
  | { readonly kind: 'destroy-by-hand' }
  | { readonly kind: 'restart-daemon'; readonly endsMeanwhile: boolean }
  | { readonly kind: 'reboot' }
  | { readonly kind: 'settle' }
  | { readonly kind: 'notice' }
  | { readonly kind: 'watch' }
  | { readonly kind: 'suspend'; readonly on: boolean }
  | { readonly kind: 'place'; readonly sameHost: boolean }
  | { readonly kind: 'deadline' }
  | { readonly kind: 'pass' }
  | { readonly kind: 'deaf' };

const FAULTS: readonly Fault[] = ['killed-before', 'killed-after', 'killed-under-way', 'answer-lost', 'lost-under-way'];

const fault: fc.Arbitrary<Fault> = fc.oneof(
  { weight: 3, arbitrary: fc.constant('none' as const) },
  { weight: 1, arbitrary: fc.constantFrom(...FAULTS) },
);

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('step' as const), fault }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('kill' as const), staleCache: fc.boolean() }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'deliver' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'unpause' as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('end' as const), crash: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'destroy-by-hand' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart-daemon' as const), endsMeanwhile: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'reboot' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'settle' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'notice' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'watch' as const }) },
);

const interference: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 22, arbitrary: happening },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('suspend' as const), on: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('place' as const), sameHost: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'deadline' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'pass' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'deaf' as const }) },
);

/** Faults of the controller, of its host and of what is between them. */
export const happenings = fc.array(happening, { maxLength: 60, size: 'max' });
/** These, and people who suspend, resume and set deadlines. */
export const interferences = fc.array(interference, { maxLength: 80, size: 'max' });

/** One attempt on one host: what looks after it, and the host as far as this attempt's domain goes. */
interface Life {
  readonly attempt: number;
  readonly host: HostModel;
  readonly controller: ControllerModel;
}

/** One resource, bound to one host at a time, and everything that may happen to both. */
export class World {
  readonly stored: Stored;
  readonly #kind: ModelKind;
  readonly #lives: Life[] = [];
  readonly #first: Stored;
  #now = 0;

  constructor(kind: ModelKind) {
    this.#kind = kind;
    this.stored = {
      ...{ bound: undefined, place: 0, attempt: 0, version: 0, outcome: undefined },
      ...{ suspend: false, deadline: undefined, stopping: undefined },
    };
    this.#bind(new HostModel(kind));
    this.#first = { ...this.stored };
  }

  /** Where it is bound, or was last. */
  get host(): HostModel {
    return this.#newest.host;
  }

  get hosts(): readonly HostModel[] {
    return this.#lives.map(({ host }) => host);
  }

  get attempts(): number {
    return this.stored.attempt;
  }

  /** How often the domain of an attempt ran, the most of all attempts. */
  get mostRuns(): number {
    const runs = new Map<number, number>();
    for (const { attempt, host } of this.#lives) {
      runs.set(attempt, (runs.get(attempt) ?? 0) + host.runs);
    }
    return Math.max(...runs.values());
  }

  get #newest(): Life {
    const life = this.#lives.at(-1);
    if (life === undefined) throw new Error('it was bound at least once');
    return life;
  }

  happen(what: Happening): void {
    switch (what.kind) {
      case 'step':
        this.#step(what.fault);
        return;
      case 'kill':
        this.#restart(what.staleCache ? this.#first : this.stored);
        return;
      case 'deliver':
        for (const host of this.hosts) deliver(host);
        return;
      case 'unpause':
        for (const host of this.hosts) host.unpause();
        return;
      case 'end':
        this.host.end(what.crash && this.host.kind !== 'lxc' ? 'crashed' : 'power-off');
        return;
      case 'destroy-by-hand':
        // The one hole that DESIGN.md names: by hand, before Running is stored.
        if (this.stored.bound?.started !== false) this.host.destroyByHand();
        return;
      case 'restart-daemon':
        for (const host of this.hosts) host.restartDaemon(what.endsMeanwhile);
        this.#disconnect();
        return;
      case 'reboot':
        for (const host of this.hosts) host.reboot();
        this.#disconnect();
        return;
      case 'settle':
        this.#settle();
        return;
      case 'notice':
        for (const { controller } of this.#lives) controller.notice();
        return;
      case 'watch':
        for (const { controller } of this.#lives) controller.watch();
        return;
      case 'pass':
        this.#now += 1;
        return;
      case 'deaf':
        this.host.deaf = true;
        return;
      case 'suspend':
      case 'place':
      case 'deadline':
        this.#interfere(what);
        return;
    }
  }

  #interfere(what: Extract<Happening, { kind: 'suspend' | 'place' | 'deadline' }>): void {
    const { stored } = this;
    if (stored.outcome !== undefined) return;
    switch (what.kind) {
      case 'suspend':
        stored.suspend = what.on;
        stored.version += 1;
        return;
      case 'deadline':
        if (stored.bound === undefined) return;
        stored.deadline = this.#now;
        stored.version += 1;
        return;
      case 'place':
        if (stored.bound === undefined && !stored.suspend) this.#place(what.sameHost);
        return;
    }
  }

  /** An attempt that was unbound unasked may be bound again where it was. */
  #place(sameHost: boolean): void {
    const isSame = this.#newest.attempt === this.stored.attempt + 1;
    if (isSame && sameHost) this.#bindAgain(this.#newest);
    else this.#bind(new HostModel(this.#kind));
  }

  #bind(host: HostModel): void {
    this.stored.place += 1;
    this.#storeBinding(host);
    const { attempt } = this.stored;
    this.#lives.push({ attempt, host, controller: new ControllerModel(host, this.stored, true) });
  }

  #bindAgain({ host, controller }: Life): void {
    this.#storeBinding(host);
    controller.rebound();
  }

  #storeBinding({ boot, daemon }: HostModel): void {
    this.stored.bound = { hostBoot: boot, hostDaemon: daemon, started: false };
    this.stored.attempt += 1;
    this.stored.version += 1;
  }

  #step(fault: Fault): void {
    const [newest, ...older] = this.#lives.toReversed();
    for (const { controller } of older) controller.step('none', this.#now);
    const killed = newest?.controller.step(fault, this.#now).killed === true;
    if (killed) this.#restart(this.#first);
    else if (fault !== 'none') newest?.controller.disconnected();
  }

  #restart(cache: Stored): void {
    for (const { controller } of this.#lives) controller.restart(cache);
  }

  #disconnect(): void {
    for (const { controller } of this.#lives) controller.disconnected();
  }

  #settle(): void {
    for (const host of this.hosts) {
      while (host.underway.length > 0) deliver(host);
      host.unpause();
    }
    this.#disconnect();
    for (const { controller } of this.#lives) controller.settled();
  }

  /** No more faults, and nobody interferes: everything comes to rest. */
  comeToRest(): void {
    this.happen({ kind: 'suspend', on: false });
    for (let round = 0; round < 30; round += 1) {
      this.happen({ kind: 'settle' });
      this.happen({ kind: 'watch' });
      this.happen({ kind: 'pass' });
      for (let i = 0; i < 4; i += 1) this.happen({ kind: 'step', fault: 'none' });
      this.happen({ kind: 'place', sameHost: true });
      this.happen({ kind: 'end', crash: false });
      this.happen({ kind: 'notice' });
    }
  }
}

function deliver(host: HostModel): void {
  const request = host.underway.shift();
  if (request !== undefined) host.act(request);
}
