import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Of a process of its own: this one's threads keep their priorities. */
const PROGRAM = `
  import { readdirSync, readFileSync } from 'node:fs';
  import { getPriority } from 'node:os';
  import { niceV8Helpers } from './controller/startup/v8.ts';
  const count = await niceV8Helpers();
  const threads = readdirSync('/proc/self/task').map((thread) => ({
    isHelper: readFileSync('/proc/self/task/' + thread + '/comm', 'utf8') === 'V8Worker\\n',
    nice: getPriority(Number(thread)),
  }));
  const nicesOf = (isHelper) => [...new Set(threads.filter((thread) => thread.isHelper === isHelper).map(({ nice }) => nice))];
  console.log(JSON.stringify({ count, helpers: nicesOf(true), others: nicesOf(false) }));
`;

describe("the priority of V8's helpers", () => {
  it('is lower than that of all other threads, which keep theirs', async () => {
    const words = ['--input-type=module', '--eval', PROGRAM];
    const { stdout } = await promisify(execFile)(process.execPath, words, { timeout: 20_000 });
    const { count, helpers, others } = JSON.parse(stdout) as Record<'helpers' | 'others', number[]> & { count: number };
    assert.ok(count > 0, 'there are such threads');
    assert.equal(others.length, 1);
    assert.deepEqual(helpers, [10]);
    assert.ok((others[0] ?? 10) < 10);
  });
});
