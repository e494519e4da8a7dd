import assert from 'node:assert/strict';

import { Connection } from './connection.ts';
import { LibvirtError } from './errors.ts';
import { HEADER_BYTES, MAX_IN_FLIGHT, Node } from './protocol.ts';
import { FakeClock } from './testing/clock.ts';
import { event, frame, keepAlive, refusal, reply } from './testing/frames.ts';
import { FakeTransport } from './testing/transport.ts';
import { readString } from './wire.ts';
import { XdrError } from './xdr.ts';

const nothing = (): void => undefined;

/** Lets what was asked for in this tick be sent. */
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const setUp = (options: { maxQueued?: number; batches?: boolean; maySend?: () => boolean } = {}) => {
  const clock = new FakeClock();
  const transport = new FakeTransport(options.batches);
  const lost: LibvirtError[] = [];
  const events: number[] = [];
  const connection = new Connection({
    uri: 'test:///fake',
    clock,
    maxQueued: options.maxQueued ?? 100,
    maySend: options.maySend,
    onEvent: (procedure, reader) => {
      if (reader.remaining < 4) throw new XdrError('an event cut short');
      events.push(procedure);
    },
    onLost: (error) => lost.push(error),
  });
  connection.attach(transport);
  const ask = (limits: { timeoutMs?: number; sendBefore?: number } = {}): Promise<string> =>
    connection.call(Node.getHostname, nothing, readString, { timeoutMs: 1_000, ...limits });
  const answer = (index: number, text = 'name'): void => {
    const call = transport.messages[index];
    assert.ok(call !== undefined, `no message ${index} was sent`);
    connection.onData(reply(call, (writer) => writer.string(text)));
  };
  return { clock, transport, connection, lost, events, ask, answer };
};

type Outcome = { readonly value: string } | { readonly kind: string; readonly mayHaveRun: boolean };

const outcome = (call: Promise<string>): Promise<Outcome> =>
  call.then(
    (value) => ({ value }),
    (error: unknown) => {
      assert.ok(error instanceof LibvirtError, String(error));
      return { kind: error.kind, mayHaveRun: error.mayHaveRun };
    },
  );

describe('a libvirt connection', () => {
  it('keeps at most four calls unanswered and sends the next as each is answered', async () => {
    const { transport, ask, answer } = setUp();
    const calls = Array.from({ length: 6 }, () => ask());
    await tick();
    assert.equal(transport.messages.length, MAX_IN_FLIGHT);
    assert.equal(transport.writes.length, 1, 'one write carries what is asked for together');
    answer(2, 'third');
    await tick();
    assert.equal(transport.messages.length, 5);
    answer(0);
    await tick();
    for (const index of [1, 3, 4, 5]) answer(index);
    assert.deepEqual(await Promise.all(calls), ['name', 'name', 'third', 'name', 'name', 'name']);
    assert.equal(new Set(transport.messages.map(({ serial }) => serial)).size, 6);
  });

  it('writes one message at a time where the transport asks for that, each once the one before is out', async () => {
    const { transport, connection, ask } = setUp({ batches: false });
    const calls = Promise.allSettled([ask(), ask(), ask()]);
    for (let sent = 1; sent <= 3; sent++) {
      await tick();
      assert.equal(transport.writes.length, sent);
      assert.equal(transport.writes.at(-1)?.readUInt32BE(), transport.writes.at(-1)?.length);
      transport.writable = true;
      connection.onWritable();
    }
    connection.fail('closed', 'over');
    await calls;
  });

  it('says of each call whether it was sent when the connection ends', async () => {
    const { transport, connection, lost, ask } = setUp();
    const calls = Array.from({ length: 6 }, () => outcome(ask()));
    await tick();
    connection.fail('connection-lost', 'gone');
    const sent = { kind: 'connection-lost', mayHaveRun: true };
    const unsent = { kind: 'connection-lost', mayHaveRun: false };
    assert.deepEqual(await Promise.all(calls), [sent, sent, sent, sent, unsent, unsent]);
    assert.deepEqual(
      lost.map(({ kind }) => kind),
      ['connection-lost'],
    );
    assert.ok(transport.destroyed);
    assert.deepEqual(await outcome(ask()), { kind: 'not-connected', mayHaveRun: false });
  });

  it('does not send what the socket does not take', async () => {
    const { transport, connection, ask } = setUp();
    transport.writable = false;
    const call = outcome(ask());
    await tick();
    connection.fail('connection-lost', 'gone');
    assert.deepEqual(await call, { kind: 'connection-lost', mayHaveRun: false });
    assert.equal(transport.writes.length, 0);
  });

  it('lets each call run out of its own time, and keeps the place of one that was sent', async () => {
    const { clock, transport, ask, answer } = setUp();
    const sent = [50, 100, 100, 100].map((timeoutMs) => outcome(ask({ timeoutMs })));
    const waiting = outcome(ask({ timeoutMs: 70 }));
    const patient = ask({ timeoutMs: 500 });
    await tick();
    clock.advance(50);
    assert.deepEqual(await sent[0], { kind: 'timeout', mayHaveRun: true });
    clock.advance(20);
    assert.deepEqual(await waiting, { kind: 'timeout', mayHaveRun: false });
    assert.equal(transport.messages.length, 4);
    answer(0, 'late');
    await tick();
    assert.equal(transport.messages.length, 5, 'the late answer gave its place back');
    answer(4, 'in time');
    assert.equal(await patient, 'in time');
    clock.advance(1_000);
    await Promise.all(sent);
  });

  it('is given up once every place is held by a call that ran out of time', async () => {
    const { clock, lost, ask } = setUp();
    const calls = Array.from({ length: 4 }, () => outcome(ask({ timeoutMs: 100 })));
    const waiting = outcome(ask({ timeoutMs: 9_000 }));
    await tick();
    clock.advance(100);
    assert.ok((await Promise.all(calls)).every((result) => 'kind' in result && result.kind === 'timeout'));
    assert.deepEqual(await waiting, { kind: 'connection-lost', mayHaveRun: false });
    assert.equal(lost.length, 1);
    assert.equal(clock.pending, 0);
  });

  it('refuses more than may wait', async () => {
    const { connection, ask } = setUp({ maxQueued: 2 });
    const calls = [outcome(ask()), outcome(ask()), outcome(ask())];
    assert.deepEqual(await calls[2], { kind: 'queue-full', mayHaveRun: false });
    connection.fail('closed', 'over');
    await Promise.all(calls);
  });

  it('does not send a call after the time until which it was to be sent', async () => {
    const { clock, transport, ask, answer } = setUp();
    const first = Array.from({ length: 4 }, () => ask());
    const late = outcome(ask({ sendBefore: 10 }));
    await tick();
    clock.advance(11);
    for (let i = 0; i < 4; i++) answer(i);
    await Promise.all(first);
    assert.deepEqual(await late, { kind: 'timeout', mayHaveRun: false });
    assert.equal(transport.messages.length, 4);
  });

  it('does not send a call once its caller may not, though it was made before', async () => {
    let may = true;
    const { transport, ask, answer } = setUp({ maySend: () => may });
    const first = Array.from({ length: 4 }, () => ask());
    const waiting = outcome(ask());
    await tick();
    may = false;
    for (let i = 0; i < 4; i++) answer(i);
    await Promise.all(first);
    assert.deepEqual(await waiting, { kind: 'withheld', mayHaveRun: false });
    assert.equal(transport.messages.length, 4);
  });

  it('rejects a call that cannot be encoded, and sends the others whole', async () => {
    const { connection, transport, ask, answer } = setUp();
    const bad = outcome(connection.call(Node.getHostname, (w) => w.uuid('none'), readString, { timeoutMs: 1_000 }));
    const good = ask();
    await tick();
    assert.deepEqual(await bad, { kind: 'protocol', mayHaveRun: false });
    assert.equal(transport.messages.length, 1);
    answer(0);
    assert.equal(await good, 'name');
  });

  it('tells what the daemon refused, by code', async () => {
    const { connection, transport, ask } = setUp();
    const call = ask();
    await tick();
    connection.onData(refusal(transport.messages[0]!, 42, 'no such domain'));
    await assert.rejects(call, (error) => {
      assert.ok(error instanceof LibvirtError);
      const { kind, code, domain, procedure, uri } = error;
      assert.deepEqual(
        { kind, code, domain, procedure, uri },
        { kind: 'no-domain', code: 42, domain: 12, procedure: 'CONNECT_GET_HOSTNAME', uri: 'test:///fake' },
      );
      assert.equal(error.message, 'test:///fake: CONNECT_GET_HOSTNAME: no such domain');
      return true;
    });
  });

  it('loses only the call whose reply makes no sense', async () => {
    const { connection, transport, lost, ask, answer } = setUp();
    const calls = [outcome(ask()), outcome(ask()), outcome(ask())];
    await tick();
    connection.onData(reply(transport.messages[0]!, (writer) => writer.u32(99)));
    connection.onData(reply(transport.messages[1]!, (writer) => writer.u64(1)));
    answer(2);
    const nonsense = { kind: 'protocol', mayHaveRun: true };
    assert.deepEqual(await Promise.all(calls), [nonsense, nonsense, { value: 'name' }]);
    assert.equal(lost.length, 0);
  });

  it('answers the pings of the daemon, many at once with one', async () => {
    const { connection, transport } = setUp();
    for (let i = 0; i < 1_000; i++) connection.onData(keepAlive(1));
    await tick();
    assert.deepEqual(transport.writes, [keepAlive(2)]);
    connection.onData(keepAlive(2));
    await tick();
    assert.equal(transport.writes.length, 1);
  });

  it('hands on what the daemon says of itself', () => {
    const { connection, events } = setUp();
    connection.onData(Buffer.concat([event(318, (w) => w.u32(0)), event(999, (w) => w.u32(0))]));
    assert.deepEqual(events, [318, 999]);
  });

  const header = { program: 0x20008086, procedure: 59, type: 1, serial: 77, status: 0 };
  const nonsense: readonly (readonly [string, Buffer])[] = [
    ['a reply to no call', frame(header)],
    ['a message of another program', frame({ ...header, program: 7 })],
    ['a message of no known type', frame({ ...header, type: 9 })],
    ['an event that is cut short', event(318)],
    ['a length that no message has', Buffer.alloc(HEADER_BYTES)],
    ['text', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ];
  for (const [what, bytes] of nonsense) {
    it(`ends with ${what}, and is deaf from then on`, async () => {
      const { connection, transport, lost, events, ask } = setUp();
      const call = outcome(ask());
      await tick();
      connection.onData(bytes);
      connection.onData(event(318, (w) => w.u32(0)));
      assert.deepEqual(await call, { kind: 'connection-lost', mayHaveRun: true });
      assert.deepEqual(
        lost.map(({ kind }) => kind),
        ['protocol'],
      );
      assert.ok(transport.destroyed);
      assert.deepEqual(events, []);
    });
  }
});
