import assert from 'node:assert/strict';
import { access, readdir, readFile } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import type { Bed } from '#hack/bed/bed.ts';
import { run } from '#hack/bed/run.ts';
import { createXenHost } from '#hack/hosts/xen/index.ts';
import type { XenHost } from '#hack/hosts/xen/index.ts';
import { planXenHost } from '#hack/hosts/xen/plan.ts';
import { sharedBed, sharedHost, STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { domainText, guestAddress, hatchling, virshOn, withFile } from './virsh.ts';
import type { DomainText, VirshResult } from './virsh.ts';

const TLS_PORT = 16514;

describe('Xen box', function () {
  this.timeout(300_000);
  this.slow(30_000);
  let bed: Bed;
  let host: XenHost;
  let virsh: (...args: readonly string[]) => Promise<VirshResult>;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    bed = await sharedBed();
    host = await sharedHost('xen', 1);
    virsh = virshOn(host);
  });

  const create = (domain: DomainText): Promise<VirshResult> =>
    withFile(domainText(host, domain), (path) => virsh('create', path));

  const until = (name: string, state: string): Promise<void> =>
    eventually(
      async () => {
        assert.equal((await virsh('domstate', '--reason', name)).output, state);
      },
      { timeoutMs: 200_000, intervalMs: 500 },
    );

  describe('from outside', () => {
    it('answers a client whose certificate its authority signed', async () => {
      assert.equal(await firstByte(host, await credentials(host)), 1);
    });

    it('does not answer a client without a certificate', async () => {
      const { ca } = await credentials(host);
      assert.equal(await firstByte(host, { ca }), undefined);
    });

    it('shows a certificate for its management address, which the authority signed', async () => {
      const { cert, key } = await credentials(host);
      await assert.rejects(firstByte(host, { cert, key }), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
    });

    it('listens on one TCP port alone, and on its management address alone', async () => {
      const { output } = await host.dom0('cat /proc/net/tcp /proc/net/tcp6');
      const listening = output.split('\n').filter((line) => / 0A [0-9A-F]{8}:/.test(line));
      const address = Buffer.from(host.address.split('.').map(Number).reverse()).toString('hex').toUpperCase();
      assert.deepEqual(
        listening.map((line) => line.trim().split(/\s+/)[1]),
        [`${address}:${TLS_PORT.toString(16).toUpperCase()}`],
      );
    });

    it('has nothing on the port for connections in the clear', async () => {
      await assert.rejects(openTcp(host.address, 16509), { code: 'ECONNREFUSED' });
    });

    it('has no guest at an address that none holds, and the machine sends nothing astray', async () => {
      const outside = host.domainCIDR.replace(/\.\d+\/\d+$/, '.100');
      await assert.rejects(run(['ip', 'route', 'get', outside], { timeoutMs: 5000 }), /No route to host/);
    });
  });

  describe('control channel', () => {
    it('tells status and output', async () => {
      assert.deepEqual(await host.dom0('echo \'so, "quoted"\'; echo err >&2; exit 7'), {
        status: 7,
        output: 'so, "quoted"\nerr\n',
      });
    });

    it('serves callers one after the other', async () => {
      const words = ['a', 'b', 'c', 'd'];
      const results = await Promise.all(words.map((word) => host.dom0(`echo ${word}`)));
      assert.deepEqual(
        results.map(({ output }) => output.trim()),
        words,
      );
    });

    it('carries more than its buffers hold', async () => {
      const { output } = await host.dom0('head -c 300000 /dev/zero | tr "\\0" x');
      assert.equal(output.length, 300_000);
    });

    it('ends a command that takes too long', async () => {
      const { status } = await host.dom0('sleep 60', { timeoutMs: 1000 });
      assert.equal(status, 143);
      assert.equal((await host.dom0('true')).status, 0);
    });
  });

  describe('domains', () => {
    for (const type of ['xenpv', 'xenpvh'] as const) {
      it(`runs a hatchling (${type}) and keeps its end`, async () => {
        const name = `hello-${type}`;
        const created = await create({ ...hatchling(host, name, '-mode hello'), type });
        assert.equal(created.status, 0, created.output);
        await until(name, 'shut off (shutdown)');
        assert.equal((await virsh('destroy', name)).status, 0);
        assert.equal((await virsh('list', '--all', '--name')).output, 'Domain-0');
      });
    }

    it('reaches a guest from the machine, isolated from other guests', async () => {
      const name = 'page';
      const created = await create(hatchling(host, name, '-mode http -shutdown_after 300', 150));
      assert.equal(created.status, 0, created.output);
      const { output } = await host.dom0('cat /sys/class/net/vif*/brport/isolated');
      const page = await eventually(() => fetchPage(guestAddress(host, 150)), { timeoutMs: 200_000, intervalMs: 200 });
      await until(name, 'shut off (shutdown)');
      await virsh('destroy', name);
      assert.match(page, /hatchling/i);
      assert.equal(output, '1\n');
    });

    it('fails a create at once where the bridge is missing', async () => {
      const started = performance.now();
      const created = await create({ ...hatchling(host, 'astray', '-mode hello', 151), bridge: 'none' });
      assert.notEqual(created.status, 0);
      // A script that says nothing is given up after 40 s, twice.
      assert.ok(performance.now() - started < 80_000);
      const { output } = await host.dom0('grep -h "no bridge none" /var/log/libvirt/libxl/*.log /var/log/xen/*');
      assert.match(output, /there is no bridge none/);
    });
  });

  describe('two at once', () => {
    it('boots a second box beside the first and leaves nothing of it', async function () {
      this.timeout(600_000);
      const second = createXenHost(bed, 2);
      const plan = planXenHost(bed, 2);
      try {
        await second.start();
        const listed = await virshOn(second)('list', '--name');
        assert.equal(listed.output, 'Domain-0');
        assert.equal((await second.dom0('hostname')).output, 'xen-2\n');
        assert.equal((await host.dom0('hostname')).output, 'xen-1\n');
      } finally {
        await second.stop();
      }
      assert.equal(await second.isRunning(), false);
      for (const path of [`/run/netns/${plan.namespace}`, `/sys/class/net/${plan.rootLink}`, plan.dir, plan.runDir]) {
        await assert.rejects(access(path), { code: 'ENOENT' }, path);
      }
      const { stdout } = await run(['ip', 'route', 'show', 'root', plan.network.prefix], { timeoutMs: 5000 });
      assert.equal(stdout, '');
      const files = await readdir(join(bed.dir, 'run'));
      assert.deepEqual(
        files.filter((file) => file.startsWith('xen-2')),
        [],
      );
    });
  });
});

interface Credentials {
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}

async function credentials(host: XenHost): Promise<Credentials> {
  const read = (name: string): Promise<Buffer> => readFile(join(host.tls?.pkipath ?? '', name));
  return { ca: await read('cacert.pem'), cert: await read('clientcert.pem'), key: await read('clientkey.pem') };
}

/** The byte that libvirtd sends once it has taken a client's certificate; none where it closes without one. */
function firstByte(host: XenHost, tls: Partial<Credentials>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: host.address, port: TLS_PORT, ...tls });
    socket.setTimeout(60_000, () => socket.destroy(new Error('no byte and no end')));
    socket.once('data', (data: Buffer) => {
      socket.destroy();
      resolve(data[0]);
    });
    // A refused certificate shows as an alert or a reset after the handshake; a server that we refuse, within it.
    socket.once('error', (error: Error) => {
      if (socket.authorized) resolve(undefined);
      else reject(error);
    });
    socket.once('close', () => {
      resolve(undefined);
    });
  });
}

function openTcp(address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host: address, port });
    socket.setTimeout(10_000, () => socket.destroy(new Error('neither taken nor refused')));
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });
}

async function fetchPage(address: string): Promise<string> {
  const response = await fetch(`http://${address}:8000/`, { signal: AbortSignal.timeout(2000) });
  return response.text();
}
