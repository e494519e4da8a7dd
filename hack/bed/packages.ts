import { access, mkdir, readdir, writeFile, appendFile, rm } from 'node:fs/promises';
import { CommandError, run } from './run.ts';
import type { CommandOutput } from './run.ts';
import { withLock } from './lock.ts';
import { BED_VARIABLE } from './process.ts';
import { step } from './step.ts';

/** Something that only root can do, asked of another user; the message is the one line to run instead. */
export class NeedsRootError extends Error {
  constructor(why: string) {
    super(`${why} needs root; run:\n  ${sudoLine()}`);
    this.name = 'NeedsRootError';
  }
}

const LOCK = '/run/hatchery/packages.lock';
const LOG = '/run/hatchery/apt.log';
const POLICY = '/usr/sbin/policy-rc.d';
const POLICY_MARK = '# Written while a Hatchery test bed installs packages.';

let queue: Promise<void> = Promise.resolve();

/**
 * Installs the Debian packages that are missing, without starting any service of theirs. Calls at the same time go one
 * after the other. One who is not root gets a NeedsRootError with the line to run.
 */
export async function ensurePackages(names: readonly string[]): Promise<void> {
  const turn = queue.then(() => installMissing(names));
  // The next caller waits for this turn, whatever came of it; the outcome is this caller's.
  queue = turn.then(
    () => undefined,
    () => undefined,
  );
  await turn;
}

/** Which of these packages are not installed. */
export async function missingPackages(names: readonly string[]): Promise<readonly string[]> {
  const wanted = [...new Set(names)];
  if (wanted.length === 0) return [];
  const query = ['dpkg-query', '-W', '-f', '${Package} ${db:Status-Status}\\n', ...wanted];
  const { stdout } = await run(query, { timeoutMs: 20_000 }).catch((error: unknown): CommandOutput => {
    // Status 1: some of the names are unknown to dpkg, so not installed.
    if (error instanceof CommandError && error.failure.kind === 'exit' && error.failure.code === 1) return error;
    throw error;
  });
  const installed = new Set(stdout.split('\n').filter((line) => line.endsWith(' installed')));
  return wanted.filter((name) => !installed.has(`${name} installed`));
}

/** The line that root would run in place of this program; sudo keeps no variables, so they stand in it. */
function sudoLine(): string {
  const target = process.env['HATCHERY_MAKE_TARGET'];
  const command = target === undefined ? ['node', ...process.argv.slice(1)] : ['make', target];
  const kept = ['HOSTS', 'PORT', 'KUBEBUILDER_ASSETS', 'XDG_CACHE_HOME'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined || value === '' ? [] : [`${name}=${value}`];
  });
  return ['sudo env "PATH=$PATH"', ...command, ...kept].join(' ');
}

async function installMissing(names: readonly string[]): Promise<void> {
  const missing = await missingPackages(names);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0) throw new NeedsRootError(`installing ${missing.join(', ')}`);
  await step(`Installing Debian packages ${missing.join(', ')}`, async (progress) => {
    await mkdir('/run/hatchery', { recursive: true });
    await withLock(LOCK, { timeoutMs: 900_000, onWait: () => progress('waiting for another installation') }, () =>
      withoutServices(() => install(missing, progress)),
    );
  });
}

async function install(names: readonly string[], progress: (words: string) => void): Promise<void> {
  const haveLists = (await readdir('/var/lib/apt/lists')).some((name) => /_Packages(\.lz4|\.gz|\.xz)?$/.test(name));
  if (!haveLists) await aptGet(['update'], progress);
  const args = ['install', '--yes', '--no-install-recommends', ...names];
  try {
    await aptGet(args, progress);
  } catch (error) {
    if (!(error instanceof CommandError) || !haveLists) throw error;
    // Lists that are older than the mirror name versions that it no longer has.
    await aptGet(['update'], progress);
    await aptGet(args, progress);
  }
}

async function aptGet(args: readonly string[], progress: (words: string) => void): Promise<void> {
  const argv = ['apt-get', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Use-Pty=0', ...args];
  await appendFile(LOG, `$ ${argv.join(' ')}\n`);
  const lines: string[] = [];
  try {
    await run(argv, {
      timeoutMs: 1_200_000,
      // Not marked as the bed's own: `make down` must not kill it and leave dpkg half configured.
      env: { DEBIAN_FRONTEND: 'noninteractive', HATCHERY_PACKAGES: '1', LC_ALL: 'C', [BED_VARIABLE]: undefined },
      onLine: (line) => {
        lines.push(line);
        progress(line.slice(0, 80));
      },
    });
  } finally {
    await appendFile(LOG, `${lines.join('\n')}\n`);
  }
}

/**
 * Debian asks policy-rc.d before it starts a package's service. Ours says no to our own apt-get alone, told by its
 * environment, so one that stays behind after a kill -9 harms nobody; a policy that the machine has already is kept.
 */
async function withoutServices(work: () => Promise<void>): Promise<void> {
  const foreign = await access(POLICY).then(
    () => true,
    () => false,
  );
  if (foreign) {
    await work();
    return;
  }
  await writeFile(POLICY, `#!/bin/sh\n${POLICY_MARK}\n[ -z "$HATCHERY_PACKAGES" ] || exit 101\nexit 0\n`, {
    mode: 0o755,
  });
  try {
    await work();
  } finally {
    await rm(POLICY, { force: true });
  }
}
