import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { niceOf, weighSession } from './weight.ts';

describe('the weight of a session', () => {
  for (const [cpuRequest, nice] of [
    [100, 0],
    [200, -3],
    [250, -4],
    [1_000, -10],
    [10, 10],
  ] as const) {
    it(`is that of a Pod which requests ${cpuRequest}m: nice ${nice}`, () => {
      assert.equal(niceOf(cpuRequest), nice);
    });
  }

  it('stays as it was where that cannot be, such as of a process that is gone', async () => {
    const { pid } = spawnSync('true');
    await weighSession(pid, 5);
  });
});
