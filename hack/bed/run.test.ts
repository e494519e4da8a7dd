import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LockTimeoutError, withLock } from './lock.ts';
import { CommandError, run } from './run.ts';

describe('run', () => {
  it('resolves with what the command wrote, and hands it its input', async () => {
    const output = await run(['sh', '-c', 'cat; echo warn >&2'], { timeoutMs: 5000, input: 'in' });
    assert.deepEqual(output, { stdout: 'in', stderr: 'warn\n' });
  });

  const failures: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['an exit status', ['sh', '-c', 'echo no such disk >&2; exit 3'], /^sh -c .*: exit status 3\nno such disk$/],
    ['a signal', ['sh', '-c', 'kill -9 $$'], /ended by SIGKILL/],
    ['a missing program', ['/nonexistent/program'], /cannot be started \(ENOENT\)/],
  ];
  for (const [what, argv, message] of failures) {
    it(`names the command and ${what}`, async () => {
      await assert.rejects(run(argv, { timeoutMs: 5000 }), (error: unknown) => {
        assert.ok(error instanceof CommandError);
        assert.match(error.message, message);
        return true;
      });
    });
  }

  it('ends a command that takes too long, with all that it started', async () => {
    const start = performance.now();
    await assert.rejects(run(['sh', '-c', 'sleep 60 & sleep 60'], { timeoutMs: 100 }), /not done after 0.1 s/);
    assert.ok(performance.now() - start < 5000);
  });

  it('does not wait for what a command left in the background with its output open', async () => {
    const { stdout } = await run(['sh', '-c', 'sleep 600 & echo $!'], { timeoutMs: 60_000 });
    assert.match(stdout, /^\d+\n$/);
    process.kill(Number(stdout));
  });

  it('takes a variable away from the environment', async () => {
    const { stdout } = await run(['sh', '-c', 'echo "${HOME-none}"'], { timeoutMs: 5000, env: { HOME: undefined } });
    assert.equal(stdout, 'none\n');
  });
});

describe('withLock', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hatchery-lock-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('lets one in at a time', async () => {
    let inside = 0;
    let most = 0;
    const enter = (): Promise<void> =>
      withLock(join(folder, 'lock'), { timeoutMs: 10_000 }, async () => {
        inside += 1;
        most = Math.max(most, inside);
        await new Promise(setImmediate);
        inside -= 1;
      });
    await Promise.all([enter(), enter(), enter()]);
    assert.equal(most, 1);
  });

  it('says that it waits, and gives up in time', async () => {
    const path = join(folder, 'lock');
    let waits = 0;
    await withLock(path, { timeoutMs: 0 }, async () => {
      const second = withLock(path, { timeoutMs: 50, onWait: () => void (waits += 1) }, () => Promise.resolve());
      await assert.rejects(second, LockTimeoutError);
    });
    assert.equal(waits, 1);
  });

  it('is free again after work that failed', async () => {
    const path = join(folder, 'lock');
    await assert.rejects(withLock(path, { timeoutMs: 0 }, () => Promise.reject(new Error('no'))));
    assert.equal(await withLock(path, { timeoutMs: 0 }, () => Promise.resolve('free')), 'free');
  });
});
