import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { connect } from '#controller/libvirt/index.ts';
import type { ConnectOptions, LibvirtError, TlsCredentials } from '#controller/libvirt/index.ts';
import { eventually } from '#test/support/eventually.ts';
import { freePort, startLibvirtd } from '#test/support/libvirtd.ts';
import type { Libvirtd } from '#test/support/libvirtd.ts';
import { makeAuthority } from './certificates.ts';
import type { Authority } from './certificates.ts';
import { connectRecorded, testDomain } from './domains.ts';

/** Why the first try to connect fails. */
const firstFailure = async (options: ConnectOptions): Promise<LibvirtError> => {
  const hypervisor = connect(options);
  try {
    return await new Promise<LibvirtError>((resolve, reject) => {
      hypervisor.observe({
        onConnectFailed: resolve,
        onConnected: () => reject(new Error('connected, though it must not be')),
      });
    });
  } finally {
    await hypervisor.close();
  }
};

/** A daemon takes connections on its socket before it does on its ports. */
const listens = async (port: number): Promise<void> => {
  const socket = connectSocket(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
  } finally {
    socket.destroy();
  }
};

describe('libvirt over TLS with a real daemon', () => {
  let folder: string;
  let authority: Authority;
  let stranger: Authority;
  let client: TlsCredentials;
  let daemon: Libvirtd;
  let port: number;
  let uri: string;

  const tlsDaemon = async (names: string): Promise<Libvirtd> => {
    const server = await authority.server(names);
    port = await freePort();
    uri = `test+tls://127.0.0.1:${port}/default`;
    const started = await startLibvirtd({
      listen: true,
      settings: {
        listen_tls: 1,
        listen_addr: '127.0.0.1',
        tls_port: String(port),
        auth_tls: 'none',
        ca_file: authority.caFile,
        cert_file: server.cert,
        key_file: server.key,
      },
    });
    await eventually(() => listens(port));
    return started;
  };

  before(async function () {
    this.timeout(60_000);
    folder = await mkdtemp(join(tmpdir(), 'hatchery-tls-'));
    [authority, stranger] = await Promise.all([makeAuthority(folder), makeAuthority(folder)]);
    client = await authority.client();
    daemon = await tlsDaemon('IP:127.0.0.1,DNS:localhost');
  });

  after(async () => {
    await daemon.stop();
    await rm(folder, { recursive: true, force: true });
  });

  for (const count of [4, 64]) {
    it(`answers ${count} calls made at once: no message is left in the TLS library of the daemon`, async () => {
      // A later ping would free a message that is stuck: there is none here.
      const { hypervisor, events } = await connectRecorded({
        uri,
        tls: client,
        keepAlive: { intervalMs: 60_000, misses: 1 },
      });
      const limits = { timeoutMs: 4_000 };
      const domains = await Promise.all(
        Array.from({ length: count }, (_, i) => hypervisor.createXml(testDomain(`tls-${i}`), 0, limits)),
      );
      await Promise.all(domains.map((domain) => hypervisor.destroy(domain, 0, limits)));
      await eventually(() => assert.equal(events.length, 2 * count));
      await hypervisor.close();
    });
  }

  it('carries messages longer than a TLS record', async () => {
    const { hypervisor } = await connectRecorded({ uri, tls: client });
    const description = `<description>${'x'.repeat(200_000)}</description>`;
    const domain = await hypervisor.createXml(testDomain('long', undefined, description), 0, { timeoutMs: 5_000 });
    const xml = await hypervisor.getXmlDesc(domain, 0, { timeoutMs: 5_000 });
    assert.ok(xml.length > 200_000);
    await hypervisor.destroy(domain);
    await hypervisor.close();
  });

  it('takes a server whose certificate names the host of the URI', async () => {
    const { hypervisor } = await connectRecorded({ uri: `test+tls://localhost:${port}/default`, tls: client });
    assert.notEqual(await hypervisor.getHostname(), '');
    await hypervisor.close();
  });

  it('notices that the daemon refused the client certificate, though the handshake went well', async () => {
    const foreign = await stranger.client();
    const error = await firstFailure({ uri, tls: { ...foreign, ca: client.ca } });
    assert.equal(error.kind, 'tls', error.message);
    assert.match(error.message, /certificate/);
  });

  it('refuses a server of another authority', async () => {
    const foreign = await stranger.client();
    const error = await firstFailure({ uri, tls: { ...client, ca: foreign.ca } });
    assert.equal(error.kind, 'tls', error.message);
  });

  it('refuses a server whose certificate is for another address', async () => {
    const impostor = await tlsDaemon('IP:192.0.2.1,DNS:elsewhere.example');
    try {
      const error = await firstFailure({ uri, tls: client });
      assert.equal(error.kind, 'tls', error.message);
      assert.match(error.message, /127\.0\.0\.1/);
    } finally {
      await impostor.stop();
    }
  });

  it('says so when the credentials are no PEM', async () => {
    const error = await firstFailure({ uri, tls: { ca: 'no', cert: 'such', key: 'thing' } });
    assert.equal(error.kind, 'tls', error.message);
  });
});

describe('libvirt over TCP with a real daemon', () => {
  it('works on the loopback', async () => {
    const port = await freePort();
    const settings = { listen_tcp: 1, listen_addr: '127.0.0.1', tcp_port: String(port), auth_tcp: 'none' };
    const daemon = await startLibvirtd({ listen: true, settings });
    await eventually(() => listens(port));
    const { hypervisor, events } = await connectRecorded({ uri: `test+tcp://127.0.0.1:${port}/default` });
    const domain = await hypervisor.createXml(testDomain('tcp'));
    await hypervisor.destroy(domain);
    assert.ok(events.length > 0);
    await hypervisor.close();
    await daemon.stop();
  });

  it('says that the daemon asks for a password it will not be given', async () => {
    const port = await freePort();
    const settings = { listen_tcp: 1, listen_addr: '127.0.0.1', tcp_port: String(port), auth_tcp: 'sasl' };
    const daemon = await startLibvirtd({ listen: true, settings });
    await eventually(() => listens(port));
    const error = await firstFailure({ uri: `test+tcp://127.0.0.1:${port}/default` });
    assert.equal(error.kind, 'auth-failed', error.message);
    await daemon.stop();
  });
});
