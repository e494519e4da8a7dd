import assert from 'node:assert/strict';

import { sharedCluster, STARTUP_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { applyAll, domainHost, ephemeralDomain, useNamespaces, SMALLEST, template, withDomain } from './support.ts';

const NAMESPACE = 'crds-readable';
const AT = '2030-01-01T00:00:00.000000Z';

const STATUS = {
  phase: 'Running',
  host: 'xen-1',
  address: '198.18.4.21',
  attempt: 1,
  spawnTime: '412ms',
  domain: { name: 'edom-198-18-4-21', uuid: '2f5e0b2e-93f5-5d39-8a52-8a5f6b3f1e7c', id: 7 },
  conditions: [{ type: 'Started', status: 'True', reason: 'DomainStarted', message: '', lastTransitionTime: AT }],
  timeline: { created: AT },
};

const HOST_STATUS = {
  hypervisor: { type: 'Xen', version: '4.20.0', libvirtVersion: '11.3.0' },
  capacity: { memory: '3900Mi', vcpus: 2 },
  allocated: { memory: '192Mi', domains: 2, vcpus: 2 },
  running: 1,
  starting: 1,
  conditions: [{ type: 'Ready', status: 'True', reason: 'HostReady', message: '', lastTransitionTime: AT }],
};

/** A table as kubectl prints it: cells are parted by at least two blanks, here by one bar. */
const cellsOf = (table: string): readonly string[] =>
  table
    .trimEnd()
    .split('\n')
    .map((line) =>
      line
        .trimEnd()
        .replaceAll(/ {2,}/g, '|')
        .replace(/\|(\d+m)?\d+s/, '|AGE'),
    );

describe('kubectl get', function () {
  this.timeout(60_000);
  const get = async (...args: readonly string[]): Promise<readonly string[]> => {
    const { kubectl } = await sharedCluster();
    return cellsOf(await kubectl(['get', '--namespace', NAMESPACE, ...args]));
  };

  useNamespaces(NAMESPACE);

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    const { kubectl } = await sharedCluster();
    const setStatus = (object: string, status: unknown): Promise<string> => {
      const patch = JSON.stringify({ status });
      return kubectl(['patch', object, '--namespace', NAMESPACE, '--subresource=status', '--type=merge', '-p', patch]);
    };
    await applyAll(
      ['create', '--namespace', NAMESPACE],
      [
        ephemeralDomain('one', SMALLEST),
        ephemeralDomain('two', withDomain({ memory: 67_108_864 })),
        ephemeralDomain('three', { templateRef: { name: 'pattern' } }),
        template('pattern', SMALLEST),
      ],
    );
    await applyAll(['create'], [domainHost('crds-readable', { uri: 'xen+tls://192.0.2.7/system' })]);
    await setStatus('edom/one', STATUS);
    await setStatus('edom/two', { phase: 'Failed', reason: 'ImageNotFound', host: 'xen-2' });
    await setStatus('dh/crds-readable', HOST_STATUS);
  });

  after(async () => {
    const { kubectl } = await sharedCluster();
    await kubectl(['delete', 'dh/crds-readable']);
  });

  it('shows phase, reason, host, address and spawn time of an EphemeralDomain', async () => {
    assert.deepEqual(await get('edom'), [
      'NAME|PHASE|REASON|HOST|ADDRESS|SPAWN|AGE',
      'one|Running|xen-1|198.18.4.21|412ms|AGE',
      'three|AGE',
      'two|Failed|ImageNotFound|xen-2|AGE',
    ]);
  });

  it('shows with -o wide the attempt, the domain and what it runs or its template, memory as it was written', async () => {
    assert.deepEqual(await get('edom', '-o', 'wide'), [
      'NAME|PHASE|REASON|HOST|ADDRESS|SPAWN|AGE|ATTEMPT|DOMAIN|TEMPLATE|TYPE|MEMORY|VCPUS|KERNEL',
      'one|Running|xen-1|198.18.4.21|412ms|AGE|1|edom-198-18-4-21|pv|64Mi|1|hatchling',
      'three|AGE|pattern',
      'two|Failed|ImageNotFound|xen-2|AGE|pv|67108864|1|hatchling',
    ]);
  });

  it('shows EphemeralDomains in all', async () => {
    const lines = await get('all');
    assert.ok(
      lines.some((line) => line.startsWith('ephemeraldomain.hatchery.dev/one|Running')),
      lines.join('\n'),
    );
  });

  it('shows whether a DomainHost is ready, what runs on it, and with -o wide where it is', async () => {
    assert.deepEqual(await get('dh', 'crds-readable', '-o', 'wide'), [
      'NAME|READY|REASON|TYPE|RUNNING|STARTING|MEMORY|ALLOCATED|AGE|VERSION|LIBVIRT|CIDR|URI',
      'crds-readable|True|HostReady|Xen|1|1|3900Mi|192Mi|AGE|4.20.0|11.3.0|xen+tls://192.0.2.7/system',
    ]);
  });

  it('shows what a template makes', async () => {
    assert.deepEqual(await get('edt'), ['NAME|TYPE|MEMORY|VCPUS|KERNEL|AGE', 'pattern|pv|64Mi|1|hatchling|AGE']);
  });

  for (const [selector, names] of [
    ['status.phase=Failed', ['two']],
    ['status.host=xen-1', ['one']],
    ['status.host!=xen-1', ['three', 'two']],
    ['status.reason=ImageNotFound', ['two']],
    ['status.address=198.18.4.21', ['one']],
    ['status.phase=Running,status.host=xen-2', []],
  ] as const) {
    it(`selects EphemeralDomains by ${selector}`, async () => {
      const { kubectl } = await sharedCluster();
      const args = ['get', 'edom', '--namespace', NAMESPACE, '-o', 'name', '--field-selector', selector];
      const expected = names.map((name) => `ephemeraldomain.hatchery.dev/${name}\n`).join('');
      assert.equal(await kubectl(args), expected);
    });
  }

  it('selects DomainHosts by hypervisor', async () => {
    const { kubectl } = await sharedCluster();
    const found = await kubectl(['get', 'dh', '-o', 'name', '--field-selector', 'status.hypervisor.type=Xen']);
    assert.match(found, /domainhost\.hatchery\.dev\/crds-readable/);
  });
});

describe('kubectl explain', function () {
  this.timeout(60_000);

  for (const [path, words] of [
    ['edom', 'An EphemeralDomain is one Xen domain'],
    ['edom.spec.domain.memory', 'from 1Mi to 16Ti'],
    ['edom.spec.domain.boot.cmdline', '$(NAME)'],
    ['edom.spec.domain.readiness', 'exactly one of notify'],
    ['edom.status.exitCode', 'POST /exit/NAME'],
    ['edom.status.timeline.domainStarted', 'libvirt answered'],
    ['edt.spec.template.spec.domain.boot.kernel', 'Name of the volume to boot'],
    ['edom.spec.tolerations.key', 'Key of the taint'],
    ['edom.spec.priority', 'a higher one goes first'],
    ['edom.spec.startDeadlineSeconds', 'StartDeadlineExceeded'],
    ['edom.spec.terminationGracePeriodSeconds', '30 when not said'],
    ['edom.spec.suspend', 'as in a Job'],
    ['edom.status.suspendedAttempts', 'ended by a suspension'],
    ['edom.status.unknownAttempts', 'held back'],
    ['edt.spec.template.spec.priority', 'a higher one goes first'],
    ['edom.spec.parameters.valueFrom.configMapKeyRef', 'waits with reason ConfigMapNotFound'],
    ['edom.spec.parameters.valueFrom.secretKeyRef', 'whose name is $(SECRETS_DISK)'],
    ['edom.spec.templateRef', 'stored as status.resolved'],
    ['edom.status.resolved.template', 'as it was then'],
    ['edom.status.resolved.domain.boot.kernel', 'Name of the volume to boot'],
    ['edt.spec.parametersSchema', 'JSON Schema'],
    ['edt.spec.http', 'each request gets a domain of its own'],
    ['edt.spec.http.port', '8000 when not said'],
    ['edt.spec.http.maxConcurrent', '16 when not said'],
    ['edt.spec.http.connections', 'powers off after the first'],
    ['edt.spec.http.historyLimit', 'as a CronJob does'],
    ['edt.spec.http.minBytesPerSecond', '240 when not said'],
    ['dh.spec.domainCIDR', 'IPv4 range'],
    ['dh.spec.allowedNamespaces', 'by the labels of their Namespaces'],
  ] as const) {
    it(`tells of ${path}`, async () => {
      const { kubectl } = await sharedCluster();
      // The server publishes the schemas of new kinds a moment after it serves them.
      await eventually(async () => {
        const text = await kubectl(['explain', path]);
        assert.ok(text.replaceAll(/\s+/g, ' ').includes(words), text);
      });
    });
  }
});
