import assert from 'node:assert/strict';
import { join } from 'node:path';

import { run } from './bed/run.ts';

const ROOT = join(import.meta.dirname, '..');
/** A target that says what its commands are told. */
const PROBE = 'probe: ; @echo "HOSTS=$${HOSTS-unsaid} PORT=$${PORT-unsaid}"';

async function told(words: readonly string[], said: Readonly<Record<string, string>>): Promise<string> {
  const env = { HOSTS: undefined, PORT: undefined, MAKEFLAGS: undefined, ...said };
  const argv = ['make', '--no-print-directory', '--eval', PROBE, 'probe', ...words];
  return (await run(argv, { cwd: ROOT, env, timeoutMs: 10_000 })).stdout.trim();
}

describe('make tells its commands', () => {
  const cases: readonly [string, readonly string[], Readonly<Record<string, string>>, string][] = [
    ['no HOSTS and no PORT where nobody said any, so that the defaults count', [], {}, 'HOSTS=unsaid PORT=unsaid'],
    ['those of its command line', ['HOSTS=lxc:1', 'PORT=8081'], {}, 'HOSTS=lxc:1 PORT=8081'],
    ['those of the environment', [], { HOSTS: 'xen:1' }, 'HOSTS=xen:1 PORT=unsaid'],
    ['no hosts where none are wanted', ['HOSTS='], {}, 'HOSTS= PORT=unsaid'],
  ];
  for (const [what, words, env, expected] of cases) {
    it(what, async () => assert.equal(await told(words, env), expected));
  }
});
