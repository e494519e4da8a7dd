import assert from 'node:assert/strict';
import {
  createRestClient,
  isKubeError,
  loadKubeConfig,
  NODES,
  SELF_SUBJECT_ACCESS_REVIEWS,
} from '#controller/kube/index.ts';
import type { KubeErrorKind } from '#controller/kube/index.ts';
import { CONFIG_MAPS, put, useBench } from './support.ts';

const fails =
  (...kinds: readonly KubeErrorKind[]) =>
  (error: unknown): boolean =>
    isKubeError(error, ...kinds);

describe('REST client on a real API server', function () {
  this.timeout(30_000);
  const bench = useBench();
  const ref = (name: string) => ({ namespace: bench().namespace, name });

  it('creates, reads, patches, replaces, lists and deletes', async () => {
    const { client, namespace } = bench();
    const made = await put(bench(), 'crud', { a: '1', b: '2' });
    assert.equal(made.metadata.namespace, namespace);
    const patched = await client.patch(CONFIG_MAPS, made.metadata, { data: { a: null, c: '3' } });
    assert.deepEqual(patched.data, { b: '2', c: '3' });
    const replaced = await client.replace(CONFIG_MAPS, { ...patched, data: { d: '4' } });
    assert.deepEqual((await client.get(CONFIG_MAPS, ref('crud'))).data, { d: '4' });
    const { items } = await client.list(CONFIG_MAPS, { namespace, fieldSelector: 'metadata.name=crud' });
    assert.deepEqual(items, [{ ...replaced, apiVersion: 'v1', kind: 'ConfigMap' }]);
    await client.delete(CONFIG_MAPS, ref('crud'));
    await assert.rejects(client.get(CONFIG_MAPS, ref('crud')), fails('not-found'));
  });

  it('patches a status alone', async () => {
    const { client } = bench();
    const name = `${bench().namespace}-node`;
    const node = await client.create(NODES, { metadata: { name }, spec: {} });
    const addresses = [{ type: 'InternalIP', address: '198.18.0.2' }];
    const { status, spec } = await client.patchStatus(NODES, node.metadata, {
      spec: { unschedulable: true },
      status: { addresses },
    });
    assert.deepEqual([status?.addresses, spec?.unschedulable], [addresses, undefined]);
    await client.delete(NODES, { name });
  });

  it('tells a conflict: a patch or replacement on an older version, a creation of what is there', async () => {
    const { client } = bench();
    const old = await put(bench(), 'conflict');
    const { metadata } = await client.patch(CONFIG_MAPS, old.metadata, { data: { a: '1' } });
    const resourceVersion = old.metadata.resourceVersion;
    await assert.rejects(
      client.patch(CONFIG_MAPS, metadata, { metadata: { resourceVersion }, data: { a: '2' } }),
      fails('conflict'),
    );
    await assert.rejects(client.replace(CONFIG_MAPS, { ...old, data: { a: '2' } }), fails('conflict'));
    await assert.rejects(put(bench(), 'conflict'), fails('already-exists'));
    assert.deepEqual((await client.get(CONFIG_MAPS, metadata)).data, { a: '1' });
  });

  it('deletes only what meets the preconditions', async () => {
    const { client } = bench();
    const { metadata } = await put(bench(), 'preconditions');
    const { uid, resourceVersion } = metadata;
    for (const preconditions of [{ uid: 'another' }, { uid, resourceVersion: '1' }]) {
      await assert.rejects(client.delete(CONFIG_MAPS, metadata, { preconditions }), fails('conflict'));
    }
    await client.delete(CONFIG_MAPS, metadata, { preconditions: { uid, resourceVersion } });
    await assert.rejects(client.delete(CONFIG_MAPS, metadata), fails('not-found'));
  });

  it('tells what is forbidden, and what may be done', async () => {
    const { cluster } = bench();
    const limited = createRestClient(await loadKubeConfig({ kubeconfig: cluster.controllerKubeconfig }));
    try {
      await assert.rejects(limited.list(CONFIG_MAPS), (error) => {
        assert.ok(isKubeError(error, 'forbidden'));
        assert.match(error.message, /^list ConfigMap at .*: forbidden 403: .*hatchery-controller.*cannot list/);
        return true;
      });
      const asked = { group: '', resource: 'nodes', verb: 'watch' };
      const review = { metadata: {}, spec: { resourceAttributes: asked } };
      assert.equal((await limited.create(SELF_SUBJECT_ACCESS_REVIEWS, review)).status?.allowed, true);
    } finally {
      await limited.close();
    }
  });

  it('tells which field is wrong', async () => {
    await assert.rejects(put(bench(), 'Wrong_Name'), (error) => {
      assert.ok(isKubeError(error, 'invalid'));
      assert.deepEqual(
        error.fieldErrors.map(({ field }) => field),
        ['metadata.name'],
      );
      return true;
    });
  });

  it('does not talk to a server whose certificate another authority signed', async () => {
    const { config } = bench();
    const credentials = async () => {
      const { headers, tls } = await config.credentials();
      return { headers, tls: { ...tls, ca: STRANGE_CA } };
    };
    const client = createRestClient({ ...config, credentials });
    await assert.rejects(client.getRaw('/version'), (error) => {
      assert.ok(isKubeError(error, 'transport'));
      assert.match(error.message, /certificate/);
      return true;
    });
    await client.close();
  });

  it('pages a list, all pages of one version', async () => {
    const { client, namespace } = bench();
    await Promise.all(['p1', 'p2', 'p3'].map((name) => put(bench(), name)));
    const names: string[] = [];
    const versions = new Set<string>();
    let token: string | undefined;
    do {
      const page = await client.list(CONFIG_MAPS, { namespace, limit: 1, continue: token });
      names.push(...page.items.map(({ metadata }) => metadata.name));
      versions.add(page.resourceVersion);
      token = page.continue;
      await put(bench(), `between-${names.length}`);
    } while (token !== undefined);
    assert.ok(['p1', 'p2', 'p3'].every((name) => names.includes(name)));
    assert.ok(!names.some((name) => name.startsWith('between')));
    assert.equal(versions.size, 1);
  });
});

/** Made once by openssl for nobody; its key is gone. */
const STRANGE_CA = `-----BEGIN CERTIFICATE-----
MIIBeTCCAR+gAwIBAgIUejGH5zf4yOWSd4Lrz6x40cOl41swCgYIKoZIzj0EAwIw
ETEPMA0GA1UEAwwGbm9ib2R5MCAXDTI2MTEyMzIzMjEyN1oYDzIxMjYxMDMwMjMy
MTI3WjARMQ8wDQYDVQQDDAZub2JvZHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AARlID23waNljSKsoIGUQPuO44FFrBgph0bZ7Dv+kkwoZT8LJNehjeImOYYFG7CN
G3iXXICuR2LB2UtMSNRiZk2ko1MwUTAdBgNVHQ4EFgQUKL+ET05gzVrnIAVl9kLZ
F4jc0T0wHwYDVR0jBBgwFoAUKL+ET05gzVrnIAVl9kLZF4jc0T0wDwYDVR0TAQH/
BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiB7guvY5FkayV+OyvD7eDey99tio+A7
19U+B5kSyOju3QIhAO6opya1Q6LFw+JN+eXGysvT+kr1xScRw+zP1eGQCt/u
-----END CERTIFICATE-----`;
