import assert from 'node:assert/strict';
import { isKubeError } from './errors.ts';
import { createRestClient } from './http-client.ts';
import { faultServer, json } from './testing/fault-server.ts';
import type { Answer } from './testing/fault-server.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { thing, THINGS } from './testing/objects.ts';
import { eventually } from '#test/support/eventually.ts';

const A = { namespace: 'default', name: 'a' };
const silent: Answer = () => undefined;

describe('REST client: closing (local server)', () => {
  it('lets a call under way end, and sends none after it', async () => {
    let answer = (): void => undefined;
    const late: Answer = (response, request) => {
      answer = () => json(200, thing('a', 1))(response, request);
    };
    await using server = await faultServer(late);
    const client = createRestClient(server.config);
    const call = client.get(THINGS, A);
    await eventually(() => assert.equal(server.seen.length, 1));
    const closed = client.close();
    answer();
    assert.equal((await call).metadata.name, 'a');
    await closed;
    await assert.rejects(client.get(THINGS, A), (error) => isKubeError(error, 'aborted'));
  });

  it('cuts off a call that is not answered, when its grace is over', async () => {
    await using server = await faultServer(silent);
    const clock = new FakeClock();
    const client = createRestClient(server.config, { clock });
    const call = assert.rejects(client.patch(THINGS, A, {}), (error) => isKubeError(error) && error.mayHaveRun);
    await eventually(() => assert.equal(server.seen.length, 1));
    const closed = client.close();
    await clock.advance(2_000);
    await call;
    await closed;
  });
});

describe('REST client: connections (local server)', () => {
  it('are kept after a DELETE with a body', async () => {
    await using server = await faultServer(json(200, thing('a', 1)));
    const client = createRestClient(server.config);
    for (let call = 0; call < 20; call += 1) await client.delete(THINGS, A, { preconditions: { uid: 'u-1' } });
    assert.match(server.seen[0]?.body ?? '', /u-1/);
    // The next call may come before the one before has let go of its connection.
    assert.ok(server.connections <= 2, `${server.connections} connections`);
    await client.close();
  });
});
