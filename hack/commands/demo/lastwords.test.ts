import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastWords } from './lastwords.ts';

describe('what a demo that failed says last', () => {
  it('is the warnings and errors of both processes, also where one has not even begun', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'hatchery-demo-'));
    try {
      await mkdir(join(dir, 'logs'));
      const lines = [
        '{"level":"info","message":"a"}',
        '{"level":"warn","message":"b"}',
        '{"level":"error","message":"c"}',
      ];
      await writeFile(join(dir, 'logs', 'controller.log'), `${lines.join('\n')}\n`);
      assert.equal(
        await lastWords({ dir }),
        `controller, last warnings:\n    ${lines[1]}\n    ${lines[2]}\ningress, last warnings:\n    none`,
      );
    } finally {
      await rm(dir, { recursive: true });
    }
  });
});
