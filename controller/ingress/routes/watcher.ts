import { EPHEMERAL_DOMAIN_TEMPLATES } from '#controller/api/index.ts';
import { INGRESS_CLASSES, INGRESSES, keyOf } from '#controller/kube/index.ts';
import type {
  Clock,
  EventRecorder,
  KubeLogger,
  KubeMetrics,
  Random,
  RestClient,
  Timer,
} from '#controller/kube/index.ts';
import type { KeyPairs, SecretReading } from './certificates.ts';
import type { Certificate } from './keypair.ts';
import { mirrorOf } from './mirror.ts';
import type { Mirror } from './mirror.ts';
import { ProblemTeller } from './problems.ts';
import { Secrets } from './secrets.ts';
import { EMPTY_SNAPSHOT, planOf } from './snapshot.ts';
import type { Snapshot } from './snapshot.ts';
import { StatusKeeper } from './status.ts';
import type { Addresses } from './status.ts';

export interface RoutesOptions {
  readonly client: RestClient;
  readonly events: Pick<EventRecorder, 'event'>;
  readonly logger: KubeLogger;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics?: KubeMetrics;
  /** Whose Ingresses, templates and Secrets are read. None: every namespace's. */
  readonly namespaces: readonly string[];
  /** What status.loadBalancer says. None: it is not written. */
  readonly addresses: Addresses;
  /** Shown to clients that name no host, or one that no Ingress has a certificate for. */
  readonly defaultCertificate?: () => Certificate | undefined;
  /** Secrets followed at once, each a connection to the API server. Default 500. */
  readonly maxSecrets?: number;
}

/** Keeps a snapshot of routes and certificates equal to what the API server holds. */
export interface Routes {
  /** The latest. Take it once for a request: what changes later is for later requests. */
  current(): Snapshot;
  /** Resolves when a first whole snapshot is there: all routes, and each certificate that can be read. Never where run() ends before. */
  readonly synced: Promise<void>;
  /** The default certificate is another one. */
  refresh(): void;
  /** Until the signal aborts; resolves when all watches have ended. Call once. */
  run(signal: AbortSignal): Promise<void>;
}

/** Changes that come together (an Ingress and its Secret, a list) make one new snapshot. */
const SETTLE_MS = 20;
/** A certificate expires without a change of its Secret. */
const LOOK_AGAIN_MS = 3_600_000;
const DEFAULT_MAX_SECRETS = 500;

/** Routes that follow the API server once run() was called. */
export const createRoutes = (options: RoutesOptions): Routes => new Watcher(options);

class Watcher implements Routes {
  readonly #options: RoutesOptions;
  readonly #ingresses;
  readonly #classes;
  readonly #templates;
  readonly #secrets: Secrets;
  readonly #teller: ProblemTeller;
  readonly #status: StatusKeeper;
  readonly #keyPairs: KeyPairs = new WeakMap();
  readonly #synced = Promise.withResolvers<undefined>();
  #snapshot: Snapshot = EMPTY_SNAPSHOT;
  #pending: Timer | undefined;
  #again: Timer | undefined;
  #stopped = false;

  constructor(options: RoutesOptions) {
    this.#options = options;
    const changed = (): void => this.#schedule();
    this.#ingresses = mirrorOf(INGRESSES, options, options.namespaces, changed);
    this.#classes = mirrorOf(INGRESS_CLASSES, options, [], changed);
    this.#templates = mirrorOf(EPHEMERAL_DOMAIN_TEMPLATES, options, options.namespaces, changed);
    this.#secrets = new Secrets({ ...options, most: options.maxSecrets ?? DEFAULT_MAX_SECRETS, changed });
    this.#teller = new ProblemTeller(options.events);
    this.#status = new StatusKeeper({
      ...options,
      find: (key) => this.#ingresses.get(key),
      put: (ingress) => this.#ingresses.put(ingress),
    });
  }

  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  current(): Snapshot {
    return this.#snapshot;
  }

  refresh(): void {
    this.#schedule();
  }

  async run(signal: AbortSignal): Promise<void> {
    const stop = (): void => {
      this.#stopped = true;
      this.#pending?.cancel();
      this.#again?.cancel();
    };
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    const mirrors: readonly Mirror[] = [this.#ingresses, this.#classes, this.#templates];
    await Promise.all([...mirrors.map((mirror) => mirror.run(signal)), this.#status.run(signal)]);
    await this.#secrets.close();
  }

  #schedule(): void {
    if (this.#stopped || this.#pending !== undefined) return;
    this.#pending = this.#options.clock.after(SETTLE_MS, () => {
      this.#pending = undefined;
      this.#rebuild();
    });
  }

  #rebuild(): void {
    const { clock, addresses, defaultCertificate } = this.#options;
    if (![this.#ingresses, this.#classes, this.#templates].every((mirror) => mirror.hasSynced())) return;
    const plan = planOf({
      ingresses: this.#ingresses.list(),
      classes: this.#classes.list(),
      template: (key) => this.#templates.get(key),
    });
    this.#secrets.follow(plan.secrets);
    const read = (namespace: string, name: string): SecretReading => this.#secrets.read(keyOf({ namespace, name }));
    const { snapshot, problems } = plan.build({
      read,
      defaultCertificate: defaultCertificate?.(),
      keyPairs: this.#keyPairs,
      now: clock.date(),
    });
    this.#snapshot = snapshot;
    this.#teller.tell(problems, (key) => plan.ours.get(key));
    if (addresses.length > 0) this.#status.follow(plan.ours);
    if (this.#secrets.settled) this.#synced.resolve(undefined);
    this.#again?.cancel();
    this.#again = clock.after(LOOK_AGAIN_MS, () => this.#schedule());
  }
}
