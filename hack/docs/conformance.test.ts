import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import { FEATURES } from '#controller/ingress/routes/testing/conformance.ts';
import type { Feature } from '#controller/ingress/routes/testing/conformance.ts';
import { conformanceFaults, readConformance } from './conformance.ts';

describe('docs/conformance.md', () => {
  it('has a row for each scenario that is tested, and says why the others do not apply', async () => {
    const rows = readConformance(await readFile(resolve(import.meta.dirname, '../../docs/conformance.md'), 'utf8'));
    assert.ok(rows.length >= 30);
    assert.deepEqual(conformanceFaults(rows, FEATURES), []);
  });
});

describe('the check of docs/conformance.md', () => {
  const row = (id: string, answer: string, result: string): string =>
    `| \`${id}\` | rules | it is so | \`GET http://a/\` | ${answer} | ${result} |\n`;
  const scenario = { id: 'one', method: 'GET', url: 'http://a/', served: 'b' };
  const features: readonly Feature[] = [{ name: 'rules', ingress: {}, scenarios: [scenario] }];
  const faults = (markdown: string): readonly string[] => conformanceFaults(readConformance(markdown), features);
  const sound = row('one', '`b`', 'passed');

  it('finds nothing wrong where all is there', () => {
    assert.deepEqual(faults(sound + row('two', '-', 'does not apply: there is no such thing')), []);
  });

  for (const [what, markdown, fault] of [
    ['a scenario without a row', '', 'scenario one has no row'],
    ['two rows of one name', sound + sound, 'two rows are called one'],
    ['a row that says otherwise who serves', row('one', '404', 'passed'), 'row one: 404 is not b'],
    [
      'a row that calls passed what no test asks',
      sound + row('two', '`b`', 'passed'),
      'row two: no test asks it, and it does not say why it does not apply',
    ],
    [
      'a row that says no reason',
      sound + row('two', '-', 'does not apply'),
      'row two: no test asks it, and it does not say why it does not apply',
    ],
  ] as const) {
    it(`finds ${what}`, () => assert.ok(faults(markdown).includes(fault), faults(markdown).join('; ')));
  }
});
