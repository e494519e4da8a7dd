import assert from 'node:assert/strict';

import { settle } from '#controller/kube/testing/fake-clock.ts';
import { createHost, FakeStream } from './testing/fake-console.ts';

describe('a console that is left before its domain is destroyed', () => {
  it('is over once its host knows; what was read is kept, and it is not opened again', async () => {
    const stream = new FakeStream();
    const told = Promise.withResolvers<undefined>();
    stream.closing = told.promise;
    const { consoles, opened } = createHost(stream);
    consoles.capture('u', 1000);
    stream.say('said');
    await settle();
    let left = false;
    const leaving = consoles.leave('u').then(() => (left = true));
    await settle();
    assert.deepEqual([stream.closed, left], [1, false]);
    told.resolve(undefined);
    await leaving;
    consoles.capture('u', 1000);
    await settle();
    assert.deepEqual([consoles.tail('u', 1000), consoles.lingerMs('u'), opened], ['said', 0, ['u']]);
  });

  it('is waited for no longer than 6 s, and not at all where there is none', async () => {
    const stream = new FakeStream();
    stream.closing = new Promise(() => undefined);
    const { consoles, clock } = createHost(stream);
    await consoles.leave('u');
    consoles.capture('u', 1000);
    await settle();
    const leaving = consoles.leave('u');
    await settle();
    await clock.advance(6_000);
    await leaving;
  });
});
