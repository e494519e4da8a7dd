import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { EPHEMERAL_DOMAINS } from '#controller/api/index.ts';
import type { Cluster } from '#hack/cluster/cluster.ts';
import { sharedCluster, sharedHost, STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';
import { startController } from '#test/support/controller.ts';
import type { TestController } from '#test/support/controller.ts';
import { eventually } from '#test/support/eventually.ts';
import { createStage, finishedAs, inPhase } from '../integration/lifecycle/stage.ts';
import type { Stage } from '../integration/lifecycle/stage.ts';
import { removeScratch, runProgram, scratch, startProgram } from '../integration/program/program.ts';
import type { Ended } from '../integration/program/program.ts';

/** A kubeconfig, as far as a test changes one. */
interface Kubeconfig {
  readonly users: readonly { readonly name: string; readonly user: object }[];
}

/** A program starts, and asks two servers, within this on a busy machine. */
const SPEAKS = { timeoutMs: 40_000 };

describe('hatchery console', function () {
  this.timeout(STARTUP_TIMEOUT_MS);
  let stage: Stage;
  let cluster: Cluster;
  let controller: TestController;
  let folder: string;

  before(async () => {
    cluster = await sharedCluster();
    const box = await sharedHost('lxc', 1);
    stage = await createStage();
    await stage.adopt(box);
    const { key, value } = stage.label;
    controller = await startController({ name: 'console', args: [`--dom0-label=${key}=${value}`] });
    await cluster.kubectl(['create', 'serviceaccount', 'reader', '-n', stage.namespace]);
    await cluster.kubectl([
      ...['create', 'rolebinding', 'readers', '-n', stage.namespace, '--clusterrole=hatchery-view'],
      `--serviceaccount=${stage.namespace}:reader`,
    ]);
    const admin = JSON.parse(await readFile(cluster.kubeconfig, 'utf8')) as Kubeconfig;
    const as = (user: object): string =>
      JSON.stringify({ ...admin, users: admin.users.map(({ name }) => ({ name, user })) });
    const token = (await cluster.kubectl(['create', 'token', 'reader', '-n', stage.namespace])).trim();
    folder = await scratch({
      reader: as({ token }),
      impersonating: as({ token, as: 'admin' }),
      admin: JSON.stringify(admin),
    });
  });

  after(async () => {
    await controller.stop();
    await stage.dispose();
    await removeScratch(folder);
  });

  function guest(words: string, captureBytes = 0) {
    const cmdline = `-ipaddr $(IP) -netmask $(NETMASK) -gateway $(GATEWAY) ${words}`;
    const boot = { kernel: 'hatchling', cmdline };
    return { domain: { type: 'pv' as const, memory: '64Mi', vcpus: 1, boot, console: { captureBytes } } };
  }

  const commandLine = (who: string, name: string, ...flags: readonly string[]) =>
    ['console', `--kubeconfig=${join(folder, who)}`, `${stage.namespace}/${name}`, ...flags] as const;

  const ask = (who: string, name: string, ...flags: readonly string[]): Promise<Ended> =>
    runProgram(commandLine(who, name, ...flags));

  for (const who of ['reader', 'admin']) {
    it(`-f follows a running domain to its end, as ${who === 'reader' ? 'a token' : 'a client certificate'}`, async () => {
      await stage.create(`followed-${who}`, guest('-mode http'));
      const { status } = await stage.until(`followed-${who}`, inPhase('Running'), 30_000);
      const following = startProgram(commandLine(who, `followed-${who}`, '-f'));
      await eventually(() => assert.match(following.printed(), /listens on port 8000\n$/), SPEAKS);
      // It ends once it was visited.
      await fetch(`http://${status?.address ?? ''}:8000/`, { signal: AbortSignal.timeout(10_000) });
      const { code, stdout, stderr } = await following.ended;
      assert.equal(code, 0, stderr);
      // Its very last words are not asked for: libvirt drops them where the process is gone before they were handed on.
      assert.match(stdout, /^hatchling: .* listens on port 8000\n/m);
    });
  }

  it('-f on one that waits for a place: follows it once it runs', async () => {
    await stage.create('awaited', { ...guest('-mode http'), suspend: true });
    const following = startProgram(commandLine('reader', 'awaited', '-f'));
    await eventually(
      () => assert.match(following.said(), /waits until \S+\/awaited runs \(Pending: Suspended: /),
      SPEAKS,
    );
    await stage.rest.patch(
      EPHEMERAL_DOMAINS,
      { name: 'awaited', namespace: stage.namespace },
      { spec: { suspend: false } },
    );
    await eventually(() => assert.match(following.printed(), /listens on port 8000\n$/), SPEAKS);
    const { status } = await stage.until('awaited', inPhase('Running'));
    await fetch(`http://${status?.address ?? ''}:8000/`, { signal: AbortSignal.timeout(10_000) });
    const { code, stderr } = await following.ended;
    assert.equal(code, 0, stderr);
  });

  it('prints what was captured of a domain that has ended', async () => {
    await stage.create('captured', guest('-mode hello', 4096));
    const { status } = await stage.until('captured', finishedAs('Succeeded'), 30_000);
    const { code, stdout } = await ask('reader', 'captured', '-f');
    assert.equal(code, 0);
    assert.equal(stdout, status?.consoleTail);
    assert.match(stdout, /goodbye\n$/);
  });

  it('ends with Ctrl-C while it follows', async () => {
    await stage.create('quiet', guest('-mode run -seconds 600'));
    await stage.until('quiet', inPhase('Running'), 30_000);
    const following = startProgram(commandLine('reader', 'quiet', '-f'));
    await eventually(() => assert.match(following.printed(), /runs for 600 s/), SPEAKS);
    following.kill('SIGINT');
    const { signal } = await following.ended;
    assert.equal(signal, 'SIGINT');
  });

  const failures: readonly (readonly [what: string, who: string, name: string, line: RegExp])[] = [
    ['a domain that is not there', 'reader', 'no-such', /^hatchery: there is no EphemeralDomain \S+\/no-such\n$/],
    [
      'a domain that has ended and was not captured',
      'reader',
      'followed-reader',
      /has ended, and its console was not captured: set spec\.domain\.console\.captureBytes for the next one\n$/,
    ],
    ['a kubeconfig that impersonates', 'impersonating', 'quiet', /^hatchery: .*(impersonates|cannot be read).*\n$/],
  ];
  for (const [what, who, name, line] of failures) {
    it(`says in one line, with exit code 1, of ${what}`, async () => {
      const { code, stdout, stderr } = await ask(who, name);
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, line);
      assert.equal(stderr.indexOf('\n'), stderr.length - 1);
    });
  }

  it('says so where no controller acts', async () => {
    await controller.stop();
    const { code, stderr } = await ask('reader', 'quiet');
    assert.deepEqual(
      [code, stderr],
      [1, 'hatchery: no controller acts (Lease hatchery-system/hatchery-controller is held by nobody): start one\n'],
    );
  });
});
