import assert from 'node:assert/strict';

import { eventually } from '#test/support/eventually.ts';
import { LibvirtError, connect } from './index.ts';
import type { CallOptions, ConnectOptions, Hypervisor, UploadSource } from './index.ts';
import { MAX_STREAM_PAYLOAD, MessageStatus, MessageType } from './protocol.ts';
import { endToldTo, FakeDaemon } from './testing/daemon.ts';
import { answerToEnd, isStream, refusal, streamPacket } from './testing/frames.ts';
import type { Message } from './testing/frames.ts';

const VOLUME = { pool: 'images', name: 'kernel', key: '/images/kernel' };
const DOMAIN = { name: 'a', uuid: '11111111-2222-4333-8444-555555555555' };

const isKind = (kind: string) => (error: unknown) => error instanceof LibvirtError && error.kind === kind;

describe('libvirt uploads', () => {
  let daemon: FakeDaemon;
  let hypervisor: Hypervisor;

  const open = async (options: Partial<ConnectOptions> = {}): Promise<void> => {
    hypervisor = connect({ uri: daemon.uri, ...options });
    await hypervisor.connected(5_000);
  };

  beforeEach(async () => {
    daemon = await new FakeDaemon().start();
  });

  afterEach(async () => {
    await hypervisor.close();
    await daemon.stop();
  });

  /** What a daemon was sent on its stream, once it has confirmed the end. */
  const uploaded = async (source: UploadSource): Promise<{ sent: number; packets: readonly Buffer[] }> => {
    daemon.behave = (message) =>
      isStream(message) && message.status === MessageStatus.ok
        ? streamPacket(message, MessageStatus.ok)
        : isStream(message)
          ? 'silent'
          : undefined;
    await open();
    const sent = await hypervisor.volUpload(VOLUME, source);
    const packets = daemon.peers[2]?.messages.filter((m) => isStream(m) && m.status === MessageStatus.continue) ?? [];
    return { sent, packets: packets.map(({ payload }) => payload) };
  };

  it('send bytes at hand in packets of the protocol, over a connection of their own', async () => {
    const bytes = Buffer.alloc(600_001, 'hatchery');
    const { sent, packets } = await uploaded(bytes);
    assert.equal(sent, bytes.length);
    assert.deepEqual(
      packets.map(({ length }) => length),
      [MAX_STREAM_PAYLOAD, MAX_STREAM_PAYLOAD, 75_761],
    );
    assert.deepEqual(Buffer.concat(packets), bytes);
    // Its own connection asks for no pings: it may stop reading.
    assert.deepEqual(
      daemon.peers[2]?.messages.filter(({ type }) => type === MessageType.call).map(({ procedure }) => procedure),
      [66, 1, 208],
    );
  });

  it('send bytes as they come', async () => {
    const source = async function* (): AsyncGenerator<Uint8Array> {
      for (const text of ['one', '', 'two']) {
        await Promise.resolve();
        yield Buffer.from(text);
      }
    };
    const { sent, packets } = await uploaded(source());
    assert.equal(sent, 6);
    assert.equal(Buffer.concat(packets).toString(), 'onetwo');
  });

  it('send nothing at all', async () => {
    assert.deepEqual(await uploaded([]), { sent: 0, packets: [] });
  });

  it('end where the daemon gives up, though its source has more to come', async () => {
    daemon.behave = (message) =>
      isStream(message) ? refusal(message, 38, 'no space left', MessageType.stream) : undefined;
    await open();
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x');
      await new Promise(() => undefined);
    };
    await assert.rejects(hypervisor.volUpload(VOLUME, source()), (error) => {
      assert.ok(error instanceof LibvirtError);
      assert.deepEqual([error.kind, error.code, error.procedure], ['system', 38, 'STORAGE_VOL_UPLOAD']);
      return true;
    });
    await eventually(() => assert.ok(daemon.peers[2]?.socket.destroyed));
  });

  /** Uploads that fail on this side. */
  const FAILURES: readonly {
    readonly what: string;
    readonly source: () => UploadSource;
    readonly options?: CallOptions;
    readonly fails: (error: unknown) => boolean;
    readonly status: number;
  }[] = [
    {
      what: 'failed by their source',
      source: function* (): Generator<Uint8Array> {
        yield Buffer.from('x');
        throw new RangeError('unreadable');
      },
      fails: (error: unknown) => error instanceof RangeError,
      status: MessageStatus.error,
    },
    {
      what: 'not confirmed by the daemon',
      source: () => [Buffer.from('x')],
      fails: isKind('timeout'),
      status: MessageStatus.ok,
    },
    {
      what: 'not done in time',
      source: async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.from('x');
        await new Promise(() => undefined);
      },
      // Longer than the opening of the stream takes on a busy machine: before that there is no end to tell.
      options: { timeoutMs: 500 },
      fails: isKind('timeout'),
      status: MessageStatus.error,
    },
  ];
  for (const { what, source, fails, status, options } of FAILURES) {
    /** To a daemon that takes the stream's packets and says nothing. */
    const begin = async (leaveMs: number): Promise<Message> => {
      daemon.behave = (message) => (isStream(message) ? 'silent' : undefined);
      await open({ timeouts: { streamMs: 60, leaveMs } });
      await assert.rejects(hypervisor.volUpload(VOLUME, source(), options), fails);
      const told = await eventually(() => endToldTo(daemon));
      assert.equal(told.status, status);
      return told;
    };

    it(`that are ${what}: end, and keep its connection until the daemon has answered`, async () => {
      const told = await begin(60_000);
      // A turn of both sides, in which it would go.
      await hypervisor.destroy(DOMAIN);
      assert.ok(daemon.peers[2]?.socket.destroyed === false);
      daemon.peers[2].socket.write(answerToEnd(told));
      await eventually(() => assert.ok(daemon.peers[2]?.socket.destroyed));
    });

    it(`that are ${what}: end, and drop its connection where no answer comes`, async () => {
      await begin(20);
      await eventually(() => assert.ok(daemon.peers[2]?.socket.destroyed));
    });
  }

  it('are left well before the hypervisor is closed', async () => {
    daemon.behave = (message) =>
      isStream(message) ? (message.status === MessageStatus.continue ? 'silent' : answerToEnd(message)) : undefined;
    await open();
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x');
      await new Promise(() => undefined);
    };
    const refused = assert.rejects(hypervisor.volUpload(VOLUME, endless()), isKind('closed'));
    await eventually(() => assert.ok(daemon.peers[2]?.messages.some(isStream)));
    await hypervisor.close();
    assert.equal((await eventually(() => endToldTo(daemon))).status, MessageStatus.error);
    await refused;
  });
});
