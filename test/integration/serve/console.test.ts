import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { ConsoleSource } from '#controller/lifecycle/index.ts';
import { consoleRoute } from '#controller/serve/index.ts';
import type { Cluster } from '#hack/cluster/cluster.ts';
import { sharedBed, sharedCluster, STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { makeAuthority, signClient, tokenOf } from './clients.ts';
import type { Authority } from './clients.ts';
import { openTestPort } from './port.ts';
import type { Asked, Asking, TestPort } from './port.ts';

const OURS = 'serve-ours';
const THEIRS = 'serve-theirs';

describe('the HTTPS port at a real API server', function () {
  this.timeout(60_000);
  let cluster: Cluster;
  let server: TestPort;
  let authority: Authority;
  let strangers: Authority;
  const read: string[] = [];
  let acts = true;

  /** Has a console for each name but two. */
  const source: ConsoleSource = {
    readConsole: (key, sink) => {
      read.push(key);
      if (key.endsWith('/no-such')) return Promise.resolve({ kind: 'not-found' });
      if (key.endsWith('/pending')) return Promise.resolve({ kind: 'no-console', why: 'it is not running yet' });
      if (key.endsWith('/lost')) return Promise.resolve({ kind: 'unavailable', why: 'its host does not answer' });
      return Promise.resolve({
        kind: 'following',
        start: () => {
          sink.write(Buffer.from(`console of ${key}\n`));
          sink.end(true);
        },
        leave: () => undefined,
        drained: () => undefined,
      });
    },
  };

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    cluster = await sharedCluster();
    authority = { folder: join((await sharedBed()).dir, 'cluster', 'pki') };
    strangers = await makeAuthority();
    const { kubectl } = cluster;
    for (const namespace of [OURS, THEIRS]) {
      await kubectl(['create', 'namespace', namespace]);
      await kubectl(['create', 'serviceaccount', 'reader', '-n', namespace]);
      await kubectl([
        ...['create', 'rolebinding', 'readers', '-n', namespace, '--clusterrole=hatchery-view'],
        ...[`--serviceaccount=${namespace}:reader`, `--user=${namespace}-jane`, `--group=${namespace}-group`],
      ]);
    }
    const lease = { namespace: 'hatchery-system', name: 'hatchery-controller' };
    server = await openTestPort((callers) => ({
      console: consoleRoute({ callers, source: () => (acts ? source : undefined), lease }),
    }));
  });

  after(async () => {
    await server.close();
    for (const namespace of [OURS, THEIRS]) await cluster.kubectl(['delete', 'namespace', namespace, '--wait=false']);
  });

  const get = (path: string, asking?: Asking): Promise<Asked> => server.ask(path, asking);

  const statusOf = async (path: string, asking?: Asking): Promise<number> => (await get(path, asking)).status;

  it('gives a console to a token with the right in its namespace, and to nobody in another', async () => {
    const token = await tokenOf('reader', OURS);
    assert.deepEqual(await get(`/console/${OURS}/x`, { token }), { status: 200, body: `console of ${OURS}/x\n` });
    const { status, body } = await get(`/console/${THEIRS}/x`, { token });
    assert.equal(status, 403);
    const said = JSON.parse(body) as Readonly<Record<string, unknown>>;
    assert.deepEqual([said['kind'], said['reason'], said['code']], ['Status', 'Forbidden', 403]);
    assert.match(
      String(said['message']),
      /^user "system:serviceaccount:serve-ours:reader" may not get ephemeraldomains\/console x in namespace serve-theirs$/,
    );
    assert.ok(!read.includes(`${THEIRS}/x`));
  });

  it('tells those without the right the same, whether the domain is there or not', async () => {
    const token = await tokenOf('reader', OURS);
    for (const name of ['no-such', 'pending', 'lost', 'x']) {
      assert.equal(await statusOf(`/console/${THEIRS}/${name}`, { token }), 403);
    }
  });

  it('takes client certificates of the cluster: the user, and the groups', async () => {
    const jane = await signClient(authority, `/CN=${OURS}-jane`);
    assert.equal(await statusOf(`/console/${OURS}/x`, { certificate: jane }), 200);
    assert.equal(await statusOf(`/console/${THEIRS}/x`, { certificate: jane }), 403);
    const member = await signClient(authority, `/O=others/O=${THEIRS}-group/CN=somebody`);
    assert.equal(await statusOf(`/console/${OURS}/x`, { certificate: member }), 403);
    assert.equal(await statusOf(`/console/${THEIRS}/x`, { certificate: member }), 200);
  });

  it('takes no certificate of a stranger, nor one for servers', async () => {
    const stranger = await signClient(strangers, '/O=system:masters/CN=admin');
    assert.equal(await statusOf(`/console/${OURS}/x`, { certificate: stranger }), 401);
    const forServers = await signClient(authority, '/O=system:masters/CN=admin', 'serverAuth');
    assert.equal(await statusOf(`/console/${OURS}/x`, { certificate: forServers }), 401);
    // Its own certificate has signed nobody, itself but for servers.
    const own = { cert: server.certificate.cert, key: server.certificate.key };
    assert.equal(await statusOf(`/console/${OURS}/x`, { certificate: own }), 401);
  });

  it('takes a token beside a certificate that does not count', async () => {
    const stranger = await signClient(strangers, '/O=system:masters/CN=admin');
    const asking = { certificate: stranger, token: await tokenOf('reader', OURS) };
    assert.deepEqual(
      [await statusOf(`/console/${OURS}/x`, asking), await statusOf(`/console/${THEIRS}/x`, asking)],
      [200, 403],
    );
  });

  for (const [what, asking] of [
    ['nothing', {}],
    ['a token that nobody gave', { token: 'nobody.gave.this' }],
    ['a password', { headers: { authorization: 'Basic YWRtaW46YWRtaW4=' } }],
    ['a name in a proxy’s header', { headers: { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' } }],
  ] as const) {
    it(`knows nobody by ${what}`, async () => {
      assert.equal(await statusOf(`/console/${OURS}/x`, asking), 401);
      assert.equal(await statusOf('/', asking), 401);
    });
  }

  it('grants and withdraws within moments what the cluster grants and withdraws', async () => {
    const { kubectl } = cluster;
    const token = await tokenOf('reader', OURS);
    await kubectl([
      ...['create', 'rolebinding', 'guests', '-n', THEIRS, '--clusterrole=hatchery-view'],
      `--serviceaccount=${OURS}:reader`,
    ]);
    await eventually(async () => assert.equal(await statusOf(`/console/${THEIRS}/x`, { token }), 200));
    await kubectl(['delete', 'rolebinding', 'guests', '-n', THEIRS]);
    await eventually(async () => assert.equal(await statusOf(`/console/${THEIRS}/x`, { token }), 403));
    await kubectl(['delete', 'serviceaccount', 'reader', '-n', OURS]);
    // kube-apiserver itself keeps a token's review for 10 s.
    const gone = async () => assert.equal(await statusOf(`/console/${OURS}/x`, { token }), 401);
    await eventually(gone, { timeoutMs: 30_000 });
    await kubectl(['create', 'serviceaccount', 'reader', '-n', OURS]);
  });

  it('says why there is nothing to read', async () => {
    const token = await tokenOf('reader', OURS);
    const answers = await Promise.all(
      ['no-such', 'pending', 'lost'].map((name) => get(`/console/${OURS}/${name}`, { token })),
    );
    assert.deepEqual(
      answers.map(({ status }) => status),
      [404, 409, 503],
    );
    assert.match(answers[1]?.body ?? '', /serve-ours\/pending has no console to read: it is not running yet/);
  });

  const oddities: readonly (readonly [string, Asking, number])[] = [
    ['/', {}, 404],
    ['/other', {}, 404],
    [`/console/${OURS}`, {}, 404],
    [`/console/${OURS}/x/y`, {}, 404],
    [`/console/${OURS}/%2e%2e`, {}, 404],
    [`/console/${OURS}/X`, {}, 404],
    [`/console/${OURS}/x?follow=perhaps`, {}, 400],
    [`/console/${OURS}/x`, { method: 'POST' }, 405],
    [`/console/${OURS}/x`, { headers: { 'impersonate-user': 'admin' } }, 400],
  ];
  for (const [path, asking, status] of oddities) {
    it(`answers ${asking.method ?? 'GET'} ${path} ${JSON.stringify(asking.headers ?? {})} with ${status}`, async () => {
      assert.equal(await statusOf(path, { ...asking, token: await tokenOf('reader', OURS) }), status);
    });
  }

  it('says, standing by, where the one that acts is named', async () => {
    acts = false;
    const { status, body } = await get(`/console/${OURS}/x`, { token: await tokenOf('reader', OURS) });
    acts = true;
    assert.equal(status, 503);
    assert.match(body, /stands by: Lease hatchery-system\/hatchery-controller names the one that acts/);
  });

  it('trusts the authority that the cluster publishes', async () => {
    const ca = await readFile(join(authority.folder, 'ca.crt'), 'utf8');
    const text = await cluster.kubectl([
      ...['get', 'configmap', 'extension-apiserver-authentication', '-n', 'kube-system', '-o', 'json'],
    ]);
    const { data } = JSON.parse(text) as { readonly data: Readonly<Record<string, string>> };
    assert.equal(data['client-ca-file']?.trim(), ca.trim());
  });
});
