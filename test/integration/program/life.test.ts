import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Cluster } from '#hack/cluster/cluster.ts';
import { sharedCluster, STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';

import { removeScratch, runProgram, scratch, startProgram } from './program.ts';
import type { Program } from './program.ts';

const LEASE = 'hatchery-controller';
const SYSTEM = 'hatchery-system';
const CRD = 'ephemeraldomaintemplates.hatchery.dev';

const METRICS = '--metrics-address=127.0.0.1:0';

const lease = (holder: string): string =>
  JSON.stringify({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: LEASE, namespace: SYSTEM },
    spec: {
      holderIdentity: holder,
      leaseDurationSeconds: 15,
      renewTime: new Date().toISOString().replace('Z', '000Z'),
    },
  });

/** The address that the program says it serves probes on. */
const probes = (program: Program): Promise<string> =>
  eventually(() => {
    const line = program.log().find(({ message }) => message === 'Hatchery starts');
    assert.ok(line !== undefined, 'the program has started');
    return `http://${String(line['address'])}:${String(line['port'])}`;
  });

const status = async (url: string): Promise<number> => (await fetch(url, { signal: AbortSignal.timeout(2000) })).status;

describe('hatchery at an API server', function () {
  this.timeout(60_000);

  let cluster: Cluster;
  let folder: string;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    cluster = await sharedCluster();
    const admin = JSON.parse(await readFile(cluster.kubeconfig, 'utf8')) as {
      readonly users: readonly { user: object }[];
    };
    const asSomebody = admin.users.map((user) => ({ ...user, user: { ...user.user, as: 'somebody' } }));
    const unknown = admin.users.map((user) => ({ ...user, user: { token: 'nobody-gave-this-token' } }));
    folder = await scratch({
      'somebody.kubeconfig': JSON.stringify({ ...admin, users: asSomebody }),
      'unknown.kubeconfig': JSON.stringify({ ...admin, users: unknown }),
    });
  });

  after(() => removeScratch(folder));

  const args = (kubeconfig = cluster.controllerKubeconfig): readonly string[] => [
    'controller',
    `--kubeconfig=${kubeconfig}`,
    '--identity=program-test',
    METRICS,
  ];

  /** The one line that it refuses with; its log before that is left out. */
  const refusal = async (kubeconfig?: string): Promise<string> => {
    const ended = await runProgram(args(kubeconfig));
    assert.equal(ended.code, 2, ended.stderr);
    const lines = ended.stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
    assert.equal(lines.length, 1, ended.stderr);
    return lines[0] ?? '';
  };

  it('refuses to start without permission, and names what is missing', async () => {
    const line = await refusal(join(folder, 'somebody.kubeconfig'));
    assert.match(
      line,
      /^hatchery: no permission to get, list, watch, delete ephemeraldomains.hatchery.dev; patch ephe/,
    );
    assert.match(line, /; create leases.coordination.k8s.io in namespace hatchery-system; /);
    assert.match(line, /: kubectl apply -k manifests\/rbac, and bind its roles to this user$/);
  });

  it('refuses credentials that the server does not know', async () => {
    const line = await refusal(join(folder, 'unknown.kubeconfig'));
    assert.match(
      line,
      /^hatchery: the API server at 127.0.0.1:\d+ does not know these credentials; check the kubeconfig$/,
    );
  });

  describe('with a CRD that is too old', () => {
    let version: string;

    before(async () => {
      const crd = JSON.parse(await cluster.kubectl(['get', 'crd', CRD, '-o', 'json'])) as {
        readonly metadata: { readonly annotations: Readonly<Record<string, string>> };
      };
      version = crd.metadata.annotations['hatchery.dev/schema-version'] ?? '';
      await cluster.kubectl(['annotate', '--overwrite', 'crd', CRD, 'hatchery.dev/schema-version=0']);
    });

    after(() => cluster.kubectl(['annotate', '--overwrite', 'crd', CRD, `hatchery.dev/schema-version=${version}`]));

    it('refuses to start, and says which and what to apply', async () => {
      assert.equal(
        await refusal(),
        `hatchery: CRD ${CRD} is too old (schema version 0, this program needs ${version}): kubectl apply -f crds/`,
      );
    });
  });

  describe('without a CRD', () => {
    const manifest = join(import.meta.dirname, '../../../crds/ephemeraldomaintemplates.yaml');

    before(() => cluster.kubectl(['delete', 'crd', CRD, '--wait']));

    after(async () => {
      await cluster.kubectl(['apply', '-f', manifest]);
      await cluster.kubectl(['wait', '--for=condition=Established', '--timeout=30s', 'crd', CRD]);
    });

    it('refuses to start, and says which and what to apply [end: kind-missing]', async () => {
      assert.equal(await refusal(), `hatchery: CRD ${CRD} is missing: kubectl apply -f crds/`);
    });
  });

  describe('while another holds the Lease', () => {
    let program: Program;

    beforeEach(async () => {
      await cluster.kubectl(['delete', 'lease', LEASE, '-n', SYSTEM, '--ignore-not-found']);
      await cluster.kubectl(['create', '-f', '-'], { input: lease('somebody-else') });
      program = startProgram(args());
    });

    afterEach(async () => {
      program.kill('SIGKILL');
      await program.ended;
      await cluster.kubectl(['delete', 'lease', LEASE, '-n', SYSTEM, '--ignore-not-found']);
    });

    it('stands by, ready, and ends at SIGTERM with exit code 0', async () => {
      const url = await probes(program);
      await eventually(async () => assert.equal(await status(`${url}/readyz`), 200));
      assert.match(await (await fetch(`${url}/metrics`)).text(), /^rest_client_requests_total\{/m);
      assert.equal(
        program.log().some(({ message }) => message === 'leading'),
        false,
      );
      program.kill('SIGTERM');
      const { code, stderr } = await program.ended;
      assert.equal(code, 0, stderr);
    });
  });
});

describe('hatchery at an API server that does not answer', () => {
  let folder: string;
  let program: Program;

  before(async () => {
    const users = [{ name: 'u', user: { token: 'not-a-real-token' } }];
    const clusters = [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }];
    const contexts = [{ name: 'main', context: { cluster: 'c', user: 'u' } }];
    const config = { apiVersion: 'v1', kind: 'Config', clusters, users, contexts, 'current-context': 'main' };
    folder = await scratch({ kubeconfig: JSON.stringify(config) });
    program = startProgram(['controller', `--kubeconfig=${folder}/kubeconfig`, METRICS]);
  });

  after(async () => {
    program.kill('SIGKILL');
    await program.ended;
    await removeScratch(folder);
  });

  it('is alive, is not ready, says so, and ends at SIGTERM with exit code 0', async () => {
    const url = await probes(program);
    await eventually(() => {
      const complaints = program.log().filter(({ message }) => message === 'API server does not answer');
      assert.ok(complaints.length >= 2);
    });
    assert.deepEqual([await status(`${url}/healthz`), await status(`${url}/readyz`)], [200, 503]);
    program.kill('SIGTERM');
    const { code, stderr } = await program.ended;
    assert.equal(code, 0, stderr);
    assert.equal(stderr.includes('not-a-real-token'), false);
  });
});
