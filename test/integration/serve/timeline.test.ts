import assert from 'node:assert/strict';
import { join } from 'node:path';

import { EPHEMERAL_DOMAINS, findCondition, isFinished } from '#controller/api/index.ts';
import type { EphemeralDomain } from '#controller/api/index.ts';
import { timelineRoute } from '#controller/serve/index.ts';
import type { Cluster } from '#hack/cluster/cluster.ts';
import { sharedBed, sharedCluster, STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';
import { createStage, inPhase } from '../lifecycle/stage.ts';
import type { RunningController, Stage } from '../lifecycle/stage.ts';
import type { StageHost } from '../lifecycle/stage-hosts.ts';
import { makeAuthority, signClient, tokenOf } from './clients.ts';
import type { Authority } from './clients.ts';
import { openTestPort } from './port.ts';
import type { Asked, Asking, TestPort } from './port.ts';

const REQUEST = { receivedTime: '2026-01-02T03:04:05.678901Z' };
const READY = '2026-01-02T03:04:06.000001Z';
const RESPONDED = '2026-01-02T03:04:06.090911Z';

describe('POST /timeline at a real API server', function () {
  this.timeout(60_000);
  let cluster: Cluster;
  let stage: Stage;
  let host: StageHost;
  let controller: RunningController;
  let port: TestPort;
  let authority: Authority;
  let token: string;
  let acts = true;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    cluster = await sharedCluster();
    authority = { folder: join((await sharedBed()).dir, 'cluster', 'pki') };
    stage = await createStage();
    host = await stage.host();
    controller = await stage.controller({ options: { settleMs: 300 } });
    await stage.untilHost(host.name, 'True');
    const { kubectl } = cluster;
    const { namespace } = stage;
    for (const account of ['ingress', 'viewer']) await kubectl(['create', 'serviceaccount', account, '-n', namespace]);
    const rules = ['--verb=create', '--resource=ephemeraldomains.hatchery.dev/timeline'];
    await kubectl(['create', 'role', 'tells', '-n', namespace, ...rules]);
    await kubectl(['create', 'role', 'tells-of-one', '-n', namespace, ...rules, '--resource-name=only']);
    await kubectl([
      ...['create', 'rolebinding', 'tells', '-n', namespace, '--role=tells'],
      ...[`--serviceaccount=${namespace}:ingress`, `--user=${namespace}-jane`],
    ]);
    await kubectl([
      ...['create', 'rolebinding', 'tells-of-one', '-n', namespace, '--role=tells-of-one'],
      `--user=${namespace}-joe`,
    ]);
    await kubectl([
      ...['create', 'rolebinding', 'views', '-n', namespace, '--clusterrole=hatchery-view'],
      `--serviceaccount=${namespace}:viewer`,
    ]);
    const lease = { namespace: 'hatchery-system', name: 'hatchery-controller' };
    port = await openTestPort((callers) => ({
      timeline: timelineRoute({ callers, sink: () => (acts ? controller : undefined), lease }),
    }));
    token = await tokenOf('ingress', stage.namespace);
  });

  after(async () => {
    await port.close();
    await stage.dispose();
  });

  const tell = (name: string, body: unknown, asking: Asking = { token }): Promise<Asked> =>
    port.ask(`/timeline/${stage.namespace}/${name}`, {
      ...{ method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) },
      ...asking,
    });

  /** One whose request somebody serves, running. */
  const running = async (name: string): Promise<EphemeralDomain> => {
    await stage.create(name, { request: REQUEST });
    return stage.until(name, inPhase('Running'));
  };

  /** Powers its domain off; resolves with the resource as its end was stored. */
  const end = async ({ metadata: { name }, status }: EphemeralDomain): Promise<EphemeralDomain> => {
    await host.client.destroy({ name: '', uuid: status?.domain?.uuid ?? '' });
    return stage.until(name, (now) => assert.ok(isFinished(now.status?.phase)));
  };

  it('is joined to the next write of the status, and is no write itself', async () => {
    const before = await running('joined');
    const { uid, resourceVersion } = before.metadata;
    const { items, resourceVersion: from } = await stage.rest.list(EPHEMERAL_DOMAINS, { namespace: stage.namespace });
    assert.equal(items.length, 1);
    const watched = versionsFrom(from, 'joined');
    assert.equal((await tell('joined', { uid, ready: READY, responded: RESPONDED })).status, 202);
    // What was told first counts.
    assert.equal((await tell('joined', { uid, ready: RESPONDED, responded: RESPONDED })).status, 202);
    assert.equal((await stage.get('joined')).metadata.resourceVersion, resourceVersion);
    const { status, metadata: stored } = await end(before);
    assert.partialDeepStrictEqual(status, {
      timeline: { requested: REQUEST.receivedTime, ready: READY, responded: RESPONDED },
      spawnTime: '412ms',
    });
    const ready = findCondition(status?.conditions, 'Ready');
    assert.deepEqual([ready?.status, ready?.reason], ['False', 'DomainStopped']);
    assert.deepEqual(await watched(stored.resourceVersion), [stored.resourceVersion]);
  });

  it('is told of Ready by whatever write comes while it runs', async () => {
    const { metadata } = await running('suspended');
    assert.equal((await tell('suspended', { uid: metadata.uid, ready: READY })).status, 202);
    await cluster.kubectl([
      ...['patch', 'edom', 'suspended', '-n', stage.namespace, '--type=merge'],
      ...['-p', '{"spec":{"suspend":true}}'],
    ]);
    const stopping = await stage.until('suspended', ({ status }) => assert.equal(status?.timeline?.ready, READY));
    assert.equal(stopping.status?.timeline?.responded, undefined);
  });

  it('costs nothing but the times where it is lost', async () => {
    const { status } = await end(await running('lost'));
    assert.deepEqual(
      [status?.timeline?.ready, status?.timeline?.responded, status?.spawnTime],
      [...[undefined, undefined, undefined]],
    );
    assert.equal(findCondition(status?.conditions, 'Started')?.status, 'True');
  });

  it('gives a namesake nothing, nor one that has ended, nor one that the controller judges', async () => {
    const served = await running('served');
    await stage.create('plain');
    const plain = await stage.until('plain', inPhase('Running'));
    assert.equal((await tell('served', { uid: plain.metadata.uid, ready: READY })).status, 409);
    assert.equal((await tell('plain', { uid: plain.metadata.uid, ready: READY })).status, 409);
    assert.equal((await tell('no-such', { uid: served.metadata.uid, ready: READY })).status, 404);
    const { status } = await end(served);
    assert.equal(status?.timeline?.ready, undefined);
    assert.equal((await tell('served', { uid: served.metadata.uid, ready: READY })).status, 409);
  });

  it('is taken of client certificates of the cluster too, and of one name alone where that is the right', async () => {
    const jane = { certificate: await signClient(authority, `/CN=${stage.namespace}-jane`) };
    const joe = { certificate: await signClient(authority, `/CN=${stage.namespace}-joe`) };
    const body = { uid: 'u', ready: READY };
    assert.deepEqual([(await tell('x', body, jane)).status, (await tell('only', body, joe)).status], [404, 404]);
    assert.equal((await tell('x', body, joe)).status, 403);
  });

  it('is taken of nobody else: 401 whom the cluster does not know, 403 who may not', async () => {
    const stranger = await signClient(await makeAuthority(), '/O=system:masters/CN=admin');
    const body = { uid: 'u', ready: READY };
    assert.equal((await tell('x', body, {})).status, 401);
    assert.equal((await tell('x', body, { certificate: stranger })).status, 401);
    assert.equal((await tell('x', body, { token: 'nobody.gave.this' })).status, 401);
    const { status, body: said } = await tell('x', body, { token: await tokenOf('viewer', stage.namespace) });
    assert.equal(status, 403);
    assert.match(said, /may not create ephemeraldomains\/timeline x in namespace/);
    assert.equal((await port.ask('/timeline/default/x', { method: 'POST', token, body: '{}' })).status, 403);
  });

  const bodies: readonly (readonly [string, string, number])[] = [
    ['nothing', '', 400],
    ['no JSON', '{', 400],
    ['no UID', `{"ready": "${READY}"}`, 400],
    ['no time', '{"uid": "u"}', 400],
    ['a time that is none', '{"uid": "u", "ready": "soon"}', 400],
    ['a status', '{"uid": "u", "status": {"phase": "Succeeded"}}', 400],
    ['a little too much', `{"uid": "${'u'.repeat(2_000)}"}`, 413],
    ['far too much', 'x'.repeat(500_000), 413],
  ];
  for (const [what, body, status] of bodies) {
    it(`answers ${status} to ${what}`, async () => {
      // A sender of far too much may see its connection end before it has sent all.
      const answer = await tell('x', body).catch((error: unknown) => {
        assert.ok(body.length > 65_536, String(error));
        return undefined;
      });
      if (answer !== undefined) assert.equal(answer.status, status, answer.body);
    });
  }

  it('answers 405 to what is no POST, 404 to other paths, 503 where it stands by', async () => {
    const { namespace } = stage;
    assert.equal((await port.ask(`/timeline/${namespace}/x`, { token })).status, 405);
    assert.equal((await port.ask(`/timeline/${namespace}`, { token, method: 'POST' })).status, 404);
    acts = false;
    const { status } = await tell('x', { uid: 'u', ready: READY });
    acts = true;
    assert.equal(status, 503);
  });

  /** Watches from a version on; what it returns tells the versions of a resource up to one, in their order. */
  const versionsFrom = (from: string, name: string) => {
    const seen: string[] = [];
    const over = new AbortController();
    const watch = async (): Promise<void> => {
      const options = { namespace: stage.namespace, resourceVersion: from, signal: over.signal, timeoutSeconds: 60 };
      for await (const events of await stage.rest.watch(EPHEMERAL_DOMAINS, options)) {
        for (const event of events) {
          if (event.type !== 'MODIFIED' || event.object.metadata.name !== name) continue;
          seen.push(event.object.metadata.resourceVersion);
        }
      }
    };
    const watching = watch().catch((error: unknown) => {
      if (!over.signal.aborted) throw error;
    });
    return async (last: string): Promise<readonly string[]> => {
      await stage.until(name, () => assert.ok(seen.includes(last)));
      over.abort();
      await watching;
      return seen;
    };
  };
});
