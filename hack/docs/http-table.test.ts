import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import { HTTP_TABLE, httpTable } from './http-table.ts';

describe('docs/http-table.md', () => {
  it('says what comes of each request', async () => {
    const stored = await readFile(resolve(import.meta.dirname, '../..', HTTP_TABLE), 'utf8');
    assert.equal(stored, await httpTable(), 'run node hack/generate/main.ts and commit what it writes');
  });
});
