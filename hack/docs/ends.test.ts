import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { EndReason, HostReason, ProgressReason } from '#controller/api/reasons.ts';
import { endFaults, endsNamedIn, readEndTables } from './ends.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const REASONS = [EndReason, ProgressReason, HostReason].flatMap((set) => Object.values(set));

/** All test files but this one, whose examples are no tests of ends. */
async function testSources(): Promise<ReadonlyMap<string, string>> {
  const sources = new Map<string, string>();
  for await (const path of glob('{controller,hack,test}/**/*.test.ts', { cwd: ROOT })) {
    if (path !== 'hack/docs/ends.test.ts') sources.set(path, await readFile(join(ROOT, path), 'utf8'));
  }
  return sources;
}

describe('docs/lifecycle.md', () => {
  it('names a test for each end, each test of an end its row, and every reason what it means', async () => {
    const tables = readEndTables(await readFile(join(ROOT, 'docs/lifecycle.md'), 'utf8'));
    assert.ok(tables.ends.length > 0);
    assert.deepEqual(endFaults(tables, await testSources(), REASONS), []);
  });
});

describe('the check of docs/lifecycle.md', () => {
  const row = (id: string, cells: string): string =>
    `| end | what | test |\n| --- | --- | --- |\n| \`${id}\` | ${cells} |\n\n`;
  const reasons = '| reason | means |\n| --- | --- |\n| `PowerOff` | it ended |\n';
  const lxc = '[LXC](../test/lxc/a.test.ts)';
  const sources = new Map([['test/lxc/a.test.ts', "it('ends [end: power-off]'"]]);
  const faults = (markdown: string, files = sources, known = ['PowerOff']): readonly string[] =>
    endFaults(readEndTables(markdown), files, known);

  it('finds nothing wrong where all is there', () => {
    assert.deepEqual(faults(row('power-off', `\`PowerOff\` | ${lxc}`) + reasons), []);
  });

  const cases: readonly (readonly [what: string, markdown: string, fault: string])[] = [
    ['a row without a test', row('power-off', 'x | none') + reasons, 'row power-off names no test'],
    ['a test without a row', reasons, 'test/lxc/a.test.ts names [end: power-off], which has no row'],
    [
      'a row whose test does not name it',
      row('crash', `x | ${lxc}`) + reasons,
      'row crash: no test in test/lxc/a.test.ts is called [end: crash]',
    ],
    [
      'a test that its row does not name',
      row('power-off', 'x | [Xen](../test/xen/b.test.ts)') + reasons,
      'row power-off does not name test/lxc/a.test.ts',
    ],
    [
      'a test under a wrong kind of host',
      row('power-off', 'x | [Xen](../test/lxc/a.test.ts)') + reasons,
      'row power-off: test/lxc/a.test.ts is no Xen test, those lie in test/xen/',
    ],
    [
      'two rows of one name',
      row('power-off', `x | ${lxc}`) + row('power-off', `x | ${lxc}`) + reasons,
      'two rows are called power-off',
    ],
    [
      'a reason that the code does not have, in a row',
      row('power-off', `\`Tired\` | ${lxc}`) + reasons,
      'row power-off: Tired is no reason of the code',
    ],
    ['a reason without a row', row('power-off', `x | ${lxc}`), 'reason PowerOff has no row'],
    [
      'a row for a reason that the code does not have',
      `${row('power-off', `x | ${lxc}`)}${reasons}| \`Tired\` | slept |\n`,
      'Tired is no reason of the code',
    ],
  ];
  for (const [what, markdown, fault] of cases) {
    it(`finds ${what}`, () => {
      assert.ok(faults(markdown).includes(fault), faults(markdown).join('; '));
    });
  }

  it('reads all ends of a title', () => {
    assert.deepEqual(endsNamedIn("it('a [end: one, two]'); it('b [end: three]')"), ['one', 'two', 'three']);
  });
});
