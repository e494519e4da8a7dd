import assert from 'node:assert/strict';
import { KubeError } from './errors.ts';
import { leasedClient } from './leased-client.ts';
import { FakeApi } from './testing/fake-api.ts';
import { thing, THINGS } from './testing/objects.ts';

function bench() {
  const api = new FakeApi();
  const loss = new AbortController();
  const lease = { held: true, signal: loss.signal, isHeld: () => lease.held };
  return { api, loss, lease, client: leasedClient(api.client, lease) };
}

const isKind = (kind: string) => (error: unknown) => error instanceof KubeError && error.kind === kind;

describe('leased client', () => {
  it('writes while the lease is held', async () => {
    const { client, api } = bench();
    await client.create(THINGS, { metadata: { namespace: 'default', name: 'a' } });
    assert.equal(api.objects.size, 1);
  });

  it('sends no write without the lease, but reads', async () => {
    const { client, api, lease } = bench();
    api.objects.set('default/a', thing('a', 1));
    lease.held = false;
    const ref = { namespace: 'default', name: 'a' };
    await assert.rejects(client.create(THINGS, { metadata: ref }), isKind('not-leading'));
    await assert.rejects(client.replace(THINGS, thing('a', 1)), isKind('not-leading'));
    await assert.rejects(client.patch(THINGS, ref, {}), isKind('not-leading'));
    await assert.rejects(client.patchStatus(THINGS, ref, {}), isKind('not-leading'));
    await assert.rejects(client.delete(THINGS, ref), isKind('not-leading'));
    assert.deepEqual(api.calls, []);
    assert.equal((await client.get(THINGS, ref)).metadata.name, 'a');
  });

  it('aborts writes under way when the lease is lost, or their caller gives up', async () => {
    const { client, api, loss } = bench();
    api.fault = () => 'hang';
    const caller = new AbortController();
    const first = client.create(THINGS, { metadata: { namespace: 'default', name: 'a' } }, { signal: caller.signal });
    const second = client.create(THINGS, { metadata: { namespace: 'default', name: 'b' } });
    caller.abort();
    await assert.rejects(first, isKind('aborted'));
    loss.abort();
    await assert.rejects(second, isKind('aborted'));
  });
});
