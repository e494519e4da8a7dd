import assert from 'node:assert/strict';
import { confirmDeletion, isKubeError } from '#controller/kube/index.ts';
import { eventually } from '#test/support/eventually.ts';
import { compactEtcd, CONFIG_MAPS, fence, mirror, proxyTo, put, states, useBench } from './support.ts';
import type { Bench, Mirror } from './support.ts';

async function upToDate(bench: Bench, { store }: Mirror): Promise<void> {
  await eventually(async () => {
    const { cached, stored } = await states(bench, store);
    assert.deepEqual(cached, stored);
  });
}

describe('reflector on a real API server', function () {
  this.timeout(60_000);
  const bench = useBench();

  it('follows additions, changes and deletions, without managedFields', async () => {
    await using seen = await mirror(bench());
    const { client } = bench();
    const { metadata } = await put(bench(), 'follow');
    await client.patch(CONFIG_MAPS, metadata, { data: { a: '1' } });
    await client.delete(CONFIG_MAPS, metadata);
    await eventually(() => assert.deepEqual(seen.told, ['added follow', 'updated follow', 'deleted follow']));
    await upToDate(bench(), seen);
    assert.ok(seen.store.list().every((object) => !('managedFields' in object.metadata)));
  });

  it('reads in pages what does not fit into one', async () => {
    await Promise.all(Array.from({ length: 25 }, (_, i) => put(bench(), `page-${i}`)));
    await using seen = await mirror(bench(), { pageSize: 10 });
    await upToDate(bench(), seen);
  });

  it('goes on from a bookmark after the watch was ended by the server', async () => {
    await using seen = await mirror(bench(), { watchTimeoutSeconds: 4, random: () => 0 });
    const listed = seen.reflector.resourceVersion;
    // Another namespace's change: this watch hears of its version by bookmark only.
    await bench().client.create(CONFIG_MAPS, { metadata: { namespace: 'default', generateName: 'elsewhere-' } });
    await eventually(() => assert.notEqual(seen.reflector.resourceVersion, listed));
    assert.deepEqual(
      seen.told.filter((each) => !each.startsWith('added')),
      [],
    );
    await put(bench(), 'after-bookmark');
    await upToDate(bench(), seen);
    assert.deepEqual(seen.errors, []);
  });

  it('takes a put of our own write at once, and its echo for no news', async () => {
    await using seen = await mirror(bench());
    const made = await put(bench(), 'own');
    seen.store.put(made);
    seen.store.put(await bench().client.patch(CONFIG_MAPS, made.metadata, { data: { a: '1' } }));
    await put(bench(), 'own-fence');
    await eventually(() => assert.ok(seen.told.includes('added own-fence')));
    const told = seen.told.filter((each) => each.endsWith(' own'));
    assert.ok(told.length <= 2 && told[0] === 'added own', told.join());
    assert.deepEqual(seen.store.get(`${bench().namespace}/own`)?.data, { a: '1' });
  });

  it('calls unmatched what leaves its selector; a live GET tells that from a deletion', async () => {
    const { client } = bench();
    const labels = { colour: 'red' };
    const make = (name: string) =>
      client.create(CONFIG_MAPS, { metadata: { namespace: bench().namespace, name, labels } });
    const [relabelled, deleted, replaced] = await Promise.all(['s-1', 's-2', 's-3'].map(make));
    assert.ok(relabelled !== undefined && deleted !== undefined && replaced !== undefined);
    await using seen = await mirror(bench(), { labelSelector: 'colour=red' });
    await client.patch(CONFIG_MAPS, relabelled.metadata, { metadata: { labels: { colour: 'blue' } } });
    await client.delete(CONFIG_MAPS, deleted.metadata);
    await client.delete(CONFIG_MAPS, replaced.metadata);
    await put(bench(), 's-3');
    await eventually(() =>
      assert.deepEqual(seen.told.slice(3).sort(), ['unmatched s-1', 'unmatched s-2', 'unmatched s-3']),
    );
    const verdicts = [relabelled, deleted, replaced].map((each) => confirmDeletion(client, CONFIG_MAPS, each));
    assert.deepEqual(
      (await Promise.all(verdicts)).map(({ kind }) => kind),
      ['exists', 'deleted', 'replaced'],
    );
  });
});

describe('reflector behind a proxy that cuts', function () {
  this.timeout(60_000);
  const bench = useBench();

  it('catches up after connections were reset, again and again', async () => {
    await using proxy = await proxyTo(() => bench().config.server);
    await using seen = await mirror(bench(), { server: proxy.server });
    for (let round = 0; round < 5; round++) {
      await fence(bench(), seen);
      proxy.refuse(true);
      proxy.cut();
      const { metadata } = await put(bench(), `cut-${round}`);
      if (round % 2 === 1) await bench().client.delete(CONFIG_MAPS, metadata);
      proxy.refuse(false);
      await upToDate(bench(), seen);
    }
    assert.ok(seen.errors.length >= 5);
    assert.deepEqual([...new Set(seen.errors.map(({ kind }) => kind))], ['transport']);
    const added = seen.told.filter((each) => each.startsWith('added'));
    assert.equal(new Set(added).size, added.length);
  });

  it('notices a connection that has fallen silent', async () => {
    await using proxy = await proxyTo(() => bench().config.server);
    await using seen = await mirror(bench(), { server: proxy.server, idleTimeoutMs: 1_000 });
    await fence(bench(), seen);
    proxy.silence();
    await put(bench(), 'silent');
    await eventually(() => assert.ok(seen.store.get(`${bench().namespace}/silent`) !== undefined));
    assert.equal(seen.errors[0]?.kind, 'timeout');
  });
});

describe('reflector while the API server is killed', function () {
  this.timeout(180_000);
  const bench = useBench('own');

  it('waits for the next one, and goes on where it was', async () => {
    await using proxy = await proxyTo(() => bench().config.server);
    await using seen = await mirror(bench(), { server: proxy.server });
    await fence(bench(), seen);
    await bench().restartApiServer();
    await fence(bench(), seen);
    await upToDate(bench(), seen);
    assert.ok(seen.errors.length > 0);
    assert.ok(
      seen.told.every((each) => each.startsWith('added')),
      seen.told.join(),
    );
  });

  it('lists anew when etcd has forgotten its version meanwhile, and tells what vanished', async () => {
    const doomed = await put(bench(), 'doomed');
    await put(bench(), 'kept');
    await using proxy = await proxyTo(() => bench().config.server);
    await using seen = await mirror(bench(), { server: proxy.server });
    await fence(bench(), seen);
    proxy.refuse(true);
    proxy.cut();
    await bench().client.delete(CONFIG_MAPS, doomed.metadata);
    await put(bench(), 'while-away');
    await compactEtcd(bench().bed);
    // A new API server: the old one has the last changes in memory, and would not need etcd's.
    await bench().restartApiServer();
    proxy.refuse(false);
    await upToDate(bench(), seen);
    assert.deepEqual(seen.told.slice(-2), ['missing doomed', 'added while-away']);
    assert.ok(
      seen.errors.some(({ kind }) => kind === 'gone'),
      seen.errors.map(String).join('\n'),
    );
  });

  it('an ancient version is gone', async () => {
    const { client, namespace } = bench();
    const read = async (): Promise<void> => {
      const stream = await client.watch(CONFIG_MAPS, { namespace, resourceVersion: '2', timeoutSeconds: 5 });
      for await (const [event] of stream) {
        assert.ok(event?.type === 'ERROR');
        assert.equal(event.status.code, 410);
        return;
      }
    };
    await read().catch((error: unknown) => assert.ok(isKubeError(error, 'gone'), String(error)));
  });
});
