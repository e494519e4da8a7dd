import { readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { describeBed, openBed } from './bed/bed.ts';
import type { Bed } from './bed/bed.ts';
import { withCleanup } from './bed/cleanup.ts';
import { exclusively } from './bed/exclusive.ts';
import { InterruptedError } from './bed/interrupt.ts';
import { LockTimeoutError } from './bed/lock.ts';
import { NeedsRootError } from './bed/packages.ts';
import { seconds } from './bed/step.ts';
import { belongsToRoot, leftAnything, takeDown } from './commands/down.ts';
import { parseHosts, parsePort, UsageError } from './commands/hostlist.ts';
import { showStatus } from './commands/status.ts';
import { runTests } from './commands/test.ts';
import { bringUp, describeHosts } from './commands/up.ts';

/** How long a command waits for another one that is at work on the same bed. */
const LOCK_TIMEOUT_MS = 1_800_000;

/** What `make up` starts where HOSTS is not said. */
const DEFAULT_HOSTS = 'test:1';

async function up(): Promise<void> {
  const hosts = parseHosts(process.env['HOSTS'] ?? DEFAULT_HOSTS);
  const port = parsePort(process.env['PORT']);
  if (hosts.length > 0) refuseWithoutRoot('starting hosts');
  const start = performance.now();
  const bed = await describeBed();
  await exclusively(bed, LOCK_TIMEOUT_MS, () =>
    withCleanup('on-failure', async (cleanup) => {
      const { cluster } = await bringUp(await openBed(), cleanup, { hosts, ingress: { port } });
      console.log(`\nUp with ${describeHosts(hosts)} in ${seconds(start)}. Try:`);
      console.log(`  export KUBECONFIG=${cluster.kubeconfig} PATH=${join(bed.dir, 'bin')}:$PATH`);
      console.log('  kubectl apply -f examples/hello.yaml && kubectl get edom -w');
      console.log(`  curl ${(await readFile(join(bed.dir, 'ingress.url'), 'utf8')).trim()}`);
    }),
  );
}

async function demo(): Promise<void> {
  refuseWithoutRoot('the demo, with Xen in a virtual machine,');
  // Loaded when needed: it brings the libvirt client along, which no other command uses.
  const { runDemo } = await import('./commands/demo.ts');
  const bed = await describeBed({ dir: folderOf('demo') });
  await exclusively(bed, 0, () =>
    withCleanup('always', async (cleanup) => {
      // What an earlier demo left that was killed.
      await takeDown(bed);
      await runDemo(await openBed({ dir: bed.dir }), cleanup);
    }),
  );
}

/** Takes down what `make up` started, and what a demo or a test left behind that was killed. */
async function down(): Promise<void> {
  const bed = await describeBed();
  await exclusively(bed, LOCK_TIMEOUT_MS, () => takeDownAsRoot(bed));
  for (const name of ['demo', 'test', 'bench']) {
    const other = await describeBed({ dir: folderOf(name) });
    if (!(await leftAnything(other))) continue;
    try {
      await exclusively(other, 0, () => takeDownAsRoot(other));
    } catch (error) {
      if (!(error instanceof LockTimeoutError)) throw error;
      console.log(`A ${name} is at work in ${other.dir}; it cleans up by itself.`);
    }
  }
  console.log('Everything is down.');
}

async function takeDownAsRoot(bed: Bed): Promise<void> {
  if (await belongsToRoot(bed)) refuseWithoutRoot('stopping hosts');
  await takeDown(bed);
}

async function status(): Promise<void> {
  if (!(await showStatus(await describeBed()))) process.exitCode = 1;
}

function refuseWithoutRoot(what: string): void {
  if (process.getuid?.() !== 0) throw new NeedsRootError(what);
}

function folderOf(name: string): string {
  return join(import.meta.dirname, '..', `.hatchery-${name}`);
}

/** Turns a failure into what people read and an exit status: 2 for input that makes no sense, 128 + n for signals. */
function fail(error: unknown): void {
  if (error instanceof InterruptedError) {
    console.error(`Interrupted by ${error.signal}; what was started is gone again.`);
    process.exitCode = 128 + constants.signals[error.signal];
    return;
  }
  console.error(error instanceof Error ? error.message : String(error));
  if (process.env['DEBUG'] !== undefined && error instanceof Error) console.error(error.stack);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

function createProgram(): Command {
  const program = new Command('hack/main.ts').description("Hatchery's test beds; the Makefile calls this.");
  program.command('up').description('start what is missing of a test bed with $HOSTS').action(up);
  program.command('status').description('show the processes and DomainHosts').action(status);
  program.command('down').description('end everything that up started').action(down);
  program.command('demo').description('one domain from kubectl apply to its end, on Xen').action(demo);
  program
    .command('test')
    .description('all checks, then all tests')
    .action(() => runTests('all'));
  program
    .command('test-unit')
    .description('the tests that need nothing but Node')
    .action(() => runTests('unit'));
  return program;
}

// A kubeconfig from outside never counts.
delete process.env['KUBECONFIG'];
await createProgram().parseAsync().catch(fail);
