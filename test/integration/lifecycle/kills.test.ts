import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import { STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';
import { Kills } from './kills/kills.ts';
import type { Ended } from './kills/kills.ts';
import { LIVES } from './kills/lives.ts';
import type { LifeKind, LifeName } from './kills/lives.ts';
import { caseGroups, pointRows, POINTS } from './kills/points.ts';
import type { Case } from './kills/points.ts';

const GROUPS = caseGroups();
const CASES = GROUPS.flat();
const LIFE_NAMES = Object.keys(LIVES) as readonly LifeName[];
/** Looks that come or not, as events fall. */
const LOOKS = ['DOMAIN_LOOKUP_BY_UUID', 'DOMAIN_GET_STATE', 'DOMAIN_GET_XML_DESC', 'GET'];
const DOCS = resolve(import.meta.dirname, '../../../docs/lifecycle.md');
/** All kills, on a busy machine; a minute and a half where nothing else runs. */
const ALL_MS = 1_200_000;

function nameOf({ point, when }: Case): string {
  return `${point.life} ${when} ${point.what} ${point.attempt}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
}

describe('hatchery, as a process that is killed with -9', function () {
  this.timeout(ALL_MS);
  let kills: Kills;
  /** The messages of each kind of life without a kill. */
  const calm = new Map<LifeName, readonly string[]>();
  const ends = new Map<string, Ended>();

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    kills = await Kills.open();
  });
  after(() => kills.close());

  async function liveCalmly(life: LifeName): Promise<void> {
    const name = `calm-${life.replace(' ', '-')}`;
    await (
      await kills.live(name, life)
    ).ended;
    const ofIt = kills.checkpoint.seen.filter((seen) => seen.life === name);
    calm.set(
      life,
      ofIt.map(({ what }) => what),
    );
  }

  it('is not killed at first: lives of each kind end as they are to', async () => {
    await Promise.all(LIFE_NAMES.map((life) => liveCalmly(life)));
  });

  for (const life of LIFE_NAMES) {
    const { writes }: LifeKind = LIVES[life];
    it(`writes the status of a life ${writes} times and has a point for each of its messages: ${life}`, () => {
      const messages = calm.get(life) ?? [];
      assert.equal(messages.filter((what) => what.startsWith('status ')).length, writes);
      const named = POINTS.filter((point) => ['plain', life].includes(point.life)).map(({ what }) => what);
      assert.deepEqual(
        messages.filter((what) => !named.includes(what) && !LOOKS.includes(what)),
        [],
      );
    });
  }

  it('is killed at each point of each kind of life', async () => {
    const all: Promise<void>[] = [];
    for (const group of GROUPS) {
      const lives = await Promise.all(
        group.map(async (each) => ({ each, living: await kills.live(nameOf(each), each.point.life, each) })),
      );
      for (const { each, living } of lives) {
        all.push(living.ended.then((ended) => void ends.set(nameOf(each), ended)));
      }
      // How they go on is left to the controllers after that.
      await Promise.all(lives.map(({ living }) => living.killed));
    }
    await Promise.allSettled(all);
    assert.ok(kills.deaths > 0);
  });

  for (const each of CASES) {
    const { life, what, attempt } = each.point;
    const where = `${each.when} ${what}${attempt === 1 ? '' : ` of attempt ${attempt}`}`;
    it(`${life}, ${where}: ends as ever, by one start an attempt [end: controller-killed]`, () => {
      const ended = ends.get(nameOf(each));
      const { outcome }: LifeKind = LIVES[life];
      if (outcome.phase === 'deleted') assert.deepEqual([ended?.isDeleted, ended?.starts], [true, [1]]);
      else assert.deepEqual(ended, { ...outcome, starts: Array.from({ length: outcome.attempt }, () => 1) });
    });
  }

  it('leaves nothing on the host, tells each end once, and gives no address to two', async () => {
    await kills.untilNothingIsLeft();
    assert.deepEqual(kills.history.violations, []);
  });

  it('does so at the points of docs/lifecycle.md', async () => {
    const text = (await readFile(DOCS, 'utf8')).split('\n').map((line) => line.replaceAll(/ +/g, ' '));
    const heading = text.indexOf('| life | killed at | how it ends, each time |');
    const rows = pointRows();
    assert.deepEqual(text.slice(heading + 2, heading + 2 + rows.length + 1), [
      ...rows.map((row) => `| ${row.join(' | ')} |`),
      '',
    ]);
  });
});
