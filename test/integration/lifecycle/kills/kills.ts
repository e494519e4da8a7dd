import assert from 'node:assert/strict';

import { EPHEMERAL_DOMAIN_TEMPLATES, EPHEMERAL_DOMAINS, isFinished } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import { attemptUuid } from '#controller/domain/identity.ts';
import { CONFIG_MAPS } from '#controller/kube/index.ts';
import type { WatchEvent } from '#controller/kube/index.ts';
import { sharedCluster } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createStage } from '../stage.ts';
import type { Stage } from '../stage.ts';
import type { StageHost } from '../stage-hosts.ts';
import { History } from '../walk/history.ts';
import { Checkpoint, imageOf } from './checkpoint.ts';
import type { When } from './checkpoint.ts';
import { hello, LIVES } from './lives.ts';
import type { LifeKind, LifeName, Surroundings } from './lives.ts';
import type { Point } from './points.ts';
import { guardApi, guardHost } from './sightings.ts';
import { startVictim } from './victim.ts';
import type { Victim } from './victim.ts';

/** What became of a life. */
export interface Ended {
  /** Of its last version. */
  readonly phase: string;
  readonly reason: string;
  readonly attempt: number;
  readonly isDeleted: boolean;
  /** How often the domain of each attempt was started, by its host's own events. */
  readonly starts: readonly number[];
}

/** The last version of a resource. */
interface Seen {
  readonly resource: EphemeralDomain;
  readonly isDeleted: boolean;
}

/** Without a kill, on a busy machine. */
const PATIENCE_MS = 60_000;
const MOST_ATTEMPTS = 4;

/** A stage whose controller is the real program, watched at the API server and at the host, and killed where it is told. */
export class Kills {
  readonly history = new History();
  readonly checkpoint: Checkpoint;
  readonly #stage: Stage;
  readonly #last = new Map<string, Seen>();
  readonly #stopped = new AbortController();
  #host: StageHost | undefined;
  #victim: Victim | undefined;
  #watching: Promise<void> | undefined;

  private constructor(stage: Stage) {
    this.#stage = stage;
    this.checkpoint = new Checkpoint(() => {
      this.#victim?.kill();
      this.#host?.wire.cut();
    });
  }

  static async open(): Promise<Kills> {
    const cluster = await sharedCluster();
    const stage = await createStage();
    const kills = new Kills(stage);
    const { checkpoint } = kills;
    kills.#host = await stage.host({}, (procedure, message) => guardHost(checkpoint, procedure, message));
    const { resourceVersion } = await stage.rest.list(EPHEMERAL_DOMAINS, { namespace: stage.namespace });
    kills.#watching = kills.#watch(resourceVersion);
    // Whoever held it last may have been killed.
    await cluster.kubectl(['delete', 'lease', 'hatchery-controller', '-n', 'hatchery-system', '--ignore-not-found']);
    kills.#victim = await startVictim(cluster, stage.label, (asked) => guardApi(checkpoint, asked));
    await stage.untilHost(kills.#host.name, 'True');
    return kills;
  }

  get host(): StageHost {
    if (this.#host === undefined) throw new Error('open() makes the host first');
    return this.#host;
  }

  get deaths(): number {
    return this.#victim?.deaths ?? 0;
  }

  /** Lets a life be lived to its end; the controller is killed at this point of it, where one is given. */
  async live(name: string, life: LifeName, at?: { readonly point: Point; readonly when: When }): Promise<Living> {
    const kind: LifeKind = LIVES[life];
    const spec = kind.spec(name);
    await this.#furnish(name, spec.templateRef !== undefined);
    const killed =
      at === undefined ? Promise.resolve() : this.checkpoint.set({ ...at.point, life: name, when: at.when });
    const { metadata } = await this.#stage.rest.create(EPHEMERAL_DOMAINS, {
      metadata: { name, namespace: this.#stage.namespace },
      spec,
    });
    const ended = this.#end(name, metadata.uid, kind);
    // It is waited for, and fails, where it is asked for.
    ended.catch(() => undefined);
    return { killed: this.#unlessEnded(name, killed, ended), ended };
  }

  /** A life that has ended comes to no more points, but its event may follow. */
  async #unlessEnded(name: string, killed: Promise<void>, ended: Promise<Ended>): Promise<void> {
    const missed = ended.then(
      async () => {
        await passed(PATIENCE_MS);
        return true;
      },
      () => true,
    );
    if ((await Promise.race([killed, missed])) === true) throw new Error(`${name}: was not killed`);
  }

  /** Throws unless the host holds nothing but images. */
  async untilNothingIsLeft(): Promise<void> {
    const { client } = this.host;
    const pool = await client.poolLookupByName('hatchery');
    await eventually(
      async () => {
        assert.deepEqual(await client.listAllDomains(), []);
        const volumes = await client.poolListAllVolumes(pool);
        assert.deepEqual(
          volumes.filter(({ name }) => name.startsWith('hatchery-')),
          [],
        );
        const { allocated } = (await this.#stage.getHost(this.host.name)).status ?? {};
        assert.deepEqual([allocated?.domains, allocated?.addresses], [0, 0]);
      },
      { timeoutMs: 30_000 },
    );
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    await this.#watching;
    await this.#victim?.stop();
    await this.#stage.dispose();
  }

  async #furnish(name: string, hasTemplate: boolean): Promise<void> {
    const { client } = this.host;
    const pool = await client.poolLookupByName('hatchery');
    await client.volCreateXml(pool, `<volume><name>${imageOf(name)}</name><capacity>1024</capacity></volume>`);
    if (!hasTemplate) return;
    const metadata = { name, namespace: this.#stage.namespace };
    await this.#stage.rest.create(CONFIG_MAPS, { metadata, data: { word: 'hello' } });
    const { domain } = hello(name);
    const spec = { template: { spec: { domain } }, parametersSchema: { required: ['WORD'] } };
    await this.#stage.rest.create(EPHEMERAL_DOMAIN_TEMPLATES, { metadata, spec });
  }

  async #end(name: string, uid: string, kind: LifeKind): Promise<Ended> {
    await kind.play(name, this.#surroundings());
    await this.#until(name, ({ resource, isDeleted }) => {
      if (isDeleted) return;
      if (kind.outcome.phase === 'deleted' || kind.outcome.isDeleted) throw new Error('not deleted');
      if (!isFinished(resource.status?.phase)) throw new Error('not finished');
    });
    const uuids = Array.from({ length: MOST_ATTEMPTS }, (_, index) => attemptUuid(uid, index + 1));
    await this.#patiently(async () => {
      const listed = (await this.host.client.listAllDomains()).map(({ uuid }) => uuid);
      const left = listed.filter((uuid) => uuids.includes(uuid));
      assert.deepEqual(left, [], `${name}: its domain is left on the host`);
    });
    const { resource, isDeleted } = this.#latest(name);
    const { phase = '', reason = '', attempt = 0 } = resource.status ?? {};
    const starts = uuids.slice(0, attempt).map((uuid) => this.host.starts.get(uuid) ?? 0);
    return { phase, reason, attempt, isDeleted, starts };
  }

  #surroundings(): Surroundings {
    return {
      stage: this.#stage,
      host: this.host,
      until: async (name, check) => this.#until(name, ({ resource }) => check(resource)),
      running: async (name, attempt) => {
        await this.#until(name, ({ resource: { status } }) => {
          assert.deepEqual([status?.phase, status?.attempt], ['Running', attempt]);
        });
        return this.#latest(name).resource.status?.domain?.uuid ?? '';
      },
    };
  }

  /** Gives up when nothing was killed for a while: each kill puts off what goes on. */
  async #until(name: string, check: (seen: Seen) => void): Promise<void> {
    await this.#patiently(() => {
      try {
        check(this.#latest(name));
      } catch (error) {
        if (error instanceof Error) error.message += `; ${JSON.stringify(this.#last.get(name)?.resource.status)}`;
        throw error;
      }
    });
  }

  async #patiently(check: () => void | Promise<void>): Promise<void> {
    for (;;) {
      const { deaths } = this;
      try {
        await eventually(check, { timeoutMs: PATIENCE_MS, intervalMs: 50 });
        return;
      } catch (error) {
        if (this.deaths === deaths) throw error;
      }
    }
  }

  #latest(name: string): Seen {
    const last = this.#last.get(name);
    if (last === undefined) throw new Error(`${name} was not seen yet`);
    return last;
  }

  async #watch(resourceVersion: string): Promise<void> {
    const { signal } = this.#stopped;
    const { rest, namespace } = this.#stage;
    try {
      const stream = await rest.watch(EPHEMERAL_DOMAINS, { namespace, resourceVersion, timeoutSeconds: 3_600, signal });
      for await (const events of stream) for (const event of events) this.#see(event);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  #see(event: WatchEvent<EphemeralDomain>): void {
    this.history.take(event);
    if (event.type === 'BOOKMARK' || event.type === 'ERROR') return;
    this.#last.set(event.object.metadata.name, { resource: event.object, isDeleted: event.type === 'DELETED' });
  }
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

/** A life that goes on. */
export interface Living {
  /** Resolves when the controller was killed at its point; at once where it has none. */
  readonly killed: Promise<void>;
  readonly ended: Promise<Ended>;
}
