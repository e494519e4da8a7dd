import assert from 'node:assert/strict';

import type { EphemeralDomain, EphemeralDomainTemplate, Parameter } from '#controller/api/index.ts';
import { CONFIG_MAPS, createStore, KubeError, SECRETS } from '#controller/kube/index.ts';
import type { ObjectRef, RestClient } from '#controller/kube/index.ts';
import { Holds } from './holds.ts';
import { Preparer } from './preparer.ts';
import { resource } from './testing/resources.ts';
import { readValues } from './values.ts';

const META = { namespace: 'default', resourceVersion: '5', creationTimestamp: '' };
const DOMAIN = { type: 'pv', memory: '64Mi', vcpus: 1, boot: { kernel: 'k' } } as const;

type Maps = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** What nobody may read. */
const FORBIDDEN = 'forbidden';

/** An API server of some ConfigMaps or Secrets, and templates, and the names of what was read. */
function server(maps: Maps, templates: readonly EphemeralDomainTemplate[] = []) {
  const read: string[] = [];
  const get = (type: { readonly kind: string }, { namespace, name }: ObjectRef) => {
    read.push(name);
    const data = maps[name];
    const subject = { kind: type.kind, ref: { namespace, name }, verb: 'get', host: 'h' } as const;
    if (name === FORBIDDEN) return Promise.reject(new KubeError({ error: 'forbidden', message: 'no', ...subject }));
    const found =
      type.kind === CONFIG_MAPS.kind || type.kind === SECRETS.kind
        ? data && { metadata: { ...META, name, uid: name }, data }
        : templates.find(({ metadata }) => metadata.name === name);
    if (found !== undefined) return Promise.resolve(found);
    return Promise.reject(new KubeError({ error: 'not-found', message: 'no', ...subject }));
  };
  return { rest: { get } as unknown as Pick<RestClient, 'get'>, read };
}

function template(
  generation: number,
  parametersSchema: Readonly<Record<string, unknown>> = {},
): EphemeralDomainTemplate {
  const metadata = { ...META, name: 't', uid: 'u-t', generation, resourceVersion: String(generation) };
  return { metadata, spec: { parametersSchema, template: { spec: { domain: DOMAIN } } } };
}

const fromMap = (name: string, map: string, key = 'k'): Parameter => ({
  name,
  valueFrom: { configMapKeyRef: { name: map, key } },
});

const fromSecret = (name: string, secret: string, key = 'k'): Parameter => ({
  name,
  valueFrom: { secretKeyRef: { name: secret, key } },
});

const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64');

function fromTemplate(parameters?: readonly Parameter[]): EphemeralDomain {
  const { metadata } = resource();
  return { metadata, spec: { templateRef: { name: 't' }, ...(parameters === undefined ? {} : { parameters }) } };
}

describe('readValues', () => {
  it('reads each ConfigMap once, and nothing where there is none to read', async () => {
    const { rest, read } = server({ a: { k: '1', l: '2' }, b: { k: '3' } });
    const parameters = [fromMap('A', 'a'), fromMap('B', 'a', 'l'), fromMap('C', 'b'), { name: 'D', value: '4' }];
    const reading = await readValues(rest, 'default', parameters);
    assert.deepEqual(reading.ok && Object.fromEntries(reading.values.plain), { A: '1', B: '2', C: '3', D: '4' });
    assert.deepEqual(read, ['a', 'b']);
    await readValues(rest, 'default', [{ name: 'D', value: '4' }]);
    assert.equal(read.length, 2);
  });

  for (const [what, parameter, reason, says] of [
    ['the ConfigMap is missing', fromMap('A', 'c'), 'ConfigMapNotFound', /^parameter A: there is no ConfigMap "c" in/],
    ['the key is missing', fromMap('A', 'a', 'x'), 'ConfigMapNotFound', /^parameter A: ConfigMap "a" has no key "x"/],
    ['the key is every object’s', fromMap('A', 'a', 'constructor'), 'ConfigMapNotFound', /has no key "constructor"/],
    ['the value is too long', fromMap('A', 'a', 'long'), 'InvalidParameters', /^parameter A: key "long" .* 1024 bytes/],
  ] as const) {
    it(`says so where ${what}`, async () => {
      const reading = await readValues(server({ a: { long: 'x'.repeat(1_024) } }).rest, 'default', [parameter]);
      assert.ok(!reading.ok);
      assert.equal(reading.reason, reason);
      assert.match(reading.message, says);
    });
  }
});

describe('readValues of Secrets', () => {
  it('reads each Secret once, and keeps its values apart from what a command line gets', async () => {
    const { rest, read } = server({ a: { k: base64('one'), l: base64('') }, b: { k: base64('two') } });
    const parameters = [
      fromSecret('A', 'a'),
      fromSecret('C', 'b'),
      fromSecret('B', 'a', 'l'),
      { name: 'D', value: '4' },
    ];
    const reading = await readValues(rest, 'default', parameters);
    assert.ok(reading.ok);
    assert.deepEqual(Object.fromEntries(reading.values.plain), { D: '4' });
    assert.deepEqual([...reading.values.secrets.texts()], Object.entries({ A: 'one', C: 'two', B: '' }));
    assert.deepEqual(read, ['a', 'b']);
  });

  const half = base64(Buffer.alloc(524_289));
  for (const [what, parameters, reason, says] of [
    ['the Secret is missing', [fromSecret('A', 'c')], 'SecretNotFound', /^parameter A: there is no Secret "c" in/],
    ['the key is missing', [fromSecret('A', 'a', 'x')], 'SecretNotFound', /^parameter A: Secret "a" has no key "x"/],
    ['the key is every object’s', [fromSecret('A', 'a', 'constructor')], 'SecretNotFound', /no key "constructor"/],
    ['it may not read it', [fromSecret('A', FORBIDDEN)], 'SecretForbidden', /may not read Secret "forbidden" in names/],
    [
      'they are too much together',
      [fromSecret('A', 'a', 'half'), fromSecret('B', 'a', 'half')],
      'InvalidParameters',
      /^parameters from Secrets have at most 1048576 bytes together: with B \(key "half" of Secret "a"\) they have 1048578$/,
    ],
  ] as const) {
    it(`says so where ${what}`, async () => {
      const reading = await readValues(server({ a: { half } }).rest, 'default', parameters);
      assert.ok(!reading.ok);
      assert.equal(reading.reason, reason);
      assert.match(reading.message, says);
    });
  }
});

describe('Preparer', () => {
  function preparer(cached: readonly EphemeralDomainTemplate[], maps: Maps = {}, live = cached) {
    const templates = createStore<EphemeralDomainTemplate>();
    templates.replaceAll(cached, '1');
    return new Preparer({ rest: server(maps, live).rest, templates });
  }

  it('leaves a resource alone that says itself what runs, or is resolved already', () => {
    const own = resource();
    assert.deepEqual(preparer([]).prepare(own), { kind: 'ready', resource: own });
    const origin = { name: 't', uid: 'u-t', generation: 1 };
    const resolved = { ...fromTemplate(), status: { resolved: { template: origin, domain: DOMAIN } } };
    assert.deepEqual(preparer([template(2)]).prepare(resolved), { kind: 'ready', resource: resolved });
  });

  it('fills in what the template comes to', () => {
    const prepared = preparer([template(4)]).prepare(fromTemplate());
    assert.equal(prepared.kind === 'ready' && prepared.resource.status?.resolved?.template.generation, 4);
  });

  it('lacks a template that is not there, and a ConfigMap that is not', async () => {
    const missing = preparer([]).prepare(fromTemplate());
    assert.equal(missing.kind === 'lacks' && missing.lack.reason, 'TemplateNotFound');
    const provision = await preparer([template(1)]).provide(fromTemplate([fromMap('A', 'm')]));
    assert.equal(provision.kind === 'lacks' && provision.lack.reason, 'ConfigMapNotFound');
  });

  it('checks a ConfigMap’s value against the schema as the attempt is bound', async () => {
    const schema = { properties: { A: { enum: ['good'] } } };
    const provide = (value: string) =>
      preparer([template(1, schema)], { m: { k: value } }).provide(fromTemplate([fromMap('A', 'm')]));
    const good = await provide('good');
    assert.deepEqual(good.kind === 'ready' && [...good.values.plain], [['A', 'good']]);
    assert.ok(good.kind === 'ready' && !JSON.stringify(good.resource).includes('good'));
    const bad = await provide('bad');
    assert.equal(bad.kind === 'refused' && bad.refusal.reason, 'InvalidParameters');
  });

  it('checks a Secret’s value against the schema too, and tells it to nobody', async () => {
    const schema = { properties: { A: { enum: ['good'] } }, required: ['A'] };
    const provide = (value: string) =>
      preparer([template(1, schema)], { s: { k: base64(value) } }).provide(fromTemplate([fromSecret('A', 's')]));
    const good = await provide('good');
    assert.ok(good.kind === 'ready');
    assert.deepEqual([...good.values.secrets.texts()], [['A', 'good']]);
    assert.deepEqual(good.resource.status?.resolved?.parameters, [fromSecret('A', 's')]);
    const bad = await provide('TheValueItself');
    assert.ok(bad.kind === 'refused' && !JSON.stringify(bad).includes('TheValue'));
  });

  for (const [what, cmdline, isRefused] of [
    ['names it', '-key $(KEY)', true],
    ['names it after an escape', '$$$(KEY)', true],
    ['has its name escaped', '-key $$(KEY)', false],
    ['names where the guest finds it', '-disk $(SECRETS_DISK)', false],
    ['names another', '$(MODE)', false],
  ] as const) {
    it(`${isRefused ? 'refuses' : 'takes'} a parameter from a Secret where the command line ${what}`, () => {
      const domain = { ...DOMAIN, boot: { kernel: 'k', cmdline } };
      const parameters = [fromSecret('KEY', 's'), { name: 'MODE', value: 'run' }];
      const prepared = preparer([]).prepare({ ...resource(), spec: { domain, parameters } });
      assert.equal(prepared.kind, isRefused ? 'refused' : 'ready');
      if (prepared.kind !== 'refused') return;
      assert.equal(prepared.refusal.reason, 'InvalidCommandLine');
      assert.match(
        prepared.refusal.message,
        /^parameter KEY comes from a Secret, .*: take \$\(KEY\) out of boot.cmdline/,
      );
    });
  }

  it('refuses by a schema that was edited meanwhile only until it has read that anew', async () => {
    const old = template(1, { required: ['A'] });
    const subject = preparer([old], {}, [template(2)]);
    assert.equal(subject.prepare(fromTemplate()).kind, 'refused');
    assert.equal(await subject.refresh(fromTemplate()), true);
    assert.equal(subject.prepare(fromTemplate()).kind, 'ready');
  });

  it('foresees what a resource would come to, and else leaves it as it is', () => {
    const waiting = fromTemplate();
    assert.equal(preparer([template(4)]).foresee(waiting).status?.resolved?.template.generation, 4);
    assert.equal(preparer([]).foresee(waiting), waiting);
    assert.equal(preparer([template(4, { required: ['A'] })]).foresee(waiting), waiting);
  });

  it('needs the template no more once it is resolved', async () => {
    const origin = { name: 't', uid: 'u-t', generation: 1 };
    const resolved = { ...fromTemplate(), status: { resolved: { template: origin, domain: DOMAIN } } };
    assert.equal(await preparer([], {}, []).refresh(resolved), true);
  });

  it('says that a template is gone', async () => {
    assert.equal(await preparer([template(1)], {}, []).refresh(fromTemplate()), false);
  });
});

describe('Holds', () => {
  const lack = { reason: 'ConfigMapNotFound', message: 'm' } as const;

  it('looks again after 1 s, 2 s, and so on to 30 s, until it is released', () => {
    let now = 0;
    const holds = new Holds(() => now);
    const pauses = Array.from({ length: 8 }, () => holds.pause('u', lack));
    assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    assert.equal(holds.restOf('u'), 30_000);
    now += 30_000;
    assert.equal(holds.restOf('u'), 0);
    assert.deepEqual(holds.lackOf('u'), lack);
    holds.release('u');
    assert.equal(holds.lackOf('u'), undefined);
    assert.equal(holds.pause('u', lack), 1_000);
  });

  it('a refusal takes the place of what was lacking', () => {
    const holds = new Holds(() => 0);
    holds.pause('u', lack);
    holds.refuse('u', { reason: 'InvalidParameters', message: 'm' });
    assert.equal(holds.lackOf('u'), undefined);
    assert.equal(holds.refusalOf('u')?.reason, 'InvalidParameters');
  });
});
