import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import { parseAllDocuments } from 'yaml';

import { EPHEMERAL_DOMAINS } from '#controller/api/index.ts';
import type { DomainSpec, EphemeralDomain, EphemeralDomainSpec, Parameter } from '#controller/api/index.ts';
import { SECRET_PREFIX } from '#controller/domain/disks.ts';
import { EVENTS, SECRETS } from '#controller/kube/index.ts';
import type { XenHost } from '#hack/hosts/xen/index.ts';
import { sharedHost, STARTUP_TIMEOUT_MS, XEN_TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createStage, finishedAs, inPhase } from '../integration/lifecycle/stage.ts';
import type { RunningController, Stage } from '../integration/lifecycle/stage.ts';
import type { AdoptedHost } from '../integration/lifecycle/stage-hosts.ts';

const LONG = 240_000;
const IMAGES = '/var/lib/hatchery/images';
/** Nothing else in dom0 holds these. */
const PASSWORD = `TheValueItself-${randomBytes(8).toString('hex')}`;
const KEY = randomBytes(5_000);
const LATER = `TheLaterValue-${randomBytes(8).toString('hex')}`;

const base64 = (bytes: string | Buffer): string => Buffer.from(bytes).toString('base64');
const from = (name: string, secret: string, key: string): Parameter => ({
  name,
  valueFrom: { secretKeyRef: { name: secret, key } },
});
const parametersFrom = (secret: string) => [from('PASSWORD', secret, 'password'), from('KEY', secret, 'key')];
const DATA = { password: base64(PASSWORD), key: base64(KEY) };

/** FNV-1a of 32 bits, as the guest tells it in place of the value. */
function checksum(bytes: Buffer): string {
  const sum = bytes.reduce((before, byte) => Math.imul(before ^ byte, 16_777_619), 2_166_136_261 | 0);
  return (sum >>> 0).toString(16).padStart(8, '0');
}

describe('parameters from Secrets on Xen', function () {
  this.timeout(XEN_TEST_TIMEOUT_MS);
  this.slow(60_000);
  let stage: Stage;
  let box: XenHost;
  let host: AdoptedHost;
  let controller: RunningController;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    box = await sharedHost('xen', 1);
    stage = await createStage();
    host = await stage.adopt(box);
    await makeSecret('database', DATA);
    controller = await stage.controller({ options: { settleMs: 2_000 } });
  });
  afterEach(async () => {
    const { items } = await stage.rest.list(EPHEMERAL_DOMAINS, { namespace: stage.namespace });
    for (const { metadata } of items) await stage.rest.delete(EPHEMERAL_DOMAINS, metadata);
    await nothingLeft();
  });
  after(() => stage.dispose());

  function guest(mode: string, changes: Partial<DomainSpec> = {}, secret = 'database'): Partial<EphemeralDomainSpec> {
    const cmdline = `console=hvc0 quiet -mode ${mode}`;
    const boot = { kernel: 'hatchling', initrd: 'hatchling-initrd', cmdline };
    const domain = { type: 'pv', memory: '96Mi', vcpus: 1, boot, interfaces: [], ...changes } as const;
    return { domain, parameters: parametersFrom(secret) };
  }

  const makeSecret = (name: string, data: Readonly<Record<string, string>>) =>
    stage.rest.create(SECRETS, { metadata: { name, namespace: stage.namespace }, data });

  const changePassword = () =>
    stage.rest.patch(SECRETS, { name: 'database', namespace: stage.namespace }, { data: { password: base64(LATER) } });

  const dom0 = async (script: string): Promise<string> => (await box.dom0(script, { timeoutMs: LONG })).output.trim();

  /** What the guest says on its console, up to its last word. */
  async function saidBy(name: string): Promise<string> {
    const { status } = await stage.until(name, inPhase('Running'), LONG);
    const console = `/local/domain/${status?.domain?.id ?? ''}/console/tty`;
    return dom0(`sed '/has [0-9]* disks/q' "$(xenstore-read ${console})"`);
  }

  async function nothingLeft(): Promise<void> {
    await eventually(
      async () => {
        assert.equal(await dom0(`ls ${IMAGES} | grep '^${SECRET_PREFIX}' || true`), '');
        assert.equal(await dom0('losetup -a'), '');
      },
      { timeoutMs: LONG, intervalMs: 500 },
    );
  }

  /** In what Kubernetes, the controller and dom0 tell, each in every form that it could stand there in. */
  async function toldToNobody(name: string, xml: string): Promise<void> {
    const forms = [PASSWORD, base64(PASSWORD), LATER, base64(LATER)];
    const resource = JSON.stringify(await stage.get(name));
    const events = JSON.stringify(await stage.rest.list(EVENTS, { namespace: stage.namespace }));
    const hosts = JSON.stringify(await stage.getHost(host.name));
    for (const text of [resource, events, hosts, xml, ...stage.log]) {
      for (const form of forms) assert.ok(!text.includes(form), text);
    }
    assert.ok(stage.log.length > 0);
    const patterns = forms.map((form) => `-e ${form}`).join(' ');
    // Files alone: a socket or a pipe would be waited for.
    const search = (folders: string, what: string) =>
      dom0(`find ${folders} -xdev -type f -exec grep -lF ${what} {} + || true`);
    assert.equal(await search('/var/log /var/lib/xen /var/lib/libvirt /run /etc /tmp', patterns), '');
    assert.equal(await dom0(`xenstore-ls | grep -F ${patterns} || true`), '');
    assert.equal(await dom0(`xl dmesg | grep -F ${patterns} || true`), '');
    // The same search finds what does stand in dom0's logs: a command line.
    assert.notEqual(await search('/var/log', 'console=hvc0'), '');
  }

  it('wait while the Secret is missing, and then reach the guest whole, on the disk after all others [end: secret-missing]', async () => {
    const work = { name: 'work', scratch: { size: '1Mi' } };
    await stage.create('early', guest('disks $(SECRETS_DISK)', { disks: [work] }, 'late'));
    const waiting = await stage.until('early', ({ status }) => assert.equal(status?.reason, 'SecretNotFound'), LONG);
    const message = `parameter PASSWORD: there is no Secret "late" in namespace ${stage.namespace}: create it`;
    assert.deepEqual([waiting.status?.phase, waiting.status?.message], ['Pending', message]);
    assert.equal(waiting.status?.host, undefined);
    await makeSecret('late', DATA);
    const said = await saidBy('early');
    assert.match(said, /disk xvdb: 5120 bytes, read-only, begins with "hatchery-secrets 1 2"/);
    assert.match(
      said,
      new RegExp(`secret PASSWORD: ${PASSWORD.length} bytes, checksum ${checksum(Buffer.from(PASSWORD))}`),
    );
    assert.match(said, new RegExp(`secret KEY: 5000 bytes, checksum ${checksum(KEY)}`));
    assert.match(said, /has 2 disks/);
    await stage.until('early', finishedAs('Succeeded', 'PowerOff'), LONG);
    await nothingLeft();
  });

  it('stay as they were read, in a file that only root in dom0 can read, and stand nowhere else [end: secret-changed]', async () => {
    await stage.create('runs', guest('run -seconds 600 $(SECRETS_DISK)', { type: 'pvh' }));
    const { status } = await stage.until('runs', inPhase('Running'), LONG);
    const uuid = status?.domain?.uuid ?? '';
    const file = `${IMAGES}/${SECRET_PREFIX}*-${uuid}`;
    assert.equal(await dom0(`stat -c '%a %U %G %s' ${file}`), '600 root root 5120');
    await changePassword();
    const xml = await host.client.getXmlDesc({ name: '', uuid });
    assert.match(xml, /<cmdline>.* xvda<\/cmdline>/);
    assert.match(xml, new RegExp(`<source file='${IMAGES}/${SECRET_PREFIX}`));
    assert.equal(await dom0(`grep -cF ${PASSWORD} ${file}`), '1');
    assert.equal((await stage.get('runs')).status?.attempt, 1);
    await toldToNobody('runs', xml);
  });

  it('a controller killed before it wrote them: they are written anew by the next one, and go with the domain', async () => {
    await controller.stop();
    const kill = {
      at: 1,
      when: 'before',
      counts: ({ call }: { readonly call: string }) => call === 'volUpload',
    } as const;
    const first = await stage.controller({ kill, options: { settleMs: 2_000 } });
    await stage.create('killed', guest('disks'));
    await eventually(() => assert.ok(first.lifeline.isDead, 'not killed yet'), { timeoutMs: LONG });
    await changePassword();
    controller = await stage.controller({ options: { settleMs: 2_000 } });
    // Read anew, with what was written into the Secret meanwhile.
    assert.match(await saidBy('killed'), new RegExp(`secret PASSWORD: .* checksum ${checksum(Buffer.from(LATER))}`));
    const { status } = await stage.until('killed', finishedAs('Succeeded', 'PowerOff'), LONG);
    assert.equal(host.starts.get(status?.domain?.uuid ?? ''), 1);
    await nothingLeft();
  });

  it('examples/secret.yaml runs as it is', async () => {
    const text = await readFile(new URL('../../examples/secret.yaml', import.meta.url), 'utf8');
    const [secret, made] = parseAllDocuments(text).map((document) => document.toJS() as unknown);
    const { stringData } = secret as { readonly stringData: Readonly<Record<string, string>> };
    const data = Object.entries(stringData).map(([key, value]) => [key, base64(value)] as const);
    const database = { name: 'database', namespace: stage.namespace };
    await stage.rest.patch(SECRETS, database, { data: Object.fromEntries(data) });
    const { metadata, spec } = made as EphemeralDomain;
    await stage.rest.create(EPHEMERAL_DOMAINS, { metadata: { name: metadata.name, namespace: stage.namespace }, spec });
    assert.match(await saidBy(metadata.name), /secret PASSWORD: 28 bytes/);
    await stage.until(metadata.name, finishedAs('Succeeded', 'PowerOff'), LONG);
    await nothingLeft();
  });
});
