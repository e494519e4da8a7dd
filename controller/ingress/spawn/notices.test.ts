import assert from 'node:assert/strict';

import type { Admission } from '#controller/notify/index.ts';
import { FakeClock, settle } from '#controller/kube/testing/fake-clock.ts';
import { SpawnNotices } from './notices.ts';
import type { Speaker } from './notices.ts';

const TOKEN = '0123456789abcdef'.repeat(2);
const ADDRESS = '198.18.4.21';
const NAME = 'edom-198-18-4-21';

function createScene(domain: Speaker['domain']) {
  const clock = new FakeClock();
  const notices = new SpawnNotices({ clock, hostOf: (peer) => (peer.startsWith('198.18.') ? 'xen-1' : undefined) });
  const heard: string[] = [];
  const spawn = {
    token: TOKEN,
    domain,
    hasEnded: false,
    exit: undefined,
    noticed: (peer: string) => heard.push(peer),
    reported: () => undefined,
  };
  notices.expect(spawn);
  notices.seen(spawn);
  let admission: Admission | undefined;
  const admit = (claim: { readonly name?: string; readonly peer?: string; readonly token?: string | undefined }) => {
    void notices.admit({ name: NAME, peer: ADDRESS, token: undefined, ...claim }).then((given) => (admission = given));
    return settle();
  };
  return { clock, notices, spawn, heard, admit, kind: () => admission?.kind ?? 'held', admission: () => admission };
}

const KNOWN = { name: NAME, address: ADDRESS, hasToken: () => true };
const ORIGINAL = { ...KNOWN, hasToken: () => false };

describe('SpawnNotices', () => {
  const rows: readonly [string, Speaker['domain'], Parameters<ReturnType<typeof createScene>['admit']>[0], string][] = [
    ['its token, before its address is known', undefined, { token: TOKEN }, 'guest'],
    ['its token, from an address of no host', undefined, { token: TOKEN, peer: '203.0.113.9' }, 'stranger'],
    ['its token, from its address', KNOWN, { token: TOKEN }, 'guest'],
    ['its token, from another guest’s address', KNOWN, { token: TOKEN, peer: '198.18.4.22' }, 'stranger'],
    ['its token, in another’s name', KNOWN, { token: TOKEN, name: 'edom-198-18-4-22' }, 'stranger'],
    ['a token that nobody was told', KNOWN, { token: 'f'.repeat(32) }, 'unknown'],
    ['no token, though it was told one', KNOWN, {}, 'stranger'],
    ['no token, as the original guest, from its address', ORIGINAL, {}, 'guest'],
    ['no token, as the original guest, from another address', ORIGINAL, { peer: '198.18.4.22' }, 'stranger'],
    ['a name that is not known, from an address of no host', ORIGINAL, { name: 'x', peer: '203.0.113.9' }, 'unknown'],
    ['a name that is not known yet, from a guest’s address', undefined, {}, 'held'],
  ];
  for (const [what, domain, claim, kind] of rows) {
    it(`${what}: ${kind}`, async () => {
      const scene = createScene(domain);
      await scene.admit(claim);
      assert.equal(scene.kind(), kind);
    });
  }

  it('one that is held is let in as soon as the watch tells of its address', async () => {
    const { admit, spawn, notices, kind, admission, heard, clock } = createScene(undefined);
    await admit({});
    spawn.domain = ORIGINAL;
    notices.seen(spawn);
    await settle();
    assert.equal(kind(), 'guest');
    const given = admission();
    assert.ok(given?.kind === 'guest' && (await given.guest.ready()) === 'heard');
    assert.deepEqual(heard, [ADDRESS]);
    assert.equal(clock.pending, 0);
  });

  it('one that is held for two seconds is unknown', async () => {
    const { admit, kind, clock } = createScene(undefined);
    await admit({});
    await clock.advance(1_999);
    assert.equal(kind(), 'held');
    await clock.advance(1);
    assert.equal(kind(), 'unknown');
  });

  it('so many are held at once, and no more', async () => {
    const { admit, kind } = createScene(undefined);
    for (let count = 0; count < 256; count += 1) await admit({ name: `edom-${count}` });
    assert.equal(kind(), 'held');
    await admit({ name: 'edom-last' });
    assert.equal(kind(), 'unavailable');
  });

  it('one whose domain is gone is unknown, by token and by name', async () => {
    const { admit, kind, notices, spawn, clock } = createScene(KNOWN);
    notices.forget(spawn);
    await admit({ token: TOKEN });
    assert.equal(kind(), 'unknown');
    await admit({});
    await clock.advance(2_000);
    assert.equal(kind(), 'unknown');
  });
});
