import assert from 'node:assert/strict';

import { EndReason } from '#controller/api/index.ts';
import { EVENTS } from '#controller/kube/index.ts';
import { STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { countFrom, seedFrom } from '#test/support/random.ts';
import { proxyTo } from '../kube/support.ts';
import { createStage } from './stage.ts';
import type { StageHost } from './stage-hosts.ts';
import { contradiction, untrueEnd } from './walk/history.ts';
import { writeScript } from './walk/script.ts';
import { Walk } from './walk/walk.ts';

const HOSTS = 3;

/**
 * Lives with random specs, under random faults and what people do. HATCHERY_WALK_LIVES says how many (100 unless said),
 * HATCHERY_WALK_SEED repeats the choices of an earlier walk; what the machine makes of them differs from run to run.
 */
describe('a random walk', function () {
  this.timeout(STARTUP_TIMEOUT_MS);
  this.slow(120_000);
  const lives = countFrom('HATCHERY_WALK_LIVES', 100);
  const seed = seedFrom('HATCHERY_WALK_SEED');

  it(`of ${lives} lives: one start an attempt, one owner an address, one end, nothing left [seed ${seed}]`, async () => {
    const stage = await createStage();
    const proxy = await proxyTo(() => stage.server);
    const began = performance.now();
    try {
      const hosts: StageHost[] = [];
      for (let n = 0; n < HOSTS; n += 1) hosts.push(await stage.host());
      const script = writeScript(
        seed,
        lives,
        hosts.map(({ name }) => name),
      );
      const walk = new Walk(stage, hosts, proxy);
      await walk.run(script);
      const { history, deeds, faults, endedBoots } = walk;

      assert.deepEqual(history.violations, []);
      const startedTwice = hosts.flatMap(doubleStarts);
      assert.ok(startedTwice.length === 0, startedTwice.map((uuid) => tell(walk, uuid)).join('\n\n'));
      assert.deepEqual(sharedNames(hosts), []);
      assert.deepEqual(startsNobodyBound(hosts, history.bound), []);
      const ends = Array.from(history.finals.values(), (status) => {
        const { name = '', uuid = '', hostBoot = '' } = status.domain ?? {};
        const own = new Set(deeds.get(uuid));
        if (endedBoots.has(hostBoot)) own.add('host-killed');
        return untrueEnd(name, status, own);
      });
      assert.deepEqual(
        ends.filter((fault) => fault !== undefined),
        [],
      );
      const contradictions = [...history.standing.values()].map(contradiction).filter((fault) => fault !== undefined);
      assert.deepEqual(contradictions, []);
      for (const host of hosts) await untilNothingIsLeft(host);
      assert.deepEqual(await endsToldTwice(), []);

      const reasons = Object.groupBy(history.finals.values(), ({ reason = '' }) => reason);
      const counts = Object.fromEntries(Object.entries(reasons).map(([reason, all]) => [reason, all?.length ?? 0]));
      const started = hosts.reduce((sum, { starts }) => sum + starts.size, 0);
      const seconds = Math.round((performance.now() - began) / 1000);
      const { created } = walk;
      console.log(
        JSON.stringify({
          seed,
          created,
          started,
          versions: history.versions,
          faults: Object.fromEntries(faults),
          ...{ ends: counts, seconds },
        }),
      );
    } finally {
      proxy.refuse(false);
      await stage.dispose();
      await proxy[Symbol.asyncDispose]();
    }

    /** All that is known of a domain: what the API server, its host and the controllers said of it, and the faults. */
    function tell({ history, struck }: Walk, uuid: string): string {
      const versions = history.told.filter((line) => line.includes(uuid));
      const lines = [...versions, ...struck, ...stage.story(uuid).split('\n')];
      return [`${uuid} was started more than once:`, ...lines.sort()].join('\n');
    }

    async function untilNothingIsLeft(host: StageHost): Promise<void> {
      await eventually(
        async () => {
          assert.deepEqual(await host.client.listAllDomains(), []);
          const { allocated } = (await stage.getHost(host.name)).status ?? {};
          assert.deepEqual([allocated?.domains, allocated?.addresses, allocated?.memory], [0, 0, '0Mi']);
        },
        { timeoutMs: 60_000 },
      );
    }

    /** Resources of which more than one Event tells an end. */
    async function endsToldTwice(): Promise<readonly string[]> {
      const { items } = await stage.rest.list(EVENTS, { namespace: stage.namespace });
      const ends = items.filter(({ reason = '' }) => Object.keys(EndReason).includes(reason));
      const byUid = Object.groupBy(ends, ({ involvedObject }) => involvedObject.uid);
      return Object.entries(byUid).flatMap(([, told = []]) =>
        told.reduce((sum, { count = 1 }) => sum + count, 0) > 1
          ? [told.map(({ involvedObject, reason }) => `${involvedObject.name} ${reason ?? ''}`).join(', ')]
          : [],
      );
    }
  });
});

/** Domains of a host that were started more than once. */
function doubleStarts({ starts }: StageHost): readonly string[] {
  return [...starts].filter(([, count]) => count > 1).map(([uuid]) => uuid);
}

/** Domains that were started on two hosts. */
function sharedNames(hosts: readonly StageHost[]): readonly string[] {
  const all = hosts.flatMap(({ starts }) => [...starts.keys()]);
  return all.filter((uuid, index) => all.indexOf(uuid) < index);
}

/** Domains that were started where no version of a resource ever bound them. */
function startsNobodyBound(hosts: readonly StageHost[], bound: ReadonlyMap<string, string>): readonly string[] {
  return hosts.flatMap(({ name, starts }) => [...starts.keys()].filter((uuid) => bound.get(uuid) !== name));
}
