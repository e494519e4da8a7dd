import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CommandError, run } from '../bed/run.ts';
import { step } from '../bed/step.ts';

/** Which tests to run: all, or those that need no server and no root. */
export type TestSelection = 'all' | 'unit';

const ROOT = resolve(import.meta.dirname, '../..');
const BIN = join(ROOT, 'node_modules', '.bin');
const UNIT = ['controller/**/*.test.ts', 'hack/**/*.test.ts'];

/** File that the reporter writes its last line to, so that it can be said again after what others had to say. */
export const COUNTS_VARIABLE = 'HATCHERY_COUNTS_FILE';

const CHECKS: readonly { readonly text: string; readonly argv: readonly string[] }[] = [
  { text: 'Checking style (eslint)', argv: ['eslint', '.'] },
  { text: 'Checking format (prettier)', argv: ['prettier', '--check', '--log-level=warn', '.'] },
  { text: 'Checking types (tsc)', argv: ['tsc', '--noEmit', '-p', '.'] },
  { text: 'Checking that what is generated is fresh', argv: ['node', 'hack/generate/main.ts', '--check'] },
];

/** Runs the checks (for all tests) and then mocha; its counts are the last line, whatever failed before. */
export async function runTests(selection: TestSelection): Promise<void> {
  const failed = selection === 'all' ? await failedChecks() : [];
  const globs = selection === 'all' ? [...UNIT, 'test/**/*.test.ts'] : UNIT;
  const folder = await mkdtemp(join(tmpdir(), 'hatchery-test-'));
  try {
    const counts = join(folder, 'counts');
    const status = await runMocha(globs, counts);
    if (failed.length > 0) console.log(`\nFailed before the tests: ${failed.join('; ')}`);
    const line = await readFile(counts, 'utf8').catch(() => undefined);
    // Without counts mocha did not get to its end: that is no success, whatever its exit status.
    console.log(line ?? '0 passed, 1 failed, 0 skipped');
    if (status !== 0 || failed.length > 0 || line === undefined) process.exitCode = 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function failedChecks(): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const { text, argv } of CHECKS) {
    const [command = '', ...args] = argv;
    try {
      await step(text, () => run([join(BIN, command), ...args], { timeoutMs: 900_000, cwd: ROOT }));
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      console.log(`${error.stdout}${error.stderr}`);
      failed.push(text);
    }
  }
  return failed;
}

/** Mocha gets Ctrl-C by itself, and takes its beds down; this program waits for that. */
async function runMocha(globs: readonly string[], counts: string): Promise<number> {
  const child = spawn(join(BIN, 'mocha'), ['--exit', process.stdout.isTTY ? '--color' : '--no-color', ...globs], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, PATH: `${BIN}:${process.env['PATH'] ?? ''}`, [COUNTS_VARIABLE]: counts },
  });
  const forward = (signal: NodeJS.Signals): void => {
    // From the terminal both got it; from a supervisor only this program did.
    if (signal === 'SIGTERM') child.kill(signal);
  };
  process.on('SIGINT', forward);
  process.on('SIGTERM', forward);
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    return code ?? 1;
  } finally {
    process.off('SIGINT', forward);
    process.off('SIGTERM', forward);
  }
}
