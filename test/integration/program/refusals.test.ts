import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { removeScratch, runProgram, scratch } from './program.ts';

const kubeconfig = (server: string, extra: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server, ...extra } }],
    users: [{ name: 'u', user: { token: 'not-a-real-token' } }],
    contexts: [{ name: 'main', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'main',
  });

const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });

const FILES = {
  'good.kubeconfig': kubeconfig('https://127.0.0.1:1'),
  'http.kubeconfig': kubeconfig('http://127.0.0.1:1'),
  'insecure.kubeconfig': kubeconfig('https://127.0.0.1:1', { 'insecure-skip-tls-verify': true }),
  'broken.kubeconfig': 'clusters: [',
  'typo.yaml': 'hostLostAftr: 60s\n',
  'value.yaml': 'logLevel: loud\n',
  'broken.yaml': 'a: [\n',
  'cacert.pem': String(pem),
};

interface Refusal {
  readonly what: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** The line; FOLDER stands for the folder of the files. */
  readonly line: string | RegExp;
}

const REFUSALS: readonly Refusal[] = [
  {
    what: 'no command',
    args: [],
    line: 'no command is given; there are: controller, ingress, console (see hatchery --help)',
  },
  { what: 'an unknown command', args: ['controler'], line: 'unknown command "controler"; did you mean controller?' },
  {
    what: 'an unknown flag',
    args: ['controller', '--hots-lost-after=5s'],
    line: 'unknown flag --hots-lost-after; did you mean --host-lost-after?',
  },
  {
    what: 'a bad value of a flag',
    args: ['controller', '--host-lost-after=soon'],
    line: '--host-lost-after: "soon" is no duration such as 30s, 5m or 1h30m',
  },
  {
    what: 'a bad value of a variable',
    args: ['controller'],
    environment: { HATCHERY_METRICS_ADDRESS: '9402' },
    line: 'HATCHERY_METRICS_ADDRESS: "9402" is no HOST:PORT such as 127.0.0.1:9402 or :9402',
  },
  {
    what: 'a file that is not there',
    args: ['controller', '--config=none.yaml'],
    line: 'FOLDER/none.yaml: cannot be read (ENOENT)',
  },
  {
    what: 'a file with an unknown key',
    args: ['controller', '--config=typo.yaml'],
    line: 'FOLDER/typo.yaml: unknown key hostLostAftr; did you mean hostLostAfter?',
  },
  {
    what: 'a file with a bad value',
    args: ['controller'],
    environment: { HATCHERY_CONFIG: 'value.yaml' },
    line: 'FOLDER/value.yaml: logLevel: "loud" is none of error, warn, info, debug',
  },
  {
    what: 'a file that is no YAML',
    args: ['controller', '--config=broken.yaml'],
    line: /^FOLDER\/broken.yaml: line \d+, column \d+: is neither YAML nor JSON \([A-Z_]+\)$/,
  },
  {
    what: 'a folder without certificates for libvirt',
    args: ['controller', '--libvirt-pki=nowhere'],
    line: 'libvirt-pki: FOLDER/nowhere/cacert.pem: cannot be read (ENOENT)',
  },
  {
    what: 'a certificate that is none',
    args: ['controller', '--libvirt-pki=.'],
    line: 'libvirt-pki: FOLDER/cacert.pem: is no certificate in PEM form',
  },
  {
    what: 'a kubeconfig that is not there',
    args: ['controller', '--kubeconfig=none'],
    line: /^kubeconfig FOLDER\/none: ENOENT/,
  },
  {
    what: 'a kubeconfig that is no YAML',
    args: ['controller', '--kubeconfig=broken.kubeconfig'],
    line: /^kubeconfig FOLDER\/broken.kubeconfig: /,
  },
  {
    what: 'an unknown context',
    args: ['controller', '--kubeconfig=good.kubeconfig', '--context=other'],
    line: 'kubeconfig FOLDER/good.kubeconfig: has no context other, only: main',
  },
  {
    what: 'a server without TLS',
    args: ['controller', '--kubeconfig=http.kubeconfig'],
    line: /^kubeconfig FOLDER\/http.kubeconfig: server http:\/\/127.0.0.1:1 is refused: only https/,
  },
  {
    what: 'a server that is not to be verified',
    args: ['controller', '--kubeconfig=insecure.kubeconfig'],
    line: /^kubeconfig FOLDER\/insecure.kubeconfig: insecure-skip-tls-verify is refused/,
  },
  {
    what: 'a metrics address that is not ours',
    args: ['controller', '--kubeconfig=good.kubeconfig', '--metrics-address=192.0.2.1:9402'],
    line: 'metrics-address: cannot listen on 192.0.2.1:9402 (EADDRNOTAVAIL)',
  },
  {
    what: 'a notify address that is not ours',
    args: ['controller', '--kubeconfig=good.kubeconfig', '--notify-address=192.0.2.1:9403'],
    line: 'notify-address: cannot listen on 192.0.2.1:9403 (EADDRNOTAVAIL)',
  },
  {
    what: 'a host with a port to tell guests',
    args: ['controller', '--notify-advertise=192.0.2.7:9403'],
    line: '--notify-advertise: "192.0.2.7:9403" is no host such as 192.0.2.7 or hatchery.example.org',
  },
];

describe('hatchery refuses, with one line and exit code 2,', function () {
  this.timeout(60_000);

  let folder: string;

  before(async () => {
    folder = await scratch(FILES);
  });

  after(() => removeScratch(folder));

  for (const { what, args, environment = {}, line } of REFUSALS) {
    it(what, async () => {
      const ended = await runProgram(args, { environment, folder });
      const [prefix, text] = ['hatchery: ', ended.stderr.replaceAll(folder, 'FOLDER')];
      assert.equal(ended.code, 2, ended.stderr);
      assert.equal(ended.stdout, '');
      assert.ok(text.startsWith(prefix) && text.indexOf('\n') === text.length - 1, text);
      const said = text.slice(prefix.length, -1);
      if (typeof line === 'string') assert.equal(said, line);
      else assert.match(said, line);
    });
  }

  it('a certificate and a key that are no pair', async () => {
    const make = (name: string, key: string): Promise<unknown> =>
      promisify(execFile)('openssl', [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=test'],
        ...['-out', join(folder, 'pair', name), '-keyout', join(folder, 'pair', key)],
      ]);
    await mkdir(join(folder, 'pair'));
    await make('cacert.pem', 'clientkey.pem');
    await make('clientcert.pem', 'other.pem');
    const ended = await runProgram(['controller', '--libvirt-pki=pair'], { folder });
    assert.equal(ended.code, 2);
    const why = 'clientkey.pem is not the key of clientcert.pem';
    assert.equal(ended.stderr, `hatchery: libvirt-pki: ${folder}/pair: ${why}\n`);
  });

  it('a metrics address that is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const args = ['controller', '--kubeconfig=good.kubeconfig', `--metrics-address=127.0.0.1:${port}`];
    const ended = await runProgram(args, { folder });
    server.close();
    assert.equal(ended.code, 2);
    assert.equal(ended.stderr, `hatchery: metrics-address: cannot listen on 127.0.0.1:${port} (EADDRINUSE)\n`);
  });
});

describe('hatchery explains itself', () => {
  it('with --help, on standard output, exit code 0', async () => {
    const { code, stdout, stderr } = await runProgram(['controller', '--help']);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /--host-lost-after <DURATION>/);
  });

  it('with --version', async () => {
    const { code, stdout } = await runProgram(['--version']);
    assert.equal(code, 0);
    assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  });
});
