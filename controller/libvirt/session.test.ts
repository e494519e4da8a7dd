import assert from 'node:assert/strict';

import { eventually } from '#test/support/eventually.ts';
import { LibvirtError, connect } from './index.ts';
import type { ConnectOptions, Hypervisor } from './index.ts';
import { FakeClock } from './testing/clock.ts';
import { FakeDaemon } from './testing/daemon.ts';
import { event, reply } from './testing/frames.ts';
import type { Message } from './testing/frames.ts';
import { writeDomain } from './wire.ts';
import type { XdrWriter } from './xdr.ts';

const DOMAIN = { name: 'a', uuid: '11111111-2222-4333-8444-555555555555', id: 7 };

const lifecycle =
  (kind: number, detail: number) =>
  (writer: XdrWriter): void => {
    writer.u32(1);
    writeDomain(writer, DOMAIN);
    writer.u32(kind);
    writer.u32(detail);
  };

const procedures = (messages: readonly Message[]): readonly number[] => messages.map(({ procedure }) => procedure);

describe('a libvirt session', () => {
  let daemon: FakeDaemon;
  let hypervisor: Hypervisor | undefined;

  const open = (options: Partial<ConnectOptions> = {}): Hypervisor => {
    hypervisor = connect({ uri: daemon.uri, ...options });
    return hypervisor;
  };

  /** Why the first try fails. */
  const failure = (options: Partial<ConnectOptions> = {}): Promise<LibvirtError> =>
    new Promise((resolve) => open({ ...options, observer: { onConnectFailed: resolve } }));

  beforeEach(async () => {
    daemon = await new FakeDaemon().start();
  });

  afterEach(async () => {
    await hypervisor?.close();
    hypervisor = undefined;
    await daemon.stop();
  });

  it('opens two connections in the order AUTH_LIST, keep-alive, OPEN, and registers events on one', async () => {
    await open().connected(5_000);
    const orders = daemon.peers.map(({ messages }) => procedures(messages));
    assert.deepEqual(
      orders.toSorted((a, b) => b.length - a.length),
      [
        [66, 60, 1, 316, 316],
        [66, 60, 1],
      ],
    );
    const names = daemon.peers.map(({ messages }) => messages[2]?.payload.toString('latin1'));
    assert.ok(names.every((payload) => payload?.includes('test:///default') === true));
  });

  it('is there only when the last registration was answered; observers hear of it before its events', async () => {
    let withheld: Message | undefined;
    const told: string[] = [];
    daemon.behave = (message) => {
      if (message.procedure !== 316 || message.payload.readUInt32BE() !== 0) return undefined;
      withheld = message;
      return 'silent';
    };
    const client = open({
      observer: {
        onConnected: () => told.push('connected'),
        onLifecycle: ({ event: kind, detail }) => told.push(`${kind}/${detail}`),
        onReboot: ({ domain }) => told.push(`reboot ${domain.name}`),
      },
    });
    await eventually(() => assert.ok(withheld !== undefined), { intervalMs: 2 });
    assert.equal(client.session, undefined);
    await assert.rejects(client.getHostname(), /not connected/);
    const control = daemon.peers.find(({ messages }) => messages.includes(withheld!));
    control?.socket.write(
      Buffer.concat([
        event(318, lifecycle(5, 2)),
        reply(withheld!, (writer) => writer.u32(1)),
        event(318, lifecycle(99, 0)),
        event(319, (writer) => {
          writer.u32(0);
          writeDomain(writer, DOMAIN);
        }),
      ]),
    );
    await eventually(() => assert.equal(told.length, 4), { intervalMs: 2 });
    assert.deepEqual(told, ['connected', 'stopped/2', 'unknown/0', 'reboot a']);
  });

  it('sends OPEN once on a connection, however often the session is made anew', async () => {
    const client = open();
    for (let generation = 1; generation <= 3; generation++) {
      await eventually(() => assert.equal(client.session?.generation, generation), { intervalMs: 2 });
      daemon.peers.at(-1)?.socket.destroy();
    }
    await eventually(() => assert.equal(client.session?.generation, 4), { intervalMs: 2 });
    for (const { messages } of daemon.peers) {
      assert.ok(procedures(messages).filter((procedure) => procedure === 1).length <= 1);
    }
  });

  it('is lost with either connection, and rejects what was pending on both', async () => {
    const client = open();
    await client.connected(5_000);
    daemon.behave = ({ type }) => (type === 0 ? 'silent' : undefined);
    const pending = [client.getHostname(), client.createXml('<domain/>')].map((call) =>
      call.then(
        () => assert.fail('answered'),
        (error: unknown) => error,
      ),
    );
    await eventually(
      () => assert.ok(daemon.peers.every(({ messages }) => messages.at(-1)?.procedure !== 316 && messages.length > 3)),
      { intervalMs: 2 },
    ).catch(() => assert.fail('the calls were not sent'));
    daemon.peers[0]?.socket.destroy();
    for (const error of await Promise.all(pending)) {
      assert.ok(error instanceof LibvirtError);
      assert.deepEqual([error.kind, error.mayHaveRun], ['connection-lost', true]);
    }
  });

  it('fails to open, in time, with a peer that accepts and says nothing', async () => {
    daemon.greet = () => undefined;
    const error = await failure({ timeouts: { openMs: 50 } });
    assert.equal(error.kind, 'timeout');
  });

  it('is lost, in time, with a peer that falls silent later', async () => {
    const lost = new Promise<LibvirtError>((resolve) =>
      open({ keepAlive: { intervalMs: 20, misses: 2 }, observer: { onDisconnected: resolve } }),
    );
    assert.equal((await lost).kind, 'connection-lost');
    assert.ok(daemon.peers.some(({ messages }) => messages.some(({ program }) => program === 0x6b656570)));
  });

  it('comes about with a peer that is slow: a byte at a time', async () => {
    daemon.behave = (message, { socket }) => {
      if (message.procedure !== 66) return undefined;
      const bytes = reply(message, (writer) => {
        writer.u32(1);
        writer.u32(0);
      });
      let at = 0;
      const drip = (): void => {
        if (at === bytes.length) return;
        socket.write(bytes.subarray(at, ++at), () => setImmediate(drip));
      };
      drip();
      return 'silent';
    };
    assert.equal((await open().connected(5_000)).generation, 1);
  });

  const broken: readonly (readonly [string, string, Buffer])[] = [
    ['garbage', 'protocol', Buffer.from('SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n')],
    ['a length beyond the longest message', 'protocol', Buffer.from([0x7f, 0xff, 0xff, 0xff])],
    ['a message cut short by the end', 'connection-lost', Buffer.from([0, 0, 0, 64, 0x20, 0, 0x80, 0x86])],
    ['nothing but the end', 'connection-lost', Buffer.alloc(0)],
  ];
  for (const [what, kind, bytes] of broken) {
    it(`fails to open, and tries again, with a peer that sends ${what}`, async () => {
      daemon.greet = (socket) => socket.end(bytes);
      const error = await failure({ backoff: { minMs: 1, maxMs: 5 } });
      assert.equal(error.kind, kind, error.message);
      daemon.greet = undefined;
      assert.ok((await hypervisor!.connected(5_000)).failedAttempts >= 1);
    });
  }

  it('waits longer from try to try, as its clock and its chance say', async () => {
    daemon.greet = (socket) => socket.destroy();
    const waits: number[] = [];
    open({
      backoff: { minMs: 4, maxMs: 10 },
      random: () => 0.5,
      observer: { onConnectFailed: (_, retryInMs) => waits.push(retryInMs) },
    });
    await eventually(() => assert.ok(waits.length >= 5), { intervalMs: 2 });
    assert.deepEqual(waits.slice(0, 5), [3, 4.5, 6.75, 7.5, 7.5]);
  });

  it('closes while it is being opened, and while it waits to try again', async () => {
    daemon.behave = () => 'silent';
    const clock = new FakeClock();
    const opening = open({ clock });
    const waiter = opening.connected(5_000).then(
      () => 'connected',
      (error: unknown) => (error instanceof LibvirtError ? error.kind : String(error)),
    );
    await eventually(() => assert.equal(daemon.peers.length, 2), { intervalMs: 2 });
    await opening.close();
    assert.equal(await waiter, 'closed');
    // A retry that is left to be made would open it again: two clients where its owner knows of one.
    assert.equal(clock.pending, 0);
  });

  it('closes though the daemon does not answer its leave', async () => {
    const client = open();
    await client.connected(5_000);
    const lost = new Promise<LibvirtError>((resolve) => client.observe({ onDisconnected: resolve }));
    daemon.behave = ({ procedure }) => (procedure === 2 ? 'silent' : undefined);
    await client.close();
    assert.equal((await lost).kind, 'closed');
    await assert.rejects(client.getHostname(), (error) => error instanceof LibvirtError && error.kind === 'closed');
  });

  it('needs credentials for TLS', () => {
    assert.throws(() => connect({ uri: 'xen+tls://192.0.2.7/system' }), TypeError);
  });
});
