import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { parse } from 'yaml';

import { generated } from './generate.ts';
import { resolvedSchema, withBlock } from './resolved.ts';
import { asStored, schemaOf, withoutProperties, withoutTransitions } from './schema.ts';
import type { Crd, Schema } from './schema.ts';
import { readonlyText, typesOf } from './types.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const KINDS = ['ephemeraldomains', 'ephemeraldomaintemplates', 'domainhosts'] as const;

const crdOf = async (name: string): Promise<Crd> =>
  parse(await readFile(join(ROOT, 'crds', `${name}.yaml`), 'utf8')) as Crd;

interface Field {
  readonly path: string;
  readonly schema: Schema;
}

const fieldsOf = (path: string, schema: Schema): readonly Field[] => [
  { path, schema },
  ...Object.entries(schema.properties ?? {}).flatMap(([name, child]) => fieldsOf(`${path}.${name}`, child)),
  ...(schema.items === undefined ? [] : fieldsOf(`${path}[]`, schema.items)),
];

describe('What is made from crds/', () => {
  it('is up to date', async () => {
    for (const { path, text } of await generated(ROOT)) {
      assert.equal(await readFile(join(ROOT, path), 'utf8'), text, `${path}: run node hack/generate/main.ts`);
    }
  });
});

for (const kind of KINDS) {
  describe(`crds/${kind}.yaml`, () => {
    let fields: readonly Field[];

    before(async () => {
      fields = fieldsOf('', schemaOf(await crdOf(kind)));
    });

    it('describes every field', () => {
      // metadata is described by the API server itself.
      const bare = fields.filter(({ path, schema }) => (schema.description ?? '').length < 10 && path !== '.metadata');
      assert.deepEqual(
        bare.map(({ path }) => path),
        [],
      );
    });

    it('bounds every field that a client writes, so that no object is great and no rule costly', () => {
      const unbounded = fields.filter(({ path, schema }) => {
        if (path === '.apiVersion' || path === '.kind') return false;
        if (schema.type === 'string')
          return !('maxLength' in schema || 'enum' in schema || schema.format === 'date-time');
        if (schema.type === 'array') return !('maxItems' in schema);
        if (schema.type === 'integer') return schema.format === undefined;
        return schema.additionalProperties !== undefined && !('maxProperties' in schema);
      });
      assert.deepEqual(
        unbounded.map(({ path }) => path),
        [],
      );
    });

    it('gives each rule a sentence in place of its own text', () => {
      for (const { path, schema } of fields) {
        assert.ok(!('pattern' in schema), `${path} has a pattern, which says nothing to people`);
        for (const rule of schema['x-kubernetes-validations'] ?? []) {
          assert.ok((rule.message ?? '').length > 20, `${path}: ${rule.rule}`);
          // Of several fields none is at fault alone: then the object is named.
          const isOfOneField = schema.properties !== undefined && !(rule.message ?? '').includes('exactly one of');
          assert.equal(rule.fieldPath !== undefined, isOfOneField, `${path}: fieldPath of ${rule.rule}`);
        }
      }
    });

    it('says of each list how its items are told apart', () => {
      for (const { path, schema } of fields) {
        if (schema.type === 'array') assert.ok('x-kubernetes-list-type' in schema, path);
      }
    });
  });
}

describe('asStored', () => {
  it('takes for granted what a rule asks for, at any depth, and what has a default', () => {
    const leaf: Schema = { type: 'string' };
    const rule = { rule: 'has(self.a)', fieldPath: '.a.b', reason: 'FieldValueRequired' };
    const schema: Schema = {
      type: 'object',
      'x-kubernetes-validations': [rule],
      properties: { a: { type: 'object', properties: { b: leaf, c: leaf } }, d: { ...leaf, default: 'e' }, f: leaf },
    };
    const stored = asStored(schema);
    assert.deepEqual(stored.required, ['a', 'd']);
    assert.deepEqual(stored.properties?.a?.required, ['b']);
  });
});

describe('asStored, of a rule that takes another field in its place', () => {
  it('takes for granted only the object around both', () => {
    const leaf: Schema = { type: 'string' };
    const rule = {
      rule: 'has(self.a) && (has(self.a.b) || has(self.a.c))',
      fieldPath: '.a.b',
      reason: 'FieldValueRequired',
    };
    const around: Schema = { type: 'object', properties: { b: leaf, c: leaf } };
    const stored = asStored({ type: 'object', 'x-kubernetes-validations': [rule], properties: { a: around } });
    assert.deepEqual(stored.required, ['a']);
    assert.equal(stored.properties?.a?.required, undefined);
  });
});

describe('resolvedSchema', () => {
  const rule = { rule: 'self > 0', message: 'more' };
  const spec: Schema = {
    type: 'object',
    properties: {
      domain: { type: 'object', properties: { size: { type: 'integer', 'x-kubernetes-validations': [rule] } } },
      hostSelector: { type: 'object', properties: { names: { type: 'array', maxItems: 4 } } },
      activeDeadlineSeconds: { type: 'integer', description: 'Its own.' },
    },
  };
  const resolved = resolvedSchema(spec);

  it('has the fields of a spec and the template, without rules', () => {
    assert.deepEqual(Object.keys(resolved.properties ?? {}), ['template', ...Object.keys(spec.properties ?? {})]);
    assert.deepEqual(resolved.properties?.domain?.properties, { size: { type: 'integer' } });
  });

  it('has room for two selectors in one', () => {
    assert.equal(resolved.properties?.hostSelector?.properties?.names?.maxItems, 12);
  });

  it('says of what can be changed later whose word it is', () => {
    assert.match(
      resolved.properties?.activeDeadlineSeconds?.description ?? '',
      /^The template's activeDeadlineSeconds/,
    );
  });
});

describe('withBlock', () => {
  it('replaces one block and leaves all else as it is, to the letter', () => {
    const before = 'a:\n  b:   [1]  # kept\n  made:\n    old: x\n    older:\n      y: z\n  c: >-\n    kept\n    too\n';
    const after = 'a:\n  b:   [1]  # kept\n  made:\n    type: object\n  c: >-\n    kept\n    too\n';
    assert.equal(withBlock(before, 'made', { type: 'object' }), after);
    assert.equal(withBlock(after, 'made', { type: 'object' }), after);
  });

  it('takes a name that stands there twice, or never, for a mistake', () => {
    assert.throws(() => withBlock('a:\n  made:\nb:\n  made:\n', 'made', {}), /made: stands 2 times, not once/);
    assert.throws(() => withBlock('a: b\n', 'made', {}), /stands 0 times/);
  });
});

describe('withoutProperties', () => {
  it('takes away what is named, and nothing else', () => {
    const schema: Schema = { description: 'd', properties: { a: {}, b: {} } };
    assert.deepEqual(withoutProperties(schema, ['b', 'c']), { description: 'd', properties: { a: {} } });
  });
});

describe('asStored, of a rule that names what is allowed', () => {
  it('makes it an enum, and leaves other rules alone', () => {
    const withRule = (rule: string): Schema => ({ type: 'string', 'x-kubernetes-validations': [{ rule }] });
    assert.deepEqual(asStored(withRule("self in ['pv', 'pvh']")).enum, ['pv', 'pvh']);
    assert.equal(asStored(withRule("!(self in ['pv'])")).enum, undefined);
  });
});

describe('withoutTransitions', () => {
  it('drops the rules that compare with what was there before, and keeps the others', () => {
    const stays = { rule: 'self > 0', message: 'more' };
    const goes = { rule: 'self == oldSelf', message: 'never' };
    const schema: Schema = {
      properties: { a: { type: 'integer', 'x-kubernetes-validations': [stays, goes] } },
      'x-kubernetes-validations': [goes],
    };
    assert.deepEqual(withoutTransitions(schema), {
      properties: { a: { type: 'integer', 'x-kubernetes-validations': [stays] } },
    });
  });
});

describe('typesOf', () => {
  it('writes a type for each object, with comments', async () => {
    const spec: Schema = {
      type: 'object',
      description: 'What is asked.',
      required: ['size'],
      properties: {
        size: { type: 'integer', description: 'In bytes.' },
        names: { type: 'array', description: 'Some names.', items: { type: 'string' } },
        amount: { description: 'A quantity.', 'x-kubernetes-int-or-string': true },
      },
    };
    const crd: Crd = {
      metadata: { name: 'things.example.org', annotations: {} },
      spec: {
        group: 'example.org',
        scope: 'Namespaced',
        names: { kind: 'Thing', plural: 'things' },
        versions: [
          {
            name: 'v1',
            schema: {
              openAPIV3Schema: {
                type: 'object',
                required: ['spec'],
                properties: { metadata: { type: 'object' }, spec },
              },
            },
          },
        ],
      },
    };
    const text = await typesOf(crd, 'things.yaml', { names: {}, given: {}, imports: [] });
    assert.match(text, /^\/\/ Made from things\.yaml/);
    assert.match(text, /In bytes\./);
    for (const line of ['metadata: ObjectMeta', 'spec: ThingSpec', 'size: number', 'amount?: number | string']) {
      assert.ok(text.includes(line), `${line} in\n${text}`);
    }
  });

  it('makes properties and arrays readonly, and leaves comments alone', () => {
    const text = 'interface A {\n  /**\n   * a: b[]\n   */\n  a?: string[];\n  b: C[];\n  c: number;\n}\n';
    assert.equal(
      readonlyText(text),
      'interface A {\n  /**\n   * a: b[]\n   */\n  readonly a?: readonly string[];\n  readonly b: readonly C[];\n' +
        '  readonly c: number;\n}\n',
    );
  });
});
