import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { stringify } from 'yaml';
import { KubeConfigError, loadKubeConfig } from './kubeconfig.ts';

const CA = Buffer.from('the ca');
const TOKEN = 'secret-token';

function config(changes: { readonly cluster?: object; readonly user?: object; readonly top?: object } = {}): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'one',
    clusters: [
      {
        name: 'c',
        cluster: {
          server: 'https://127.0.0.1:6443',
          'certificate-authority-data': CA.toString('base64'),
          ...changes.cluster,
        },
      },
    ],
    contexts: [
      { name: 'one', context: { cluster: 'c', user: 'u', namespace: 'team' } },
      { name: 'two', context: { cluster: 'c', user: 'u' } },
      { name: 'broken', context: { cluster: 'nowhere', user: 'u' } },
    ],
    users: [{ name: 'u', user: { token: TOKEN, ...changes.user } }],
    ...changes.top,
  });
}

describe('kubeconfig', function () {
  // The first import of client-node takes a while on a busy machine.
  this.timeout(60_000);
  let folder = '';
  before(async () => (folder = await mkdtemp(join(tmpdir(), 'kubeconfig-'))));
  after(() => rm(folder, { recursive: true }));

  async function load(text: string, context?: string) {
    const path = join(folder, 'config');
    await writeFile(path, text);
    return loadKubeConfig({ kubeconfig: path, context });
  }

  it('gives server, namespace, CA and token', async () => {
    const loaded = await load(config());
    assert.deepEqual([loaded.server, loaded.namespace], ['https://127.0.0.1:6443', 'team']);
    const { headers, tls } = await loaded.credentials();
    assert.deepEqual(headers, { authorization: `Bearer ${TOKEN}` });
    assert.deepEqual(tls, { ca: CA });
  });

  it('gives a client certificate, and the server name to verify', async () => {
    const data = (text: string): string => Buffer.from(text).toString('base64');
    const user = { token: undefined, 'client-certificate-data': data('crt'), 'client-key-data': data('key') };
    const loaded = await load(config({ user, cluster: { 'tls-server-name': 'kube' } }));
    const { headers, tls } = await loaded.credentials();
    assert.deepEqual(headers, {});
    assert.deepEqual(tls, { ca: CA, cert: Buffer.from('crt'), key: Buffer.from('key'), servername: 'kube' });
  });

  it('gives user name and password as basic authentication', async () => {
    const loaded = await load(config({ user: { token: undefined, username: 'n', password: 'p' } }));
    assert.deepEqual((await loaded.credentials()).headers, {
      authorization: `Basic ${Buffer.from('n:p').toString('base64')}`,
    });
  });

  it('takes the named context, with namespace default', async () => {
    assert.equal((await load(config(), 'two')).namespace, 'default');
  });

  const refused: readonly [string, string, string | undefined, RegExp][] = [
    ['a context that is not there', config(), 'three', /has no context three, only: one, two, broken/],
    ['a context without its cluster', config(), 'broken', /names a cluster that is not there/],
    ['no current-context', config({ top: { 'current-context': '' } }), undefined, /has no current-context/],
    [
      'unverified TLS',
      config({ cluster: { 'insecure-skip-tls-verify': true } }),
      undefined,
      /insecure-skip-tls-verify/,
    ],
    ['plain HTTP', config({ cluster: { server: 'http://127.0.0.1:1' } }), undefined, /only https/],
    ['a proxy', config({ cluster: { 'proxy-url': 'http://proxy' } }), undefined, /proxy-url/],
    ['a server that is no URL', config({ cluster: { server: 'here' } }), undefined, /'?here'? is no URL/],
    [
      'a certificate that is not there',
      config({ user: { 'client-certificate': '/nowhere.crt' } }),
      undefined,
      /nowhere\.crt/,
    ],
    ['text that is no YAML', `token: ${TOKEN}\n\t- {`, undefined, /config: /],
    ['an empty file', '', undefined, /config: expected a document/],
    ['a file with nothing in it', 'null', undefined, /config: is no kubeconfig/],
    ['another kind of file', 'just text', undefined, /has no current-context/],
  ];
  for (const [what, text, context, sentence] of refused) {
    it(`refuses ${what} in one line that names the file and holds no secret`, async () => {
      await assert.rejects(load(text, context), (error) => {
        assert.ok(error instanceof KubeConfigError, inspect(error));
        assert.match(error.message, sentence);
        assert.ok(error.message.includes(join(folder, 'config')) && !error.message.includes('\n'));
        assert.ok(!error.message.includes(TOKEN));
        return true;
      });
    });
  }

  it('refuses a file that is not there', async () => {
    await assert.rejects(loadKubeConfig({ kubeconfig: '/nowhere/config' }), /kubeconfig \/nowhere\/config: .*ENOENT/);
  });
});
