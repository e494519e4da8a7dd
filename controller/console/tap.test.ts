import assert from 'node:assert/strict';

import { settle } from '#controller/kube/testing/fake-clock.ts';
import type { LibvirtErrorKind } from '#controller/libvirt/index.ts';
import { MAX_CONSOLES } from './host-consoles.ts';
import type { HostConsoles } from './host-consoles.ts';
import { createHost, failure, FakeStream } from './testing/fake-console.ts';

/** A reader that takes all it is given. */
function createReader() {
  const reader = { text: '', ended: undefined as boolean | undefined };
  const sink = {
    write: (bytes: Uint8Array) => {
      reader.text += Buffer.from(bytes).toString();
      return true;
    },
    end: (complete: boolean) => {
      reader.ended = complete;
    },
  };
  return { reader, sink };
}

async function follow(consoles: HostConsoles, uuid: string, sink: ReturnType<typeof createReader>['sink'], bytes = 0) {
  const answer = await consoles.follow(uuid, bytes, sink, true);
  if (answer.kind === 'following') answer.start();
  await settle();
  return answer;
}

describe('a captured console', () => {
  it('is opened once, and its last bytes are kept', async () => {
    const stream = new FakeStream();
    const { consoles, opened } = createHost(stream);
    consoles.capture('a', 8);
    consoles.capture('a', 8);
    stream.say('one\n', 'two\n', 'three\n');
    await settle();
    assert.deepEqual(opened, ['a']);
    assert.equal(consoles.tail('a', 8), 'o\nthree\n');
    assert.equal(consoles.tail('b', 8), undefined);
  });

  it('is opened again after its connection was lost, and keeps what it had', async () => {
    const [first, second] = [new FakeStream(), new FakeStream()];
    const { consoles, clock } = createHost(first, failure('not-connected'), second);
    consoles.capture('a', 100);
    first.say('before\n', failure('connection-lost'));
    second.say('after\n');
    await clock.advance(1_000);
    assert.equal(consoles.tail('a', 100), 'before\nafter\n');
  });

  it('is tried again at once when the domain is seen again', async () => {
    const stream = new FakeStream();
    const { consoles, opened } = createHost(failure('not-connected'), stream);
    consoles.capture('a', 100);
    await settle();
    assert.equal(opened.length, 1);
    consoles.capture('a', 100);
    await settle();
    assert.equal(opened.length, 2);
  });

  it('of nothing, or on a host without consoles, is none', async () => {
    const { consoles, opened } = createHost(new FakeStream());
    consoles.capture('a', 0);
    await settle();
    assert.deepEqual(opened, []);
    assert.equal(consoles.lingerMs('a'), 0);
  });

  it('is one of so many at most', async () => {
    const { consoles } = createHost(...Array.from({ length: MAX_CONSOLES + 5 }, () => new FakeStream()));
    for (let i = 0; i < MAX_CONSOLES + 5; i += 1) consoles.capture(String(i), 10);
    await settle();
    assert.equal(consoles.size, MAX_CONSOLES);
    const answer = await follow(consoles, 'one more', createReader().sink);
    assert.equal(answer.kind, 'unavailable');
    consoles.forget('0', true);
    consoles.capture('one more', 10);
    assert.equal(consoles.size, MAX_CONSOLES);
  });

  it('that says more than may be read is left unread until its time', async () => {
    const stream = new FakeStream();
    const { consoles, clock } = createHost(stream);
    consoles.capture('a', 100);
    stream.say(...Array.from({ length: 64 }, () => Buffer.alloc(1_048_576, '.')), 'the end');
    await clock.advance(1_000);
    assert.ok(stream.taken >= 8 && stream.taken <= 16, `${stream.taken} MiB in the first second`);
    await clock.advance(8_000);
    assert.equal(consoles.tail('a', 7), 'the end');
  });
});

describe('the rest of a console after its domain’s end', () => {
  it('is waited for until the stream ends', async () => {
    const stream = new FakeStream();
    const { consoles, over } = createHost(stream);
    consoles.capture('a', 100);
    await settle();
    assert.ok(consoles.lingerMs('a') > 0);
    stream.say('goodbye', undefined);
    await settle();
    assert.deepEqual(over, ['a']);
    assert.equal(consoles.lingerMs('a'), 0);
    assert.equal(consoles.tail('a', 100), 'goodbye');
  });

  it('or has been silent for 100 ms', async () => {
    const stream = new FakeStream();
    const { consoles, clock } = createHost(stream);
    consoles.capture('a', 100);
    await settle();
    assert.equal(consoles.lingerMs('a'), 100);
    await clock.advance(60);
    stream.say('good');
    await settle();
    assert.equal(consoles.lingerMs('a'), 100);
    await clock.advance(100);
    assert.equal(consoles.lingerMs('a'), 0);
  });

  it('or for 300 ms at most, however much it says', async () => {
    const stream = new FakeStream();
    const { consoles, clock } = createHost(stream);
    consoles.capture('a', 100);
    await settle();
    let waited = 0;
    for (let ms = consoles.lingerMs('a'); ms > 0; ms = consoles.lingerMs('a')) {
      await clock.advance(Math.min(ms, 50));
      waited += Math.min(ms, 50);
      stream.say('more');
      await settle();
    }
    assert.equal(waited, 300);
  });

  it('is given a second to open, and no time where it cannot be opened', async () => {
    const { consoles, clock } = createHost(failure('not-connected'));
    consoles.capture('a', 100);
    assert.equal(consoles.lingerMs('a'), 1_000);
    await clock.advance(1);
    assert.equal(consoles.lingerMs('a'), 0);
  });

  it('is read as fast as it comes', async () => {
    const stream = new FakeStream();
    const { consoles, clock } = createHost(stream);
    consoles.capture('a', 100);
    stream.say(...Array.from({ length: 32 }, () => Buffer.alloc(1_048_576, '.')));
    await clock.advance(1);
    assert.ok(stream.taken < 32);
    consoles.lingerMs('a');
    await settle();
    assert.equal(stream.taken, 32);
  });
});

describe('followers', () => {
  it('share one stream with each other and the capture: first what is kept, then what comes, to the end', async () => {
    const stream = new FakeStream();
    const { consoles, opened } = createHost(stream);
    consoles.capture('a', 100);
    stream.say('early ');
    await settle();
    const readers = [createReader(), createReader()];
    for (const { sink } of readers) await follow(consoles, 'a', sink, 100);
    stream.say('late', undefined);
    await settle();
    for (const { reader } of readers) assert.deepEqual(reader, { text: 'early late', ended: true });
    assert.deepEqual(opened, ['a']);
  });

  it('open a console that is not captured, and the last of them leaves it', async () => {
    const stream = new FakeStream();
    const { consoles } = createHost(stream);
    const answers = [
      await follow(consoles, 'a', createReader().sink),
      await follow(consoles, 'a', createReader().sink),
    ];
    for (const [index, answer] of answers.entries()) {
      assert.ok(answer.kind === 'following');
      assert.equal(stream.closed, 0, `before ${index}`);
      answer.leave();
    }
    await settle();
    assert.deepEqual([stream.closed, consoles.size], [1, 0]);
  });

  it('are told that it is not the end where the host, or the controller, goes', async () => {
    const stream = new FakeStream();
    const { consoles } = createHost(stream);
    const { reader, sink } = createReader();
    await follow(consoles, 'a', sink);
    consoles.close();
    await settle();
    assert.equal(reader.ended, false);
  });

  it('have read it to its end where the domain is gone from its host', async () => {
    const { consoles } = createHost(new FakeStream());
    const { reader, sink } = createReader();
    await follow(consoles, 'a', sink);
    consoles.forget('a', true);
    await settle();
    assert.equal(reader.ended, true);
  });

  it('are so many of one console at most', async () => {
    const { consoles } = createHost(new FakeStream());
    const kinds: string[] = [];
    for (let i = 0; i < 9; i += 1) kinds.push((await follow(consoles, 'a', createReader().sink)).kind);
    assert.deepEqual(kinds, [...Array.from({ length: 8 }, () => 'following'), 'unavailable']);
  });

  const failures: readonly (readonly [LibvirtErrorKind, string])[] = [
    ['no-support', 'no-console'],
    ['no-domain', 'no-console'],
    ['operation-failed', 'unavailable'],
    ['not-connected', 'unavailable'],
  ];
  for (const [kind, answer] of failures) {
    it(`of a console that fails to open with ${kind}: ${answer}`, async () => {
      const { consoles } = createHost(failure(kind));
      assert.equal((await follow(consoles, 'a', createReader().sink)).kind, answer);
      await settle();
      assert.equal(consoles.size, 0);
    });
  }
});
