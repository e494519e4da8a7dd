import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import fc from 'fast-check';

import { MAX_COMMAND_LINE_BYTES } from '#controller/domain/cmdline.ts';
import { readDomainXml } from '#controller/domain/reading.ts';
import { domainXml } from '#controller/domain/xml.ts';
import type { DomainPlan } from '#controller/domain/xml.ts';
import { parseXml, elementsOf, textOf } from '#controller/domain/xmltext.ts';
import { connect } from '#controller/libvirt/index.ts';
import type { Hypervisor } from '#controller/libvirt/index.ts';
import { startLibvirtd } from '#test/support/libvirtd.ts';
import type { Libvirtd } from '#test/support/libvirtd.ts';
import { countFrom } from '#test/support/random.ts';
import { trickyTexts } from '#test/support/texts.ts';

const CLUSTER = '6b1d3b5e-0000-4000-8000-000000000001';
const IMAGES = '/var/lib/hatchery/images';
const RUNS = countFrom('HATCHERY_PROPERTY_RUNS', 500);

/** Names of volumes: no slash, not only dots. */
const volumes = trickyTexts(255).filter((name) => !name.includes('/') && name !== '.' && name !== '..');
const names = fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,40}[a-z0-9])?$/);

const plans = fc.record({
  namespace: names,
  name: names,
  uid: fc.uuid(),
  attempt: fc.integer({ min: 1, max: 1001 }),
  kernel: volumes,
  initrd: fc.option(volumes, { nil: undefined }),
  cmdline: fc.option(trickyTexts(MAX_COMMAND_LINE_BYTES), { nil: undefined }),
  memoryKiB: fc.integer({ min: 1024, max: 2 ** 34 }),
  vcpus: fc.integer({ min: 1, max: 512 }),
});

type Plan = typeof plans extends fc.Arbitrary<infer T> ? T : never;

/** XML's own reading of what a text is on the way back: blanks at its ends may be trimmed, and nothing else. */
const sameText = (returned: string | undefined, sent: string): void => assert.equal(returned?.trim(), sent.trim());

/** What the test driver adds to every domain by itself. */
const ADDED: ReadonlySet<string> = new Set([
  '#text',
  'memballoon',
  'controller',
  'input',
  'audio',
  'video',
  'graphics',
]);

describe(`any text that the CRD lets through (${RUNS} of each)`, function () {
  this.timeout(300_000);
  let libvirtd: Libvirtd;
  let client: Hypervisor;

  before(async () => {
    libvirtd = await startLibvirtd();
    client = connect({ uri: libvirtd.uri });
    await client.connected(20_000);
  });
  after(async () => {
    await client.close();
    await libvirtd.stop();
  });

  /** What libvirtd makes of a domain: defined, read back, undefined. */
  async function throughLibvirt(plan: DomainPlan): Promise<string> {
    const domain = await client.defineXml(domainXml('test', plan));
    try {
      return await client.getXmlDesc(domain);
    } finally {
      await client.undefine(domain);
    }
  }

  it('comes back from a real libvirtd as it was, in the one place where it belongs', async () => {
    const check = async (given: Plan): Promise<void> => {
      const { namespace, name, uid, attempt, ...rest } = given;
      const uuid = randomUUID();
      const identity = { cluster: CLUSTER, namespace, name, uid, attempt };
      const plan: DomainPlan = { ...rest, identity, uuid, name: `edom-${uuid}`, type: 'pv', imageDirectory: IMAGES };
      const returned = await throughLibvirt(plan);
      const reading = readDomainXml(returned, CLUSTER);
      assert.ok(reading.ok, returned);
      assert.deepEqual(reading.domain.ownership, { kind: 'ours', identity });
      const { title, memoryKiB, vcpus, interfaces } = reading.domain;
      assert.deepEqual([title, memoryKiB, vcpus], [`${namespace}/${name}`, rest.memoryKiB, rest.vcpus]);
      assert.deepEqual(interfaces, []);
      const domain = parseXml(returned, 'domain');
      const [os, ...more] = elementsOf(domain, 'os');
      assert.equal(more.length, 0);
      sameText(textOf(os, 'kernel'), `${IMAGES}/${rest.kernel}`);
      if (rest.initrd === undefined) assert.equal(textOf(os, 'initrd'), undefined);
      else sameText(textOf(os, 'initrd'), `${IMAGES}/${rest.initrd}`);
      if (rest.cmdline === undefined || rest.cmdline === '') assert.equal(textOf(os, 'cmdline'), undefined);
      else sameText(textOf(os, 'cmdline'), rest.cmdline);
      const [devices] = elementsOf(domain, 'devices');
      assert.deepEqual(
        Object.keys(devices ?? {}).filter((key) => !ADDED.has(key)),
        [],
      );
    };
    await fc.assert(fc.asyncProperty(plans, check), { numRuns: RUNS });
  });
});
