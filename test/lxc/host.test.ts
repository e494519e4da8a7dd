import assert from 'node:assert/strict';
import { access, readFile, readdir, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { ShutdownFlags, ShutoffReason } from '#controller/libvirt/index.ts';
import type { Domain } from '#controller/libvirt/index.ts';
import { run } from '#hack/bed/run.ts';
import { createLxcHost, packages } from '#hack/hosts/lxc/host.ts';
import { planLxcHost } from '#hack/hosts/lxc/plan.ts';
import { STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import type { Bed } from '#hack/bed/bed.ts';
import type { TestHost } from '#hack/hosts/host.ts';
import { startWatched, watch } from '../integration/hosts/domains.ts';
import type { Watched } from '../integration/hosts/domains.ts';

describe('an LXC host', () => {
  let bed: Bed;
  let host: TestHost;
  let client: Watched;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    ({ bed, host, client } = await startWatched(packages, (own) => createLxcHost(own, 7)));
  });

  after(async () => {
    await client.close();
    await host.stop();
  });

  const prefix = (): string => host.gateway.replace(/\.\d+$/, '');
  const address = (last: number): string => `${prefix()}.${last}`;
  const network = (last: number): string =>
    `-ipaddr ${address(last)} -netmask 255.255.255.128 -gateway ${host.gateway}`;

  const stateOf = async (domain: Domain): Promise<string> => {
    const { state, reason } = await client.hypervisor.getState(domain);
    return `${state}/${reason}`;
  };
  const SHUT_DOWN = `shutoff/${ShutoffReason.shutdown}`;

  const hostUuid = async (): Promise<string> =>
    /<uuid>([0-9a-f-]{36})<\/uuid>/.exec(await client.hypervisor.getCapabilities())?.[1] ?? '';

  for (const [index, mode] of ['hello', 'crash', 'exit', 'print'].entries()) {
    it(`runs -mode ${mode}, which ends by itself`, async () => {
      const domain = await client.start({
        address: address(140 + index),
        words: `quiet -mode ${mode} -code 3 -bytes 5000000`,
      });
      await eventually(async () => assert.equal(await stateOf(domain), SHUT_DOWN));
      await client.hypervisor.undefine(domain);
    });
  }

  it('serves a request of the machine over its own network', async () => {
    const domain = await client.start({
      address: address(150),
      words: `-mode http ${network(150)} -shutdown_after 15 -ts_req_received ${Date.now()}`,
    });
    const page = await eventually(async () => {
      const response = await fetch(`http://${address(150)}:8000/hello`, { signal: AbortSignal.timeout(2000) });
      return response.text();
    });
    assert.match(page, new RegExp(`I am <b>${domain.name}</b> at <b>${address(150)}</b>, a container, with 64 MiB`));
    await eventually(async () => assert.equal(await stateOf(domain), SHUT_DOWN));
  });

  it('lets a guest tell the machine that it is ready, without waiting for a second ARP request', async () => {
    let received = '';
    const server = createServer((socket) =>
      socket.once('data', (data) => {
        received = `${socket.remoteAddress}: ${data.toString()}`;
        socket.destroy();
      }),
    );
    await new Promise<void>((resolve) => server.listen(0, address(1), resolve));
    try {
      const { port } = server.address() as { readonly port: number };
      const words = `-mode http ${network(151)} -notify ${address(1)}:${port} -shutdown_after 0.9`;
      const domain = await client.start({ address: address(151), words });
      await eventually(() => assert.equal(received, `${address(151)}: POST /ready/${domain.name} HTTP/1.0\r\n\r\n`));
      await eventually(async () => assert.equal(await stateOf(domain), SHUT_DOWN));
    } finally {
      server.close();
    }
  });

  it('keeps its guests from each other', async () => {
    const asked = await client.start({ address: address(152), words: `-mode http ${network(152)} -shutdown_after 15` });
    // A guest that could reach the other would use up its one request.
    const words = `-mode http ${network(153)} -notify ${address(152)}:8000 -shutdown_after 1`;
    const asking = await client.start({ address: address(153), words });
    await eventually(async () => assert.equal(await stateOf(asking), SHUT_DOWN));
    const response = await fetch(`http://${address(152)}:8000/`, { signal: AbortSignal.timeout(2000) });
    assert.equal(response.status, 200);
    await eventually(async () => assert.equal(await stateOf(asked), SHUT_DOWN));
  });

  it('shuts a guest down that heeds SIGTERM', async () => {
    const domain = await client.start({ address: address(154), words: '-mode hang' });
    // Too early, libvirt does not know who the container's init is, or that one does not yet listen to signals.
    await eventually(async () => {
      if ((await stateOf(domain)) !== SHUT_DOWN) await client.hypervisor.shutdown(domain, ShutdownFlags.signal);
      assert.equal(await stateOf(domain), SHUT_DOWN);
    });
  });

  it('answers nothing to an address that nobody has', async () => {
    await assert.rejects(fetch(`http://${address(250)}:8000/`, { signal: AbortSignal.timeout(5000) }));
  });

  it('comes back to its running domains when its daemon is killed, and knows those that ended meanwhile', async () => {
    const daemon = await hostUuid();
    const staying = await client.start({ address: address(160), words: '-mode run -seconds 1000' });
    const ending = await client.start({ address: address(161), words: `-mode run -seconds 1` });
    await host.daemon.kill();
    await assert.rejects(client.hypervisor.getState(staying));
    await eventually(async () => assert.equal(await runs('-seconds 1 '), false));
    assert.equal(await runs('-seconds 1000 '), true);
    await host.daemon.start();
    await client.hypervisor.connected(10_000);
    assert.notEqual(await hostUuid(), daemon);
    assert.equal((await client.hypervisor.getState(staying)).state, 'running');
    assert.equal(await stateOf(ending), `shutoff/${ShutoffReason.failed}`);
    await client.hypervisor.sendProcessSignal(staying, 1, 9);
    await eventually(async () => assert.equal((await client.hypervisor.getState(staying)).state, 'shutoff'));
    await eventually(() => assert.equal(client.eventsOf(staying).at(-1)?.split('/')[0], 'stopped'));
  });

  it('lets nobody but its owner connect', async () => {
    const { mode, uid } = await stat(join(bed.runDir, host.name));
    assert.equal(mode & 0o777, 0o700);
    assert.equal(uid, bed.owner.uid);
  });

  it('leaves nothing when it is stopped, domains and all', async function () {
    this.timeout(60_000);
    const other = createLxcHost(bed, 6);
    const plan = planLxcHost(bed, 6);
    await other.start();
    const guests = watch(other);
    try {
      const base = plan.network.domainCIDR.replace(/\d+\/25$/, '');
      for (const last of [200, 201])
        await guests.start({ address: `${base}${last}`, words: '-mode run -seconds 1006' });
      // Its daemon is killed first, as after a crash: nobody but the harness knows of the domains then.
      await other.daemon.kill();
    } finally {
      await guests.close();
      await other.stop();
    }
    await other.stop();
    assert.equal(await runs('-seconds 1006 '), false);
    await assert.rejects(access(plan.folder), { code: 'ENOENT' });
    await assert.rejects(access(plan.imageDirectory), { code: 'ENOENT' });
    const links = await run(['ip', '-oneline', 'link'], { timeoutMs: 5000 });
    assert.equal(links.stdout.includes(plan.rootLink), false);
    const routes = await run(['ip', 'route'], { timeoutMs: 5000 });
    assert.equal(routes.stdout.includes(plan.network.prefix.replace('.0/24', '.')), false);
    for (const hierarchy of await readdir('/sys/fs/cgroup')) {
      await assert.rejects(access(join('/sys/fs/cgroup', hierarchy, plan.group)), /ENOENT|ENOTDIR/);
    }
    assert.equal(await host.isRunning(), true);
  });

  /** Whether a guest runs that got these words. */
  async function runs(words: string): Promise<boolean> {
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const command = await readFile(join('/proc', pid, 'cmdline'), 'utf8').catch(() => '');
      if (command.startsWith('/hatchling') && command.replaceAll('\0', ' ').includes(words)) return true;
    }
    return false;
  }
});
