import assert from 'node:assert/strict';

import { silentLogger } from '#controller/kube/index.ts';
import { FakeClock } from '#controller/kube/testing/fake-clock.ts';
import type { Message, Reply } from '../link/index.ts';
import { Departures } from './departures.ts';

/** Domains a and b of namespace ns, and what the controller says of them; each is asked for by its UID. */
function createScene() {
  const clock = new FakeClock();
  const said: Message[] = [];
  const gone: string[] = [];
  const state: { present: readonly string[]; reply: Reply | undefined } = { present: [], reply: undefined };
  const link = {
    say: (message: Message): Promise<Reply> => {
      said.push(message);
      const body = JSON.stringify({ present: state.present });
      return Promise.resolve(state.reply ?? { kind: 'answered', status: 200, body });
    },
  };
  const departures = new Departures({ link, clock, logger: silentLogger });
  const wait = (uid: string, { namespace = 'ns', leastMs = 0 } = {}): void => {
    void departures.departed({ namespace, name: `web-${uid}`, uid, host: 'xen-1' }, leastMs).then(() => gone.push(uid));
  };
  return { clock, said, gone, state, departures, wait };
}

describe('a domain whose EphemeralDomain is deleted', () => {
  it('is gone once the controller says that no host has it', async () => {
    const { clock, said, gone, state, wait } = createScene();
    state.present = ['a'];
    wait('a');
    wait('b');
    await clock.advance(99);
    assert.deepEqual(said, []);
    await clock.advance(1);
    assert.deepEqual(gone, ['b']);
    state.present = [];
    await clock.advance(100);
    assert.deepEqual(gone, ['b', 'a']);
    const asked = said.map(({ path, body }) => ({ path, body: JSON.parse(body) as unknown }));
    const [a, b] = ['a', 'b'].map((uid) => ({ name: `web-${uid}`, uid, host: 'xen-1' }));
    assert.deepEqual(asked, [
      { path: '/presence/ns', body: { domains: [a, b] } },
      { path: '/presence/ns', body: { domains: [a] } },
    ]);
  });

  it('is asked for no more once all are gone, and again with the next', async () => {
    const { clock, said, gone, wait } = createScene();
    wait('a');
    await clock.advance(60_000);
    assert.equal(said.length, 1);
    wait('b');
    await clock.advance(100);
    assert.deepEqual(gone, ['a', 'b']);
  });

  it('is not asked for before its caller would have it gone', async () => {
    const { clock, said, gone, wait } = createScene();
    wait('a', { leastMs: 1_000 });
    await clock.advance(999);
    assert.deepEqual(said, []);
    await clock.advance(1);
    assert.deepEqual(gone, ['a']);
  });

  it('is asked for with all others of its namespace, as many at a time as the controller takes', async () => {
    const { clock, said, wait } = createScene();
    for (let n = 0; n < 65; n += 1) wait(`u${n}`);
    wait('other', { namespace: 'elsewhere' });
    await clock.advance(100);
    const counts = said.map(({ path, body }) => [path, (JSON.parse(body) as { domains: unknown[] }).domains.length]);
    assert.deepEqual(counts, [
      ['/presence/ns', 64],
      ['/presence/ns', 1],
      ['/presence/elsewhere', 1],
    ]);
  });

  it('holds nobody up for longer than 30 s, whether it is still there or no controller is', async () => {
    for (const reply of [undefined, { kind: 'unreachable', why: 'away' }] as const) {
      const { clock, gone, state, wait } = createScene();
      Object.assign(state, { present: ['a'], reply });
      wait('a');
      await clock.advance(29_999);
      assert.deepEqual(gone, []);
      await clock.advance(1);
      assert.deepEqual(gone, ['a']);
    }
  });

  const silent: readonly (readonly [string, Reply])[] = [
    ['knows no such question', { kind: 'answered', status: 404, body: '' }],
    ['does not let this ingress ask', { kind: 'answered', status: 403, body: '' }],
    ['answers with something else', { kind: 'answered', status: 200, body: '{"present": 1}' }],
    ['does not take these credentials', { kind: 'refused', why: 'impersonation' }],
  ];
  for (const [what, reply] of silent) {
    it(`is taken for gone, at its earliest time, where the controller ${what}`, async () => {
      const { clock, gone, state, wait } = createScene();
      state.reply = reply;
      wait('a', { leastMs: 1_000 });
      await clock.advance(999);
      assert.deepEqual(gone, []);
      await clock.advance(1);
      assert.deepEqual(gone, ['a']);
    });
  }

  it('is waited for no more at the end', async () => {
    const { clock, said, gone, departures, wait } = createScene();
    wait('a');
    await Promise.all([departures.close(), clock.advance(0)]);
    assert.deepEqual([gone, said], [['a'], []]);
  });
});
