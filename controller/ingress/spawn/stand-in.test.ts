import assert from 'node:assert/strict';

import { FakeClock, settle } from '#controller/kube/testing/fake-clock.ts';
import { createStandIn } from './stand-in.ts';
import { spawnRequest } from './testing/request.ts';

const NAME = 'edom-127-0-0-1';

function createScene() {
  const clock = new FakeClock();
  const lines: string[] = [];
  const write = (message: string) => lines.push(message);
  const logger = { debug: write, info: write, warn: write, error: write };
  const standIn = createStandIn({ clock, logger, randomHex: (bytes) => '0'.repeat(2 * bytes) });
  const tokens: string[] = [];
  const open = () => standIn.open({ port: 4321, boot: (token) => tokens.push(token) });
  const admit = (token: string | undefined, peer = '127.0.0.1') =>
    standIn.receiverOf(token)?.admit({ name: NAME, peer, token });
  return { clock, lines, standIn, tokens, open, admit };
}

describe('a spawner with a stand-in API server and stand-in guests', () => {
  it('has a guest that is reachable when it says so with its token, at the port of all of them', async () => {
    const { standIn, tokens, open, admit, lines } = createScene();
    open();
    const spawned = standIn.start(spawnRequest());
    await settle();
    const admission = await admit(tokens[0]);
    assert.ok(admission?.kind === 'guest');
    assert.equal(await admission.guest.ready(), 'heard');
    const guest = { address: '127.0.0.1', port: 4321, host: 'stand-in', socket: undefined };
    assert.deepEqual(await spawned.reachable, { kind: 'reachable', guest });
    assert.equal(spawned.name, 'web-0000000000000000');
    assert.notEqual(spawned.marks.created, undefined);
    assert.deepEqual(lines, []);
  });

  it('has one that is reachable after 50 ms, where it cannot say so', async () => {
    const { standIn, open, clock } = createScene();
    open();
    const { reachable } = standIn.start(spawnRequest());
    await clock.advance(50);
    assert.equal((await reachable).kind, 'reachable');
  });

  it('is over when it is deleted, or when its visitor leaves', async () => {
    const { standIn, open } = createScene();
    open();
    const left = new AbortController();
    const [one, other] = [standIn.start(spawnRequest()), standIn.start(spawnRequest({}, { signal: left.signal }))];
    await settle();
    await one.delete();
    left.abort();
    assert.deepEqual([await one.ended, await other.ended], [{ kind: 'deleted' }, { kind: 'deleted' }]);
  });

  it('knows the tokens of its guests, also of those that are over, until it is closed', async () => {
    const { standIn, open, tokens, admit } = createScene();
    open();
    const spawned = standIn.start(spawnRequest());
    await settle();
    await spawned.delete();
    assert.equal((await admit(tokens[0]))?.kind, 'guest');
    assert.equal((await admit(tokens[0], '203.0.113.9'))?.kind, 'stranger');
    assert.equal(admit('f'.repeat(32)), undefined);
    assert.equal(admit(undefined), undefined);
    standIn.close();
    assert.equal(admit(tokens[0]), undefined);
  });

  it('starts one without a guest where it is closed, which ends when its visitor leaves', async () => {
    const { standIn, tokens, open, lines } = createScene();
    open();
    standIn.close();
    const left = new AbortController();
    const spawned = standIn.start(spawnRequest({}, { signal: left.signal }));
    await settle();
    left.abort();
    assert.deepEqual(await spawned.reachable, { kind: 'failed', failure: { kind: 'left' } });
    assert.deepEqual(await spawned.ended, { kind: 'deleted' });
    assert.deepEqual({ tokens, lines }, { tokens: [], lines: [] });
  });
});
