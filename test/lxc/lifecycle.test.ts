import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';

import { DOMAIN_HOSTS, EPHEMERAL_DOMAINS, findCondition } from '#controller/api/index.ts';
import type { TestHost } from '#hack/hosts/host.ts';
import { sharedHost, STARTUP_TIMEOUT_MS, TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createStage, finishedAs, inPhase } from '../integration/lifecycle/stage.ts';
import type { Stage } from '../integration/lifecycle/stage.ts';
import type { AdoptedHost } from '../integration/lifecycle/stage-hosts.ts';

describe('domains on an LXC host', function () {
  this.timeout(TEST_TIMEOUT_MS);
  let stage: Stage;
  let box: TestHost;
  let host: AdoptedHost;
  const options = { settleMs: 1_000, hostLostAfterMs: 60_000 };

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    box = await sharedHost('lxc', 1);
    stage = await createStage();
    host = await stage.adopt(box);
    await stage.controller({ options });
  });
  after(() => stage.dispose());

  function guest(words: string) {
    const cmdline = `quiet -ipaddr $(IP) -netmask $(NETMASK) -gateway $(GATEWAY) ${words}`;
    return { domain: { type: 'pv' as const, memory: '64Mi', vcpus: 1, boot: { kernel: 'hatchling', cmdline } } };
  }

  async function startsOf(name: string): Promise<number | undefined> {
    return host.starts.get((await stage.get(name)).status?.domain?.uuid ?? '');
  }

  /** The host's worker acts by the spec that stands. */
  async function untilObserved(): Promise<void> {
    await eventually(async () => {
      const { metadata, status } = await stage.getHost(box.name);
      assert.equal(status?.observedGeneration, metadata.generation);
    });
    await stage.untilHost(box.name, 'True');
  }

  async function listed(): Promise<readonly string[]> {
    return (await host.client.listAllDomains()).map(({ uuid }) => uuid);
  }

  const ends = [
    { mode: 'hello', end: '[end: power-off]' },
    { mode: 'crash', end: '[end: crashed]' },
    { mode: 'reboot', end: '[end: rebooted]' },
  ] as const;
  for (const { mode, end } of ends) {
    it(`-mode ${mode}: ended as by power-off, its trace gone ${end}`, async () => {
      await stage.create(mode, guest(`-mode ${mode}`));
      const done = await stage.until(mode, finishedAs('Succeeded', 'PowerOff'), 30_000);
      assert.equal(await startsOf(mode), 1);
      await eventually(async () => assert.ok(!(await listed()).includes(done.status?.domain?.uuid ?? '')));
    });
  }

  it('many at once: each started once, all Succeeded', async () => {
    const names = Array.from({ length: 16 }, (_, i) => `many-${i}`);
    await Promise.all(names.map((name) => stage.create(name, guest('-mode hello'))));
    for (const name of names) {
      await stage.until(name, finishedAs('Succeeded'), 90_000);
      assert.equal(await startsOf(name), 1);
    }
  });

  it('one without an interface has a network of its own, with a link in it that is down and leads nowhere', async () => {
    const { domain } = guest('-mode run -seconds 600');
    await stage.create('mute', { domain: { ...domain, interfaces: [] } });
    const { status } = await stage.until('mute', inPhase('Running'), 30_000);
    assert.equal(status?.address, undefined);
    const { name = '', uuid = '' } = status?.domain ?? {};
    assert.equal(name, `edom-${uuid}`);
    assert.deepEqual(await linksOf((await host.client.lookupByUuid(uuid)).id), ['lo', 'none0']);
    await stage.rest.delete(EPHEMERAL_DOMAINS, { name: 'mute', namespace: stage.namespace });
    await eventually(async () => assert.ok(!(await listed()).includes(uuid)));
  });

  it('a guest that is deaf to shutdown is gone soon after its resource [end: deleted-running]', async () => {
    await stage.create('deaf', guest('-mode deaf'));
    const uuid = (await stage.until('deaf', inPhase('Running'), 30_000)).status?.domain?.uuid ?? '';
    await stage.rest.delete(EPHEMERAL_DOMAINS, { name: 'deaf', namespace: stage.namespace });
    await eventually(async () => assert.ok(!(await listed()).includes(uuid)));
  });

  it('a host that cannot start it (its bridge is missing): Failed, with what libvirt said [end: start-failed]', async () => {
    await stage.rest.patch(DOMAIN_HOSTS, { name: box.name }, { spec: { bridge: 'no-such-bridge' } });
    try {
      await untilObserved();
      await stage.create('broken', guest('-mode hello'));
      const failed = await stage.until('broken', finishedAs('Failed', 'StartFailed'), 30_000);
      assert.ok((failed.status?.message ?? '').includes('no-such-bridge'), failed.status?.message);
      assert.equal(findCondition(failed.status?.conditions, 'Started'), undefined);
      await eventually(async () => assert.ok(!(await listed()).includes(failed.status?.domain?.uuid ?? '')));
    } finally {
      await stage.rest.patch(DOMAIN_HOSTS, { name: box.name }, { spec: { bridge: box.bridge ?? null } });
      await untilObserved();
    }
  });

  /** One that runs for long, with no network. */
  function lonely() {
    const { domain } = guest('');
    const boot = { ...domain.boot, cmdline: '-mode run -seconds 600' };
    return { domain: { ...domain, boot, interfaces: [] } };
  }

  const untold = [
    { given: 'untold', what: 'with an interface', spec: () => guest('-mode run -seconds 600') },
    { given: 'lonely', what: 'without one', spec: lonely },
  ];
  for (const { given, what, spec } of untold) {
    it(`an end that libvirtd never tells, of a domain ${what}: noticed within 10 s [end: untold-end]`, async () => {
      await stage.create(given, spec());
      const running = await stage.until(given, inPhase('Running'), 30_000);
      const { name = '', uuid = '' } = running.status?.domain ?? {};
      const [keeper] = await processesOf(name);
      assert.ok(keeper !== undefined, 'libvirt_lxc runs');
      // What waits for the guest's init is stopped, and so tells nobody of its end: as seen under load (a few in a thousand).
      process.kill(keeper, 'SIGSTOP');
      try {
        const began = performance.now();
        await killChildren(keeper);
        assert.equal((await host.client.getState({ name: '', uuid })).state, 'running');
        // What an earlier controller started without an interface has no link at all: that tells of no end.
        await assert.rejects(host.client.interfaceStats({ name: '', uuid }, '02:48:ff:ff:ff:ff'), {
          kind: 'invalid-arg',
        });
        await stage.until(given, finishedAs('Succeeded', 'PowerOff'), 20_000);
        assert.ok(performance.now() - began < 12_000, 'noticed late');
      } finally {
        await processesOf(name).then((pids) => pids.forEach((pid) => process.kill(pid, 'SIGCONT')));
      }
      await eventually(async () => assert.ok(!(await listed()).includes(uuid)), { timeoutMs: 20_000 });
    });
  }

  it('libvirtd paused and resumed while one runs: its end is told all the same [end: daemon-paused-running]', async () => {
    await stage.create('patient', guest('-mode run -seconds 3'));
    await stage.until('patient', inPhase('Running'), 30_000);
    await box.daemon.pause();
    await box.daemon.resume();
    await stage.until('patient', finishedAs('Succeeded', 'PowerOff'), 30_000);
    assert.equal(await startsOf('patient'), 1);
  });

  it('libvirtd killed: one that runs on is adopted, one that ends is Unknown [end: daemon-killed-running, daemon-killed-ended]', async () => {
    await stage.create('goes-on', guest('-mode run -seconds 15'));
    await stage.create('ends', guest('-mode run -seconds 3'));
    await stage.until('goes-on', inPhase('Running'), 30_000);
    const ends = await stage.until('ends', inPhase('Running'), 30_000);
    await box.daemon.kill();
    await eventually(async () => assert.ok(!(await hasProcess(ends.status?.domain?.name ?? '')), 'has not ended'));
    await box.daemon.start();
    await stage.until('ends', finishedAs('Failed', 'Unknown'), 30_000);
    await stage.until('goes-on', finishedAs('Succeeded', 'PowerOff'), 60_000);
    assert.equal(await startsOf('goes-on'), 1);
    assert.equal(await startsOf('ends'), 1);
  });

  it('libvirtd killed again and again while many start: each ends, none is started twice [end: daemon-killed-starting]', async () => {
    const names = Array.from({ length: 12 }, (_, i) => `storm-${i}`);
    const made = names.map((name, i) => stage.create(name, guest(`-mode run -seconds ${1 + (i % 3)}`)));
    await Promise.all(made);
    for (let killed = 1; killed <= 3; killed += 1) {
      await eventually(async () => {
        const { items } = await stage.rest.list(EPHEMERAL_DOMAINS, { namespace: stage.namespace });
        const seen = items.filter(
          ({ metadata, status }) => metadata.name.startsWith('storm') && status?.host !== undefined,
        );
        assert.ok(seen.length >= killed * 4, 'not far enough');
      });
      await box.daemon.kill();
      await box.daemon.start();
    }
    for (const name of names) {
      const done = await stage.until(
        name,
        ({ status }) => assert.match(status?.phase ?? '', /Succeeded|Failed/),
        60_000,
      );
      assert.ok(['PowerOff', 'Unknown', 'StartFailed'].includes(done.status?.reason ?? ''), done.status?.reason);
      assert.ok(((await startsOf(name)) ?? 0) <= 1, `${name} was started twice`);
    }
    await eventually(async () => assert.deepEqual(await listed(), []), { timeoutMs: 20_000 });
  });
});

/** Whether libvirt_lxc still keeps a domain of this name. */
async function hasProcess(name: string): Promise<boolean> {
  return (await processesOf(name)).length > 0;
}

/** The libvirt_lxc that keeps a domain of this name. */
async function processesOf(name: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^[0-9]+$/.test(entry)).map(Number);
  const lines = await Promise.all(
    pids.map(async (pid) => ({ pid, line: await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '') })),
  );
  return lines.flatMap(({ pid, line }) =>
    line.includes('libvirt_lxc') && line.split('\0').includes(name) ? [pid] : [],
  );
}

/** SIGKILL to all children of a process. */
async function killChildren(pid: number): Promise<void> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  for (const child of children.trim().split(' ')) process.kill(Number(child), 'SIGKILL');
}

/** Network links that a container's init sees. libvirt's number of a container is its controller's pid: init is its child. */
async function linksOf(controller: number): Promise<readonly string[]> {
  const children = await readFile(`/proc/${controller}/task/${controller}/children`, 'utf8');
  const links = await readFile(`/proc/${children.trim()}/net/dev`, 'utf8');
  return links.split('\n').flatMap((line) => /^\s*([^\s:]+):/.exec(line)?.[1] ?? []);
}
