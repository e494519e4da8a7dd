import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { EPHEMERAL_DOMAIN_TEMPLATES } from '#controller/api/index.ts';
import type { EphemeralDomainTemplateSpec } from '#controller/api/index.ts';
import { createRoutes } from '#controller/ingress/routes/index.ts';
import type { Routes, RoutesOptions } from '#controller/ingress/routes/index.ts';
import { path, rule } from '#controller/ingress/routes/testing/resources.ts';
import {
  createEventRecorder,
  EVENTS,
  INGRESS_CLASSES,
  INGRESSES,
  NAMESPACES,
  SECRETS,
  silentLogger,
  systemClock,
} from '#controller/kube/index.ts';
import type { EventRecorder, Ingress } from '#controller/kube/index.ts';
import { sharedCluster } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { makeAuthority } from '../libvirt/certificates.ts';
import type { Authority } from '../libvirt/certificates.ts';
import { useBench } from '../kube/support.ts';

const DOMAIN = { type: 'pv', memory: '64Mi', vcpus: 1, boot: { kernel: 'hatchling' } } as const;
const ADDRESSES = [{ ip: '192.0.2.10' }, { hostname: 'ingress.example.org' }];

/** Routes that follow one namespace, their events sent; stopped at the end of the block. */
interface Following extends AsyncDisposable {
  readonly routes: Routes;
}

describe('routes on a real API server', function () {
  this.timeout(60_000);
  const bench = useBench();
  let authority: Authority;
  let folder: string;
  /** Unique to this run: classes have no namespace. */
  let className: string;

  before(async function () {
    this.timeout(60_000);
    folder = await mkdtemp(join(tmpdir(), 'routes-'));
    authority = await makeAuthority(folder);
    const { client, namespace } = bench();
    className = `routes-${namespace}`;
    await client.create(INGRESS_CLASSES, {
      metadata: { name: className },
      spec: { controller: 'hatchery.dev/ingress' },
    });
  });

  after(async () => {
    // The bench's client is closed by now.
    const { kubectl } = await sharedCluster();
    await kubectl(['delete', 'ingressclass', className]);
    await rm(folder, { recursive: true });
  });

  const follow = async (more: Partial<Pick<RoutesOptions, 'namespaces' | 'maxSecrets'>> = {}): Promise<Following> => {
    const { client, namespace } = bench();
    const events: EventRecorder = createEventRecorder({ client, component: 'hatchery-ingress', instance: 'test' });
    const routes = createRoutes({
      ...{ client, events, logger: silentLogger, clock: systemClock, random: Math.random },
      ...{ namespaces: [namespace], addresses: ADDRESSES, ...more },
    });
    const stop = new AbortController();
    const ended = routes.run(stop.signal);
    await routes.synced;
    const dispose = async (): Promise<void> => {
      stop.abort();
      await ended;
      assert.equal(await events.stop(5_000), 0);
    };
    return { routes, [Symbol.asyncDispose]: dispose };
  };

  const makeTemplate = (name: string, http: EphemeralDomainTemplateSpec['http'] = {}, namespace = bench().namespace) =>
    bench().client.create(EPHEMERAL_DOMAIN_TEMPLATES, {
      metadata: { namespace, name },
      spec: { http, template: { spec: { domain: DOMAIN } } },
    });

  const makeIngress = (name: string, spec: NonNullable<Ingress['spec']>, namespace = bench().namespace) =>
    bench().client.create(INGRESSES, { metadata: { namespace, name }, spec: { ingressClassName: className, ...spec } });

  const makeSecret = async (name: string, host: string) => {
    const files = await authority.server(`DNS:${host}`);
    const [cert, key] = await Promise.all([readFile(files.cert, 'base64'), readFile(files.key, 'base64')]);
    const data = { 'tls.crt': cert, 'tls.key': key };
    const metadata = { namespace: bench().namespace, name };
    return bench().client.create(SECRETS, { metadata, type: 'kubernetes.io/tls', data });
  };

  const kindAt = ({ routes }: Following, host: string, at = '/'): string =>
    routes.current().table.match({ host, path: at, tls: false }).kind;

  const statusOf = async (name: string) =>
    (await bench().client.get(INGRESSES, { namespace: bench().namespace, name })).status?.loadBalancer?.ingress;

  const eventsAbout = async (name: string): Promise<readonly string[]> => {
    const fieldSelector = `involvedObject.kind=Ingress,involvedObject.name=${name}`;
    const { items } = await bench().client.list(EVENTS, { namespace: bench().namespace, fieldSelector });
    return items.map(({ reason = '', count = 0 }) => `${reason} ${count}`).toSorted();
  };

  it('follow an Ingress as it is created, changed, given to another class and back, and deleted', async () => {
    await makeTemplate('life');
    await using following = await follow();
    assert.equal(kindAt(following, 'life.test'), 'none');
    const made = await makeIngress('life', { rules: [rule('life.test', path('/', 'life'))] });
    await eventually(() => assert.equal(kindAt(following, 'life.test'), 'backend'));
    await eventually(async () => assert.deepEqual(await statusOf('life'), ADDRESSES));
    const patch = (spec: NonNullable<Ingress['spec']>) => bench().client.patch(INGRESSES, made.metadata, { spec });
    await patch({ rules: [rule('changed.test', path('/', 'life'))] });
    await eventually(() => {
      assert.equal(kindAt(following, 'life.test'), 'none');
      assert.equal(kindAt(following, 'changed.test'), 'backend');
    });
    await patch({ ingressClassName: 'somebody-elses' });
    await eventually(() => assert.equal(kindAt(following, 'changed.test'), 'none'));
    await eventually(async () => assert.deepEqual(await statusOf('life'), undefined));
    await patch({ ingressClassName: className });
    await eventually(async () => assert.deepEqual(await statusOf('life'), ADDRESSES));
    await bench().client.delete(INGRESSES, made.metadata);
    await eventually(() => assert.equal(kindAt(following, 'changed.test'), 'none'));
  });

  it('leave a snapshot that a request has taken as it is', async () => {
    const made = await makeTemplate('kept', { port: 81 });
    const ingress = await makeIngress('kept', { rules: [rule('kept.test', path('/', 'kept'))] });
    await using following = await follow();
    const taken = following.routes.current();
    await bench().client.delete(INGRESSES, ingress.metadata);
    await bench().client.delete(EPHEMERAL_DOMAIN_TEMPLATES, made.metadata);
    await eventually(() => assert.equal(kindAt(following, 'kept.test'), 'none'));
    const match = taken.table.match({ host: 'kept.test', path: '/', tls: false });
    assert.ok(match.kind === 'backend');
    assert.equal(match.backend.http.port, 81);
  });

  it('answer for a template that is not there, say so once, and heal as it comes, changes and goes', async () => {
    await using following = await follow();
    await makeIngress('waits', { rules: [rule('waits.test', path('/', 'late'), path('/api', { service: SERVICE }))] });
    await eventually(() => assert.equal(kindAt(following, 'waits.test'), 'unserved'));
    const told = ['TemplateNotFound 1', 'UnsupportedBackend 1'];
    await eventually(async () => assert.deepEqual(await eventsAbout('waits'), told));
    const made = await makeTemplate('late', { maxConcurrent: 3 });
    const limit = () => {
      const match = following.routes.current().table.match({ host: 'waits.test', path: '/', tls: false });
      return match.kind === 'backend' ? match.backend.http.maxConcurrent : undefined;
    };
    await eventually(() => assert.equal(limit(), 3));
    await bench().client.patch(EPHEMERAL_DOMAIN_TEMPLATES, made.metadata, { spec: { http: { maxConcurrent: 4 } } });
    await eventually(() => assert.equal(limit(), 4));
    assert.equal(kindAt(following, 'waits.test', '/api'), 'unserved');
    assert.deepEqual(await eventsAbout('waits'), told);
    await bench().client.delete(EPHEMERAL_DOMAIN_TEMPLATES, made.metadata);
    await eventually(() => assert.equal(limit(), undefined));
    await eventually(async () =>
      assert.deepEqual(await eventsAbout('waits'), ['TemplateNotFound 2', 'UnsupportedBackend 1']),
    );
  });

  it('follow the Secret of a host: missing, made, renewed, deleted, other hosts untouched', async () => {
    await makeTemplate('tls');
    await makeSecret('steady', 'steady.test');
    const { metadata } = await makeIngress('tls', {
      rules: [rule('steady.test', path('/', 'tls')), rule('turns.test', path('/', 'tls'))],
      tls: [
        { hosts: ['steady.test'], secretName: 'steady' },
        { hosts: ['turns.test'], secretName: 'turns' },
      ],
    });
    await using following = await follow();
    const find = (host: string) => following.routes.current().certificates.find(host);
    const fingerprint = (host: string) => {
      const found = find(host);
      return found.kind === 'certificate' ? found.certificate.fingerprint : found.kind;
    };
    const steady = fingerprint('steady.test');
    assert.notEqual(steady, 'unusable');
    assert.equal(fingerprint('turns.test'), 'unusable');
    assert.equal(fingerprint('unknown.test'), 'none');
    await eventually(async () => assert.deepEqual(await eventsAbout('tls'), ['CertificateNotFound 1']));
    const secret = await makeSecret('turns', 'turns.test');
    await eventually(() => assert.ok(!['unusable', 'none', steady].includes(fingerprint('turns.test'))));
    const first = fingerprint('turns.test');
    const renewed = await authority.server('DNS:turns.test');
    const [cert, key] = await Promise.all([readFile(renewed.cert, 'base64'), readFile(renewed.key, 'base64')]);
    await bench().client.patch(SECRETS, secret.metadata, { data: { 'tls.crt': cert, 'tls.key': key } });
    await eventually(() => assert.ok(![first, 'unusable'].includes(fingerprint('turns.test'))));
    await bench().client.patch(SECRETS, secret.metadata, { data: { 'tls.key': 'bm9uc2Vuc2U=' } });
    await eventually(() => assert.equal(fingerprint('turns.test'), 'unusable'));
    await eventually(async () =>
      assert.deepEqual(await eventsAbout('tls'), ['CertificateInvalid 1', 'CertificateNotFound 1']),
    );
    await bench().client.delete(SECRETS, secret.metadata);
    await eventually(async () =>
      assert.deepEqual(await eventsAbout('tls'), ['CertificateInvalid 1', 'CertificateNotFound 2']),
    );
    assert.equal(fingerprint('steady.test'), steady);
    await bench().client.delete(INGRESSES, metadata);
    await eventually(() => assert.equal(fingerprint('steady.test'), 'none'));
  });

  it('follow no more Secrets than they may, the oldest Ingresses’ first, and say whose are left out', async () => {
    for (const name of ['first', 'second']) await makeSecret(name, `${name}.test`);
    const ingresses = [];
    for (const name of ['first', 'second']) {
      const tls = [{ hosts: [`${name}.test`], secretName: name }];
      ingresses.push(await makeIngress(name, { defaultBackend: path('/', 'x').backend, tls }));
    }
    await using following = await follow({ maxSecrets: 1 });
    const find = (host: string) => following.routes.current().certificates.find(host).kind;
    assert.deepEqual([find('first.test'), find('second.test')], ['certificate', 'unusable']);
    await eventually(async () => assert.ok((await eventsAbout('second')).includes('TooManyCertificates 1')));
    for (const { metadata } of ingresses) await bench().client.delete(INGRESSES, metadata);
  });

  it('follow classes: an Ingress becomes ours with its class, and is no more without', async () => {
    await makeTemplate('classed');
    const late = `late-${bench().namespace}`;
    await makeIngress('classed', { ingressClassName: late, rules: [rule('classed.test', path('/', 'classed'))] });
    await using following = await follow();
    assert.equal(kindAt(following, 'classed.test'), 'none');
    assert.deepEqual(await statusOf('classed'), undefined);
    const { client } = bench();
    const spec = { controller: 'hatchery.dev/ingress' };
    await client.create(INGRESS_CLASSES, { metadata: { name: late }, spec });
    await eventually(() => assert.equal(kindAt(following, 'classed.test'), 'backend'));
    await client.delete(INGRESS_CLASSES, { name: late });
    await eventually(() => assert.equal(kindAt(following, 'classed.test'), 'none'));
  });

  it('of namespaces that are not followed know nothing', async () => {
    const other = `${bench().namespace}-other`;
    await bench().client.create(NAMESPACES, { metadata: { name: other } });
    try {
      for (const namespace of [other, bench().namespace]) {
        await makeTemplate('scoped', {}, namespace);
        await makeIngress('scoped', { rules: [rule(`${namespace}.test`, path('/', 'scoped'))] }, namespace);
      }
      await using narrow = await follow();
      await using wide = await follow({ namespaces: [] });
      assert.equal(kindAt(narrow, `${bench().namespace}.test`), 'backend');
      assert.equal(kindAt(narrow, `${other}.test`), 'none');
      assert.equal(kindAt(wide, `${other}.test`), 'backend');
    } finally {
      await bench().client.delete(NAMESPACES, { name: other });
    }
  });
});

const SERVICE = { name: 'api', port: { number: 80 } };
