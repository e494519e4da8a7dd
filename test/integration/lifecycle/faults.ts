import type { RestClient } from '#controller/kube/index.ts';
import type { Hypervisor, Observer } from '#controller/libvirt/index.ts';

/** Calls that change something in the world: a controller may be killed before or after each of them. */
const WRITES: ReadonlySet<string> = new Set([
  ...['create', 'patch', 'patchStatus', 'delete'],
  ...['defineXml', 'createXml', 'shutdown', 'destroy', 'undefine', 'sendProcessSignal', 'volCreateXml', 'volDelete'],
  ...['volUpload', 'volWipe'],
]);

/** One call that changed something. */
export interface Effect {
  readonly call: string;
  /** Kind of the API object, or 'libvirt'. */
  readonly on: string;
  readonly name: string;
}

/** Where to kill. */
export interface Kill {
  /** Which of the effects that `on` accepts, from 1. */
  readonly at: number;
  readonly when: 'before' | 'after';
  readonly counts?: (effect: Effect) => boolean;
}

/**
 * Stands between a controller and the world. Once dead, nothing goes out any more and nothing comes back, as if the process
 * had been killed with -9.
 */
export class Lifeline {
  readonly effects: Effect[] = [];
  readonly #kill: Kill | undefined;
  readonly #died: () => void;
  #counted = 0;
  isDead = false;

  constructor(kill: Kill | undefined, died: () => void) {
    this.#kill = kill;
    this.#died = died;
  }

  die(): void {
    if (this.isDead) return;
    this.isDead = true;
    this.#died();
  }

  rest(client: RestClient): RestClient {
    return this.#wrap(client, (args) => {
      const [type, ref] = args as [{ readonly kind?: string } | undefined, { readonly name?: string } | undefined];
      return { on: type?.kind ?? '', name: ref?.name ?? '' };
    });
  }

  hypervisor(host: Hypervisor): Hypervisor {
    return this.#wrap(host, (args) => {
      const [subject] = args as [{ readonly uuid?: string } | string | undefined];
      return { on: 'libvirt', name: typeof subject === 'object' ? (subject.uuid ?? '') : '' };
    });
  }

  observer(observer: Observer | undefined): Observer {
    const alive =
      <A extends readonly unknown[]>(tell: ((...args: A) => void) | undefined) =>
      (...args: A) => {
        if (!this.isDead) tell?.(...args);
      };
    return {
      onConnected: alive(observer?.onConnected?.bind(observer)),
      onDisconnected: alive(observer?.onDisconnected?.bind(observer)),
      onConnectFailed: alive(observer?.onConnectFailed?.bind(observer)),
      onLifecycle: alive(observer?.onLifecycle?.bind(observer)),
      onReboot: alive(observer?.onReboot?.bind(observer)),
    };
  }

  #wrap<T extends object>(target: T, describe: (args: readonly unknown[]) => Omit<Effect, 'call'>): T {
    return new Proxy(target, {
      get: (object, property) => {
        const value: unknown = Reflect.get(object, property, object);
        if (typeof value !== 'function') return value;
        const send = (args: readonly unknown[]): unknown => Reflect.apply(value, object, args);
        if (property === 'close') return (...args: readonly unknown[]) => send(args);
        return (...args: readonly unknown[]) => {
          if (this.isDead) return NEVER;
          if (!WRITES.has(String(property))) return this.#answer(send(args));
          return this.#effect({ call: String(property), ...describe(args) }, () => send(args));
        };
      },
    });
  }

  #effect(effect: Effect, send: () => unknown): unknown {
    const counts = this.#kill?.counts?.(effect) ?? true;
    if (counts) this.#counted += 1;
    const isHere = counts && this.#counted === this.#kill?.at;
    if (isHere && this.#kill.when === 'before') {
      this.die();
      return NEVER;
    }
    this.effects.push(effect);
    const answer = send();
    if (!isHere || !(answer instanceof Promise)) return this.#answer(answer);
    return answer.then(
      () => (this.die(), NEVER),
      () => (this.die(), NEVER),
    );
  }

  /** What comes back after death is not heard. */
  #answer(answer: unknown): unknown {
    if (!(answer instanceof Promise)) return answer;
    return answer.then(
      (value: unknown) => (this.isDead ? NEVER : value),
      (error: unknown) => {
        if (this.isDead) return NEVER;
        throw error;
      },
    );
  }
}

const NEVER = new Promise<never>(() => undefined);
