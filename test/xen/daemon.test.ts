import assert from 'node:assert/strict';
import { POKE_KERNEL } from '#controller/lifecycle/poke-kernel.ts';
import type { XenHost } from '#hack/hosts/xen/index.ts';
import { sharedHost, STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { domainText, hatchling, virshOn, withFile } from './virsh.ts';
import type { DomainText, VirshResult } from './virsh.ts';

/** A vif script that never tells that an interface is ready. */
const HANGING_SCRIPT = `#!/bin/sh
case $1 in online | add) sleep 60 ;; esac`;

const WAIT = { timeoutMs: 200_000, intervalMs: 200 };

describe("Xen box, its libvirtd's deaths", function () {
  this.timeout(480_000);
  this.slow(60_000);
  let host: XenHost;
  let virsh: (...args: readonly string[]) => Promise<VirshResult>;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    host = await sharedHost('xen', 1);
    virsh = virshOn(host);
    await host.dom0(`echo ${POKE_KERNEL.toString('base64')} | base64 -d >${host.imageDirectory}/hatchery-poke`);
  });

  afterEach(async () => {
    await host.daemon.start();
    const { output } = await virsh('list', '--all', '--name');
    for (const name of output.split('\n')) {
      if (name !== '' && name !== 'Domain-0') await virsh('destroy', name);
    }
  });

  const create = (domain: DomainText): Promise<VirshResult> =>
    withFile(domainText(host, domain), (path) => virsh('create', path));
  const state = async (name: string): Promise<string> => (await virsh('domstate', '--reason', name)).output;
  const xenState = async (name: string): Promise<string | undefined> => {
    const { output } = await host.dom0('xl list');
    const row = output.split('\n').find((line) => line.split(/\s+/)[0] === name);
    return row?.split(/\s+/)[4];
  };
  /** The smallest domain there is: it powers off as soon as it runs. */
  const pokeDomain = (name: string, ends: 'preserve' | 'destroy'): DomainText => ({
    name,
    kernel: 'hatchery-poke',
    memoryMiB: 4,
    ends,
  });
  const createPaused = async (domain: DomainText): Promise<void> => {
    const created = await withFile(domainText(host, domain), (path) => virsh('create', '--paused', path));
    assert.equal(created.status, 0, created.output);
  };

  it('stays down when killed, and finds a running domain again when started', async () => {
    await create(hatchling(host, 'stayer', '-mode hang'));
    await host.daemon.kill();
    assert.notEqual((await virsh('version')).status, 0);
    assert.match((await host.dom0('cat /run/hatchery/libvirtd.pid; ls /run/hatchery')).output, /held/);
    await host.daemon.start();
    assert.match(await state('stayer'), /^running/);
  });

  it('comes back by itself from a crash', async () => {
    await host.dom0('kill -KILL $(cat /run/hatchery/libvirtd.pid)');
    await eventually(async () => assert.equal((await virsh('version')).status, 0), WAIT);
  });

  it('is silent while paused, and answers when resumed', async () => {
    await host.daemon.pause();
    const silent = virsh('version');
    assert.match((await host.dom0('cat /proc/$(cat /run/hatchery/libvirtd.pid)/stat')).output, /\(libvirtd\) T/);
    await host.daemon.resume();
    assert.equal((await silent).status, 0);
  });

  for (const death of ['kill', 'terminate'] as const) {
    it(`after ${death}: a poke settles what ended meanwhile, with its reason`, async () => {
      const names = ['ends-1', 'ends-2'];
      for (const name of names) await createPaused(pokeDomain(name, 'preserve'));
      await host.daemon[death]();
      for (const name of names) await host.dom0(`xl unpause ${name}`);
      await eventually(async () => {
        for (const name of names) assert.equal(await xenState(name), '---s--');
      }, WAIT);
      await host.daemon.start();
      await createPaused(pokeDomain('hatchery-poke', 'destroy'));
      assert.equal((await virsh('destroy', 'hatchery-poke')).status, 0);
      await eventually(async () => {
        for (const name of names) assert.equal(await state(name), 'shut off (shutdown)');
      }, WAIT);
    });
  }

  it('sweeps what it did not finish creating, so that the name is free again', async () => {
    // A hotplug script that hangs holds the create at the place where the domain exists and has not run.
    await host.dom0(`echo '${HANGING_SCRIPT}' >/run/hatchery/hang; chmod +x /run/hatchery/hang`);
    const half = { ...hatchling(host, 'half', '-mode hello', 160), script: '/run/hatchery/hang' };
    const creating = create(half);
    await eventually(async () => assert.equal(await xenState('half'), '--p---'), WAIT);
    await host.daemon.kill();
    await creating;
    assert.equal(await xenState('half'), '--p---');
    await host.daemon.start();
    assert.equal(await xenState('half'), undefined);
    assert.match(await host.consoleLog(), /swept domain \d+, half/);
    await createPaused({ ...pokeDomain('half', 'destroy'), octet: 160 });
  });

  it('leaves a domain alone that has run, though libvirtd does not know it', async () => {
    const config = [
      'name="stranger"',
      'memory=96',
      `kernel="${host.imageDirectory}/hatchling"`,
      `ramdisk="${host.imageDirectory}/hatchling-initrd"`,
      'extra="console=hvc0 quiet -mode hang"',
    ].join('\n');
    const created = await host.dom0(`echo '${config}' >/tmp/stranger; xl create /tmp/stranger`, WAIT);
    try {
      assert.equal(created.status, 0, created.output);
      await host.daemon.restart();
      assert.match((await xenState('stranger')) ?? '', /^[rb-]+$/);
      assert.match(await host.consoleLog(), /kept domain \d+, stranger/);
    } finally {
      await host.dom0('xl destroy stranger');
    }
  });
});
