import assert from 'node:assert/strict';

import type { EphemeralDomainTemplate } from '#controller/api/index.ts';
import { readSchema, SchemaCache } from './schema.ts';

type SchemaText = Readonly<Record<string, unknown>>;

function faultOf(schema: SchemaText, values: Readonly<Record<string, string>>): string | undefined {
  const reading = readSchema(schema);
  assert.ok(reading.ok, reading.ok ? '' : reading.message);
  return reading.check(new Map(Object.entries(values))).fault;
}

const property = (schema: unknown, name = 'P'): SchemaText => ({ properties: { [name]: schema } });

describe('checking parameters against a schema', () => {
  const refused: readonly (readonly [schema: SchemaText, values: Readonly<Record<string, string>>, says: string])[] = [
    [property({ enum: ['small', 'large'] }), { P: 'medium' }, 'parameter P must be one of small, large'],
    [property({ const: 'a' }), { P: 'b' }, 'parameter P must be a'],
    [property({ type: 'integer' }), { P: '1.5' }, 'parameter P must be a whole number'],
    [property({ type: 'number' }), { P: 'many' }, 'parameter P must be a number'],
    [property({ type: 'boolean' }), { P: 'yes' }, 'parameter P must be true or false'],
    [property({ type: ['integer', 'boolean'] }), { P: 'x' }, 'parameter P must be a whole number or true or false'],
    [property({ type: 'integer', minimum: 3 }), { P: '2' }, 'parameter P must be at least 3'],
    [property({ type: 'integer', maximum: 3 }), { P: '4' }, 'parameter P must be at most 3'],
    [property({ type: 'number', exclusiveMinimum: 3 }), { P: '3' }, 'parameter P must be more than 3'],
    [property({ type: 'number', exclusiveMaximum: 3 }), { P: '3' }, 'parameter P must be less than 3'],
    [property({ type: 'integer', multipleOf: 5 }), { P: '7' }, 'parameter P must be a multiple of 5'],
    [property({ minLength: 2 }), { P: 'é' }, 'parameter P must have at least 2 characters'],
    [property({ maxLength: 2 }), { P: 'abc' }, 'parameter P must have at most 2 characters'],
    [property({ not: { const: 'a' } }), { P: 'a' }, 'parameter P must NOT be valid'],
    [{ required: ['P'] }, {}, 'parameter P is missing: give it a value'],
    [{ required: ['constructor'] }, {}, 'parameter constructor is missing: give it a value'],
    [{ additionalProperties: false }, { P: '' }, "parameter P is none of the template's (it has none): remove it"],
    [
      { ...property({}, 'SIZE'), additionalProperties: false },
      { P: '', SIZE: '' },
      "parameter P is none of the template's (it has SIZE): remove it",
    ],
    [{ minProperties: 1 }, {}, 'the parameters must NOT have fewer than 1 properties'],
    [
      { properties: { A: { type: 'integer' }, B: { enum: ['b'] } }, required: ['C'] },
      { A: 'a', B: 'a' },
      'parameter C is missing: give it a value; parameter A must be a whole number; parameter B must be one of b',
    ],
  ];
  for (const [schema, values, says] of refused) {
    it(`of ${JSON.stringify(values)}, ${JSON.stringify(schema)} says: ${says}`, () => {
      assert.equal(faultOf(schema, values), says);
    });
  }

  it('lists the first few where there are many', () => {
    const names = Array.from({ length: 30 }, (_, i) => `P${i}`);
    assert.match(
      faultOf({ required: names }, {}) ?? '',
      /^(parameter P\d is missing: give it a value; ){5}and 25 more$/,
    );
    assert.match(faultOf(property({ enum: names }), { P: '' }) ?? '', /P19 and 10 more$/);
  });

  const suiting: readonly (readonly [SchemaText, Readonly<Record<string, string>>])[] = [
    [{}, { P: 'anything' }],
    [property({ type: 'integer', minimum: 3 }), { P: '3' }],
    [property({ type: 'boolean' }), { P: 'false' }],
    [property({ type: 'string', enum: ['1'] }), { P: '1' }],
    [property({ type: 'string' }, 'pattern'), { pattern: 'a property may be called as a keyword is' }],
    [{ $schema: 'http://json-schema.org/draft-07/schema#', ...property({ format: 'email', 'x-hint': 1 }) }, { P: 'x' }],
    [JSON.parse('{"properties":{"__proto__":{"type":"integer"}}}') as SchemaText, {}],
  ];
  for (const [schema, values] of suiting) {
    it(`${JSON.stringify(schema)} takes ${JSON.stringify(values)}`, () => {
      assert.equal(faultOf(schema, values), undefined);
    });
  }

  it('a value of the name __proto__ is a value like any other', () => {
    const reading = readSchema({ required: ['__proto__'], maxProperties: 1 });
    assert.ok(reading.ok);
    assert.equal(reading.check(new Map([['__proto__', 'x']])).fault, undefined);
    assert.equal(({} as { readonly x?: unknown }).x, undefined);
  });

  it('says no value, which may come from a ConfigMap', () => {
    for (const [schema, values] of refused) {
      const secret = Object.fromEntries(Object.keys(values).map((name) => [name, 'TheValueItself']));
      const reading = readSchema(schema);
      assert.ok(reading.ok && reading.check(new Map(Object.entries(secret))).fault?.includes('TheValue') !== true);
    }
  });
});

describe('a schema that is not taken', () => {
  const deep = (levels: number): SchemaText => (levels === 0 ? {} : { not: deep(levels - 1) });
  const table: readonly (readonly [what: string, schema: SchemaText, says: RegExp])[] = [
    ['no schema', { type: 'text' }, /^parametersSchema: schema is invalid: data\/type must be equal to one of/],
    ['properties that are none', { properties: [] }, /^parametersSchema: schema is invalid: data\/properties/],
    ['another draft', { $schema: 'https://json-schema.org/draft/2020-12/schema' }, /no schema with key or ref/],
    ['a reference', { $ref: '#/definitions/a' }, /^parametersSchema uses \$ref, which is not supported/],
    ['a remote reference', property({ $ref: 'http://192.0.2.1/s' }), /uses \$ref/],
    ['a reference in a list', { allOf: [{}, { anyOf: [{ $ref: '#' }] }] }, /uses \$ref/],
    ['a reference in a definition', { definitions: { a: { $ref: '#' } } }, /uses \$ref/],
    ['a reference after else', { if: {}, else: property({ $ref: '#' }) }, /uses \$ref/],
    ['an id', { $id: 'http://json-schema.org/draft-07/schema#' }, /uses \$id/],
    ['a promise', { $async: true }, /uses \$async/],
    ['a pattern, of which a few letters can take years', property({ pattern: '^(a+)+$' }), /uses pattern, .* use enum/],
    ['names by pattern', { patternProperties: { '^(a+)+$': {} } }, /uses patternProperties/],
    ['a pattern of names', { propertyNames: { pattern: 'x' } }, /uses pattern/],
    ['more text than 16 KiB', { description: 'x'.repeat(16_384) }, /is longer than 16384 characters/],
    ['more depth than 16', deep(17), /is nested more than 16 deep/],
    ['depth that would exhaust the stack', deep(1_600), /is nested more than 16 deep/],
    ['more values than 1,024', { enum: Array.from({ length: 1_100 }, (_, i) => i) }, /holds more than 1024 values/],
    ['a name that no parameter has', property({}, 'a-b'), /names "a-b", which no parameter can be called/],
    ['a built-in name', property({}, 'IP'), /names IP, which has a value of Hatchery's own/],
    [
      'a default that is no text',
      property({ default: ['a'] }),
      /has a default for P that is no text, number or boolean/,
    ],
    ['a default of null', property({ default: null }), /has a default for P that is no text/],
    [
      'a default too long',
      property({ default: 'x'.repeat(1_024) }),
      /has a default for P that is longer than 1023 bytes/,
    ],
    ['a default of two lines', property({ default: 'a\nb' }), /has a default for P that holds control characters/],
    ['such a default in a branch', { allOf: [property({ default: {} })] }, /has a default for P/],
  ];
  for (const [what, schema, says] of table) {
    it(`has ${what}, and says so`, () => {
      const reading = readSchema(schema);
      assert.ok(!reading.ok);
      assert.match(reading.message, says);
    });
  }

  it('costs little time, whatever is written within the bounds', () => {
    const schemas: readonly SchemaText[] = [
      { oneOf: Array.from({ length: 300 }, (_, i) => ({ required: [`a${i}`] })) },
      { properties: Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`a${i}`, { type: 'integer' }])) },
      { anyOf: Array.from({ length: 1_000 }, () => ({})) },
      deep(14),
    ];
    for (const schema of schemas) {
      const begun = performance.now();
      const reading = readSchema(schema);
      assert.ok(reading.ok);
      reading.check(new Map());
      assert.ok(performance.now() - begun < 2_000, `${Object.keys(schema).join()}: ${performance.now() - begun} ms`);
    }
  });
});

describe('SchemaCache', () => {
  const template = (uid: string, generation: number): EphemeralDomainTemplate => ({
    metadata: { name: uid, namespace: 'n', uid, resourceVersion: '1', generation, creationTimestamp: '' },
    spec: {
      parametersSchema: { required: [`G${generation}`] },
      template: { spec: { domain: { type: 'pv', memory: 1, vcpus: 1, boot: { kernel: 'k' } } } },
    },
  });

  it('compiles a schema once for each generation', () => {
    const cache = new SchemaCache();
    const first = cache.of(template('u', 1));
    assert.equal(cache.of(template('u', 1)), first);
    const second = cache.of(template('u', 2));
    assert.notEqual(second, first);
    assert.ok(second.ok && second.check(new Map()).fault?.includes('G2') === true);
    assert.equal(cache.size, 1);
  });

  it('keeps only so many', () => {
    const cache = new SchemaCache();
    for (let i = 0; i < 300; i += 1) cache.of(template(`u${i}`, 1));
    assert.equal(cache.size, 256);
  });
});
