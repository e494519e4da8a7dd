import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';

import { anchorOf, checkServing, selfSigned } from './certificate.ts';
import { der, integer, oid } from './der.ts';

const NOW = new Date('2030-06-15T12:00:00Z');

describe('a certificate that signs itself', () => {
  it('is for its hosts, for ten years, for servers, and no authority', () => {
    const { cert } = selfSigned(['controller.example', '198.18.0.1', '2001:db8::7', '::1'], NOW);
    const read = new X509Certificate(cert);
    assert.equal(
      read.subjectAltName,
      'DNS:controller.example, IP Address:198.18.0.1, IP Address:2001:DB8:0:0:0:0:0:7, IP Address:0:0:0:0:0:0:0:1',
    );
    assert.equal(read.subject, 'CN=hatchery-controller');
    assert.deepEqual([read.validFrom, read.validTo], ['Jun 15 11:00:00 2030 GMT', 'Jun 15 12:00:00 2040 GMT']);
    assert.equal(read.ca, false);
    assert.deepEqual(read.keyUsage, ['1.3.6.1.5.5.7.3.1']);
    assert.ok(read.verify(read.publicKey));
  });

  it('is another one each time', () => {
    const [one, other] = [selfSigned(['a'], NOW), selfSigned(['a'], NOW)].map(({ cert }) => new X509Certificate(cert));
    assert.notEqual(one?.serialNumber, other?.serialNumber);
    assert.notEqual(one?.fingerprint256, other?.fingerprint256);
  });

  it('is accepted by a client that trusts it, by name, and by no other', async () => {
    const certificate = selfSigned(['127.0.0.1'], new Date());
    const server = createServer(certificate).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const outcome = (ca: string): Promise<string> =>
      new Promise((resolve) => {
        const socket = connect({ host: '127.0.0.1', port, ca }, () => {
          socket.destroy();
          resolve('accepted');
        });
        socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
      });
    assert.equal(await outcome(anchorOf(certificate)), 'accepted');
    assert.equal(await outcome(selfSigned(['127.0.0.1'], new Date()).cert), 'DEPTH_ZERO_SELF_SIGNED_CERT');
    server.close();
  });
});

describe('a serving certificate that was named', () => {
  const good = selfSigned(['a'], NOW);
  const table: readonly (readonly [string, string, RegExp])[] = [
    ['no certificate', good.key, /^the certificate is none/],
    [good.cert, 'no key', /^the private key is none/],
    [good.cert, selfSigned(['a'], NOW).key, /^the private key is not that of the certificate$/],
  ];
  for (const [cert, key, why] of table) {
    it(`is refused: ${why.source}`, () => {
      assert.throws(() => checkServing({ cert, key }), { message: why });
    });
  }

  it('is accepted with its key', () => {
    checkServing(good);
  });
});

describe('DER', () => {
  it('has lengths of one byte, and of more', () => {
    assert.equal(der(4, Buffer.alloc(127)).subarray(0, 2).toString('hex'), '047f');
    assert.equal(der(4, Buffer.alloc(200)).subarray(0, 3).toString('hex'), '0481c8');
    assert.equal(der(4, Buffer.alloc(4096)).subarray(0, 4).toString('hex'), '04821000');
  });

  it('keeps whole numbers above zero', () => {
    assert.equal(integer(Buffer.of(0x80)).toString('hex'), '02020080');
    assert.equal(integer(Buffer.of(0x7f)).toString('hex'), '02017f');
  });

  it('has object identifiers', () => {
    assert.equal(oid('1.2.840.10045.4.3.2').toString('hex'), '06082a8648ce3d040302');
  });
});
