import assert from 'node:assert/strict';

import { eventually } from '#test/support/eventually.ts';
import { LibvirtError, connect } from './index.ts';
import type { ConnectOptions, Hypervisor } from './index.ts';
import { MessageStatus } from './protocol.ts';
import { Inlet } from './stream.ts';
import { endToldTo, FakeDaemon } from './testing/daemon.ts';
import { answerToEnd, isStream, reply, streamPacket } from './testing/frames.ts';
import type { Message } from './testing/frames.ts';

const VOLUME = { pool: 'images', name: 'kernel', key: '/images/kernel' };
const DOMAIN = { name: 'a', uuid: '11111111-2222-4333-8444-555555555555' };

describe('libvirt streams', () => {
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

  it('need a session', async () => {
    daemon.behave = () => 'silent';
    hypervisor = connect({ uri: daemon.uri });
    await assert.rejects(hypervisor.volUpload(VOLUME, Buffer.from('x')), isKind('not-connected'));
    await assert.rejects(hypervisor.openConsole(DOMAIN), isKind('not-connected'));
  });

  const { continue: data, ok, error } = MessageStatus;

  let isAnswering: boolean;
  /** Opens a console whose daemon sends these packets right behind its reply. */
  const withOutput = async (...packets: readonly (readonly [number, string])[]): Promise<void> => {
    isAnswering = true;
    daemon.behave = (message) => {
      if (isStream(message)) return message.status === data || !isAnswering ? 'silent' : answerToEnd(message);
      if (message.procedure !== 201) return undefined;
      const output = packets.map(([status, text]) => streamPacket(message, status, Buffer.from(text)));
      return Buffer.concat([reply(message), ...output]);
    };
    await open({ timeouts: { leaveMs: 500 } });
  };

  it('hand on a console’s output until the domain ends, and confirm the end', async () => {
    await withOutput([data, 'Booting'], [data, '...\n'], [data, '']);
    const console = await hypervisor.openConsole(DOMAIN);
    let text = '';
    for await (const bytes of console) text += bytes.toString();
    assert.equal(text, 'Booting...\n');
    await eventually(() => assert.ok(daemon.peers[2]?.messages.some((m) => isStream(m) && m.status === ok)));
    await eventually(() => assert.ok(daemon.peers[2]?.socket.destroyed));
  });

  it('leave a console that nobody reads any more', async () => {
    await withOutput([data, 'one'], [data, 'two']);
    for await (const bytes of await hypervisor.openConsole(DOMAIN)) {
      assert.equal(bytes.toString(), 'one');
      break;
    }
    await eventually(() => assert.ok(daemon.peers[2]?.messages.some((m) => isStream(m) && m.status === error)));
    await eventually(() => assert.ok(daemon.peers[2]?.socket.destroyed));
  });

  /** The end of a console, as this side told it to the daemon. */
  const toldEnd = (): Promise<Message> => eventually(() => endToldTo(daemon));

  const CONSOLES = [
    { what: 'at the end of its output', output: [data, ''], status: ok },
    { what: 'that is left', output: [data, 'one'], status: error },
  ] as const;
  for (const { what, output, status } of CONSOLES) {
    it(`keep the connection of a console ${what} until the daemon has answered: without it libvirt 11.3 would hang`, async () => {
      await withOutput(output);
      isAnswering = false;
      const leave = async (): Promise<void> => {
        for await (const bytes of await hypervisor.openConsole(DOMAIN)) assert.equal(bytes.toString(), output[1]);
      };
      const leaving = status === ok ? leave() : (await hypervisor.openConsole(DOMAIN)).close();
      const told = await toldEnd();
      assert.equal(told.status, status);
      // A turn of both sides, in which it would go.
      await hypervisor.destroy(DOMAIN);
      assert.ok(daemon.peers[2]?.socket.destroyed === false);
      daemon.peers[2].socket.write(answerToEnd(told));
      await leaving;
      await eventually(() => assert.ok(daemon.peers[2]?.socket.destroyed));
    });
  }

  it('drop the connection of a console whose end the daemon does not answer in time', async () => {
    await withOutput();
    isAnswering = false;
    await (await hypervisor.openConsole(DOMAIN)).close();
    await eventually(() => assert.ok(daemon.peers[2]?.socket.destroyed));
  });

  it('are left well before their hypervisor is closed', async () => {
    await withOutput([data, 'one']);
    const console = await hypervisor.openConsole(DOMAIN);
    const reading = (async () => {
      for await (const bytes of console) assert.equal(bytes.toString(), 'one');
    })();
    const refused = assert.rejects(reading, isKind('closed'));
    await hypervisor.close();
    assert.equal((await toldEnd()).status, error);
    await refused;
  });

  it('send input to a console', async () => {
    await withOutput();
    const console = await hypervisor.openConsole(DOMAIN);
    await console.write(Buffer.from('ls\n'));
    await eventually(() => assert.equal(daemon.peers[2]?.messages.at(-1)?.payload.toString(), 'ls\n'));
    await console.close();
    await console.close();
  });

  it('fail with their connection and go with their session', async () => {
    await withOutput([data, 'one']);
    const [first, second] = [await hypervisor.openConsole(DOMAIN), await hypervisor.openConsole(DOMAIN)];
    const read = async (console: AsyncIterable<Buffer>): Promise<string> => {
      let text = '';
      for await (const bytes of console) text += bytes.toString();
      return text;
    };
    const reading = [read(first), read(second)];
    daemon.peers[2]?.socket.destroy();
    await assert.rejects(reading[0]!, isKind('connection-lost'));
    daemon.peers[0]?.socket.destroy();
    await assert.rejects(reading[1]!, isKind('connection-lost'));
  });
});

const isKind = (kind: string) => (error: unknown) => error instanceof LibvirtError && error.kind === kind;

describe('the receiving end of a stream', () => {
  it('stops the flow at its bound and starts it again when that is read', async () => {
    const flow: string[] = [];
    const inlet = new Inlet({ pause: () => flow.push('pause'), resume: () => flow.push('resume') });
    for (let i = 0; i < 5; i++) inlet.onData(Buffer.alloc(262_120));
    assert.deepEqual(flow, ['pause']);
    for (let i = 0; i < 4; i++) await inlet.next();
    assert.deepEqual(flow, ['pause', 'resume']);
    assert.equal(inlet.held, 262_120);
  });
});
