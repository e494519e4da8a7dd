import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import type { SecureContext } from 'node:tls';

import { selfSigned } from '#controller/serve/certificate.ts';
import type { Ingress, Secret } from '#controller/kube/index.ts';
import { buildCertificates } from './certificates.ts';
import type { CertificateChoice, Certificates, SecretReading } from './certificates.ts';
import { translateIngress } from './ingress.ts';
import { readKeyPair } from './keypair.ts';
import { ingress, tlsSecret } from './testing/resources.ts';

const NOW = new Date('2030-06-15T12:00:00Z');
const YEARS_LATER = new Date('2045-01-01T00:00:00Z');

const pair = (host: string) => selfSigned([host], NOW);
const secretOf = (name: string, { cert, key }: ReturnType<typeof pair>): Secret =>
  tlsSecret(name, { 'tls.crt': cert, 'tls.key': key });

/** Ingress NAME with one entry in spec.tls. */
const claiming = (name: string, secretName: string, hosts: readonly string[], created = 0): Ingress =>
  ingress(name, { tls: [{ hosts, secretName }] }, { created });

const A = pair('a.test');
const WILD = pair('*.w.test');
const EXACT = pair('exact.w.test');
const DEFAULT = pair('default.test');
const SECRETS: Readonly<Record<string, SecretReading>> = {
  a: { kind: 'found', secret: secretOf('a', A) },
  wild: { kind: 'found', secret: secretOf('wild', WILD) },
  exact: { kind: 'found', secret: secretOf('exact', EXACT) },
  empty: { kind: 'found', secret: tlsSecret('empty', {}) },
  keyless: { kind: 'found', secret: tlsSecret('keyless', { 'tls.crt': A.cert }) },
  nonsense: { kind: 'found', secret: tlsSecret('nonsense', { 'tls.crt': 'nonsense', 'tls.key': A.key }) },
  lockless: { kind: 'found', secret: tlsSecret('lockless', { 'tls.crt': A.cert, 'tls.key': 'nonsense' }) },
  mixed: { kind: 'found', secret: tlsSecret('mixed', { 'tls.crt': A.cert, 'tls.key': WILD.key }) },
  awaited: { kind: 'awaited' },
  forbidden: { kind: 'unreadable', cause: 'forbidden' },
  crowded: { kind: 'too-many', most: 2 },
};

const built = (ingresses: readonly Ingress[], withDefault = false, now = NOW) => {
  const fallback = readKeyPair(Buffer.from(DEFAULT.cert), Buffer.from(DEFAULT.key));
  assert.ok(fallback.kind === 'usable');
  return buildCertificates(
    ingresses.flatMap((each) => translateIngress(each).claims),
    {
      read: (_, name) => SECRETS[name] ?? { kind: 'missing' },
      defaultCertificate: withDefault ? fallback.certificate : undefined,
      keyPairs: new WeakMap(),
      now,
    },
  );
};

const NAMES = new Map(
  [A, WILD, EXACT, DEFAULT].map(({ cert }, index) => [
    new X509Certificate(cert).fingerprint256,
    ['a', 'wild', 'exact', 'default'][index],
  ]),
);
/** Which certificate was chosen, by the name of its Secret. */
const nameOf = (choice: CertificateChoice): string | undefined =>
  choice.kind === 'certificate' ? NAMES.get(choice.certificate.fingerprint) : choice.kind;

describe('certificates', () => {
  const ingresses = [
    claiming('a', 'a', ['a.test']),
    claiming('w', 'wild', ['*.w.test']),
    claiming('e', 'exact', ['exact.w.test']),
    claiming('bad', 'mixed', ['bad.test', 'bad.w.test']),
  ];

  for (const [serverName, expected, withDefault] of [
    ['a.test', 'a', 'a'],
    ['A.Test', 'a', 'a'],
    ['x.w.test', 'wild', 'wild'],
    ['exact.w.test', 'exact', 'exact'],
    ['y.x.w.test', 'none', 'default'],
    ['w.test', 'none', 'default'],
    ['nobody.test', 'none', 'default'],
    [undefined, 'none', 'default'],
    ['', 'none', 'default'],
    ['bad.test', 'unusable', 'unusable'],
    ['bad.w.test', 'unusable', 'unusable'],
  ] as const) {
    it(`for ${serverName ?? 'no server name'}: ${expected}, with a default certificate: ${withDefault}`, () => {
      assert.equal(nameOf(built(ingresses).certificates.find(serverName)), expected);
      assert.equal(nameOf(built(ingresses, true).certificates.find(serverName)), withDefault);
    });
  }

  for (const [secretName, reason, says] of [
    ['nowhere', 'CertificateNotFound', 'is not there'],
    ['empty', 'CertificateInvalid', 'it has no tls.crt'],
    ['keyless', 'CertificateInvalid', 'it has no tls.key'],
    ['nonsense', 'CertificateInvalid', 'tls.crt is no certificate in PEM'],
    ['lockless', 'CertificateInvalid', 'tls.key is no private key in PEM'],
    ['mixed', 'CertificateInvalid', 'tls.key is not the key of the certificate'],
    ['forbidden', 'CertificateUnreadable', 'cannot be read (forbidden)'],
    ['crowded', 'TooManyCertificates', 'the 2 Secrets of older Ingresses'],
  ] as const) {
    it(`of Secret ${secretName} fail handshakes for its hosts, are a ${reason}, and harm no other host`, () => {
      const { certificates, problems } = built([claiming('x', secretName, ['x.test']), claiming('a', 'a', ['a.test'])]);
      assert.equal(certificates.find('x.test').kind, 'unusable');
      assert.equal(nameOf(certificates.find('a.test')), 'a');
      const [problem, ...others] = problems;
      assert.deepEqual([problem?.reason, problem?.source.name, others], [reason, 'x', []]);
      assert.ok(problem?.message.includes(says) === true, problem?.message);
      assert.ok(!problem.message.includes('PRIVATE KEY'));
    });
  }

  it('that are not read yet are no problem yet', () => {
    const { certificates, problems } = built([claiming('x', 'awaited', ['x.test'])]);
    assert.deepEqual([certificates.find('x.test').kind, problems], ['unusable', []]);
  });

  it('that have expired, or are for other hosts, are used, and are problems', () => {
    const { certificates, problems } = built([claiming('x', 'a', ['a.test', 'b.test', '*.test'])], false, YEARS_LATER);
    assert.equal(nameOf(certificates.find('b.test')), 'a');
    assert.deepEqual(
      problems.map(({ reason }) => reason),
      ['CertificateNotValidNow', 'CertificateHostMismatch'],
    );
    assert.match(problems[0]?.message ?? '', /expired at 2040-06-15/);
    assert.match(problems[1]?.message ?? '', /is not for b\.test, \*\.test,/);
    assert.deepEqual(built([claiming('w', 'wild', ['*.w.test', 'x.w.test'])]).problems, []);
  });

  it('of two that claim a host are the older one’s, also where that cannot be used', () => {
    const [old, young] = [claiming('old', 'a', ['h.test', 'a.test']), claiming('a', 'wild', ['h.test'], 1)];
    const { certificates, problems } = built([young, old]);
    assert.equal(nameOf(certificates.find('h.test')), 'a');
    const conflicts = problems.filter(({ reason }) => reason === 'CertificateConflict');
    assert.deepEqual(
      conflicts.map(({ source }) => source.name),
      ['a'],
    );
    assert.equal(built([young, claiming('old', 'gone', ['h.test'])]).certificates.find('h.test').kind, 'unusable');
    assert.deepEqual(built([claiming('one', 'a', ['a.test']), claiming('two', 'a', ['a.test'], 1)]).problems, []);
  });
});

/** Name on the certificate that a client sees, or what the handshake failed with. */
const handshake = (port: number, servername: string, maxVersion?: 'TLSv1.1'): Promise<string> =>
  new Promise((resolve) => {
    const options = maxVersion === undefined ? {} : { maxVersion, minVersion: maxVersion, ciphers: 'ALL:@SECLEVEL=0' };
    const socket = connect({ host: '127.0.0.1', port, servername, rejectUnauthorized: false, ...options }, () => {
      resolve(socket.getPeerCertificate().subjectaltname ?? '');
      socket.destroy();
    });
    socket.on('error', () => resolve('failed'));
  });

describe('handshakes with these certificates', () => {
  const contextFor = (certificates: Certificates, name: string): SecureContext | undefined => {
    const choice = certificates.find(name);
    return choice.kind === 'certificate' ? choice.certificate.context : undefined;
  };

  it('show each host its own, fail for a bad one, and follow a change without a restart', async () => {
    let { certificates } = built([claiming('a', 'a', ['a.test']), claiming('bad', 'mixed', ['bad.test'])], true);
    const server = createServer({
      minVersion: 'TLSv1.2',
      SNICallback: (name, callback) => {
        const context = contextFor(certificates, name);
        if (context === undefined) callback(new Error('no certificate'));
        else callback(null, context);
      },
    });
    server
      .on('tlsClientError', () => undefined)
      .on('secureConnection', (socket) => socket.on('error', () => undefined));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      assert.equal(await handshake(port, 'a.test'), 'DNS:a.test');
      assert.equal(await handshake(port, 'bad.test'), 'failed');
      assert.equal(await handshake(port, 'other.test'), 'DNS:default.test');
      assert.equal(await handshake(port, 'a.test', 'TLSv1.1'), 'failed');
      ({ certificates } = built([claiming('a', 'exact', ['a.test']), claiming('bad', 'wild', ['bad.test'])], true));
      assert.equal(await handshake(port, 'a.test'), 'DNS:exact.w.test');
      assert.equal(await handshake(port, 'bad.test'), 'DNS:*.w.test');
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
