import assert from 'node:assert/strict';

import { CASES1 } from './testing/cases1.ts';
import type { Hearing } from './testing/cases1.ts';
import { CASES2 } from './testing/cases2.ts';
import { observe1, observe2, startRawScene } from './testing/observe.ts';
import type { Observed } from './testing/observe.ts';
import type { Scene } from './testing/scene.ts';

interface Expected {
  readonly name: string;
  readonly status: number | undefined;
  readonly reset?: string;
  readonly connection: Observed['connection'];
  readonly guest?: Hearing;
}

const check = ({ status, reset, connection, guest }: Expected, seen: Observed): void => {
  const { heard, ...answered } = seen;
  assert.deepEqual(answered, { statuses: status === undefined ? [] : [status], reset, connection });
  assert.equal(heard.length, guest === undefined ? 0 : 1, heard.join('\n'));
  for (const pattern of guest?.has ?? []) assert.match(heard[0] ?? '', pattern);
  for (const pattern of guest?.lacks ?? []) assert.doesNotMatch(heard[0] ?? '', pattern);
};

const titleOf = ({ name, status, guest }: Expected): string => {
  if (guest !== undefined) return `passes: ${name}`;
  return `${status === undefined ? 'resets' : `answers ${status}`} and tells no guest: ${name}`;
};

describe('a request as raw bytes', () => {
  let scene: Scene;
  before(async () => {
    scene = await startRawScene();
  });
  after(() => scene.close());

  it('has at least 67 cases of each protocol', () => {
    for (const cases of [CASES1, CASES2]) assert.ok(Object.values(cases).flat().length >= 67);
  });

  for (const [group, cases] of Object.entries(CASES1)) {
    describe(`HTTP/1, ${group}`, () => {
      for (const one of cases) it(titleOf(one), async () => check(one, await observe1(scene, one.bytes)));
    });
  }

  for (const [group, cases] of Object.entries(CASES2)) {
    describe(`HTTP/2, ${group}`, () => {
      for (const one of cases) it(titleOf(one), async () => check(one, await observe2(scene, one)));
    });
  }
});
