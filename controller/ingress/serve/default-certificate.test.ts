import assert from 'node:assert/strict';

import type { ListOptions, RestClient, Secret } from '#controller/kube/index.ts';
import { selfSigned } from '#controller/serve/certificate.ts';
import { tlsSecret } from '../routes/testing/resources.ts';
import { readDefaultCertificate } from './default-certificate.ts';

const PAIR = selfSigned(['default.test'], new Date('2030-06-15T12:00:00Z'));
const OTHER = selfSigned(['other.test'], new Date('2030-06-15T12:00:00Z'));

const read = async (...items: readonly Secret[]) => {
  const asked: (ListOptions | undefined)[] = [];
  const list = (_type: unknown, options?: ListOptions) => {
    asked.push(options);
    return Promise.resolve({ items, resourceVersion: '1' });
  };
  const client = { list } as unknown as Pick<RestClient, 'list'>;
  const { signal } = new AbortController();
  const reading = await readDefaultCertificate(client, { namespace: 'ns', name: 'tls' }, signal);
  return { reading, asked };
};

describe('the default certificate', () => {
  it('is read by a list of its one Secret', async () => {
    const { reading, asked } = await read(tlsSecret('tls', { 'tls.crt': PAIR.cert, 'tls.key': PAIR.key }));
    assert.ok(reading.ok);
    assert.deepEqual(reading.value.pem, { cert: PAIR.cert, key: PAIR.key });
    assert.partialDeepStrictEqual(asked, [{ namespace: 'ns', fieldSelector: 'metadata.name=tls' }]);
  });

  for (const [what, secrets, why] of [
    ['there is no such Secret', [], /^there is no Secret ns\/tls$/],
    ['it has no certificate', [tlsSecret('tls', { 'tls.key': PAIR.key })], /^Secret ns\/tls: .*tls\.crt/],
    ['it has no key', [tlsSecret('tls', { 'tls.crt': PAIR.cert })], /^Secret ns\/tls: .*tls\.key/],
    [
      'its key is another certificate’s',
      [tlsSecret('tls', { 'tls.crt': PAIR.cert, 'tls.key': OTHER.key })],
      /^Secret ns\/tls: /,
    ],
  ] as const) {
    it(`cannot be had where ${what}; the Secret is named, and no key`, async () => {
      const { reading } = await read(...secrets);
      assert.ok(!reading.ok);
      assert.match(reading.why, why);
      assert.doesNotMatch(reading.why, /PRIVATE KEY/);
    });
  }
});
