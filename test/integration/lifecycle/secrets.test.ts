import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

import { parseAllDocuments } from 'yaml';

import { EPHEMERAL_DOMAIN_TEMPLATES, EPHEMERAL_DOMAINS } from '#controller/api/index.ts';
import type { EphemeralDomain, Parameter } from '#controller/api/index.ts';
import { createRestClient, loadKubeConfig, SECRETS } from '#controller/kube/index.ts';
import type { RestClient } from '#controller/kube/index.ts';
import { readValues } from '#controller/lifecycle/values.ts';
import { sharedCluster, STARTUP_TIMEOUT_MS, TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createStage, finishedAs } from './stage.ts';
import type { Stage } from './stage.ts';
import type { StageHost } from './stage-hosts.ts';

const VALUE = 'TheValueOfTheSecret';
const ROLE = 'hatchery-controller-secrets';
const TOKEN: Parameter = { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'access', key: 'token' } } };

const domain = (cmdline: string) => ({
  type: 'pv' as const,
  memory: '48Mi',
  vcpus: 1,
  boot: { kernel: 'hatchling', cmdline },
});

/** The API server as somebody sees it who has no rights. */
async function clientAs(user: string, kubeconfig: string): Promise<RestClient> {
  const admin = await loadKubeConfig({ kubeconfig });
  const credentials = async () => {
    const { headers, tls } = await admin.credentials();
    return { tls, headers: { ...headers, 'Impersonate-User': user } };
  };
  return createRestClient({ ...admin, credentials });
}

// A host on the test driver attaches no disks: test/xen/devices.test.ts shows how the values arrive.
describe('parameters from Secrets', function () {
  this.timeout(TEST_TIMEOUT_MS);
  let stage: Stage;
  let host: StageHost;
  let asController: RestClient;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    stage = await createStage();
    host = await stage.host();
    const { controllerKubeconfig } = await sharedCluster();
    asController = createRestClient(await loadKubeConfig({ kubeconfig: controllerKubeconfig }));
    const data = { token: Buffer.from(VALUE).toString('base64') };
    await stage.rest.create(SECRETS, { metadata: { name: 'access', namespace: stage.namespace }, data });
    await stage.controller({ options: { settleMs: 300 } });
  });
  after(async () => {
    await asController.close();
    await stage.dispose();
  });

  async function toldToNobody(name: string): Promise<void> {
    const { kubectl } = await sharedCluster();
    const events = await kubectl(['get', 'events', '-n', stage.namespace, '-o', 'json']);
    const domains = await host.client.listAllDomains();
    const xmls = await Promise.all(domains.map((each) => host.client.getXmlDesc(each)));
    const hosts = JSON.stringify(await stage.getHost(host.name));
    for (const text of [JSON.stringify(await stage.get(name)), events, hosts, ...stage.log, ...xmls]) {
      assert.ok(!text.includes(VALUE) && !text.includes(Buffer.from(VALUE).toString('base64')), text);
    }
  }

  it('need a host that attaches disks: one that is to run elsewhere waits, and says that they are why', async () => {
    await stage.create('diskless', { domain: domain('$(SECRETS_DISK)'), parameters: [TOKEN] });
    const message = '0/1 hosts: 1 cannot attach the disk that parameters from Secrets need';
    await stage.until('diskless', ({ status }) => assert.equal(status?.message, message));
    await toldToNobody('diskless');
  });

  it('do not stand in a command line: one that names them is Failed, and nothing is started [end: secret-on-cmdline]', async () => {
    const cmdline = '-mode run $(TOKEN)';
    await stage.create('own', { domain: domain(cmdline), parameters: [TOKEN] });
    await stage.rest.create(EPHEMERAL_DOMAIN_TEMPLATES, {
      metadata: { name: 'telling', namespace: stage.namespace },
      spec: { template: { spec: { domain: domain(cmdline), parameters: [{ name: 'TOKEN', value: 'plain' }] } } },
    });
    await stage.rest.create(EPHEMERAL_DOMAINS, {
      metadata: { name: 'from-template', namespace: stage.namespace },
      spec: { templateRef: { name: 'telling' }, parameters: [TOKEN] },
    });
    for (const name of ['own', 'from-template']) {
      const { status } = await stage.until(name, finishedAs('Failed', 'InvalidCommandLine'));
      assert.equal(
        status?.message,
        'parameter TOKEN comes from a Secret, and dom0 logs command lines for everybody there to read: take $(TOKEN) out of boot.cmdline, and let the guest read it from its disk $(SECRETS_DISK)',
      );
      assert.equal(status.domain, undefined);
      await toldToNobody(name);
    }
    assert.deepEqual(await host.client.listAllDomains(), []);
  });

  it('are read by the controller’s own rights: by name, never as a list', async () => {
    const reading = await readValues(asController, stage.namespace, [TOKEN]);
    assert.ok(reading.ok);
    assert.deepEqual([...reading.values.secrets.texts()], [['TOKEN', VALUE]]);
    await assert.rejects(asController.list(SECRETS, { namespace: stage.namespace }), /cannot list/);
    const other = await readValues(asController, stage.namespace, [
      { name: 'A', valueFrom: { secretKeyRef: { name: 'absent', key: 'k' } } },
    ]);
    assert.ok(!other.ok);
    assert.equal(other.reason, 'SecretNotFound');
    assert.equal(other.message, `parameter A: there is no Secret "absent" in namespace ${stage.namespace}: create it`);
  });

  it('are not read where an administrator has taken that right: it waits, and says what to bind [end: secret-forbidden]', async () => {
    const { kubectl, kubeconfig } = await sharedCluster();
    const user = `secrets-${stage.namespace}`;
    const restricted = await clientAs(user, kubeconfig);
    try {
      const reading = await readValues(restricted, stage.namespace, [TOKEN]);
      assert.ok(!reading.ok);
      assert.equal(reading.reason, 'SecretForbidden');
      assert.match(reading.message, /^parameter TOKEN: the controller may not read Secret "access" in namespace life-/);
      await kubectl(['create', 'rolebinding', user, `--clusterrole=${ROLE}`, `--user=${user}`, '-n', stage.namespace]);
      await eventually(async () => assert.ok((await readValues(restricted, stage.namespace, [TOKEN])).ok));
    } finally {
      await restricted.close();
    }
  });

  it('examples/secret.yaml is taken, and waits here for a host that attaches disks', async () => {
    const text = await readFile(new URL('../../../examples/secret.yaml', import.meta.url), 'utf8');
    const [secret, made] = parseAllDocuments(text).map((document) => document.toJS() as EphemeralDomain);
    assert.equal(secret?.kind, 'Secret');
    await stage.rest.create(EPHEMERAL_DOMAINS, {
      metadata: { name: made?.metadata.name ?? '', namespace: stage.namespace },
      spec: made?.spec ?? {},
    });
    await stage.until(made?.metadata.name ?? '', ({ status }) => assert.equal(status?.reason, 'Unschedulable'));
  });
});
