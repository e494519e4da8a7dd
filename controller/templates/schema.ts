import { Ajv } from 'ajv';
import type { ValidateFunction } from 'ajv';

import { BUILT_IN_NAMES, MAX_VALUE_BYTES, PARAMETER_NAME } from '#controller/api/index.ts';
import type { EphemeralDomainTemplate } from '#controller/api/index.ts';
import { schemaFault } from './bounds.ts';
import { sentenceOf } from './sentences.ts';

/** What checking values against a schema comes to. */
export interface Checked {
  /** What is wrong, in a sentence that holds no value; undefined: nothing. */
  readonly fault: string | undefined;
  /** The schema's defaults for names that were given no value. */
  readonly defaults: ReadonlyMap<string, string>;
}

/** Checks the values that are known of parameters. */
export type Check = (values: ReadonlyMap<string, string>) => Checked;

export type SchemaReading =
  { readonly ok: true; readonly check: Check } | { readonly ok: false; readonly message: string };

/** Values are texts in the API: ajv makes numbers and booleans of them for the check only. */
const ajv = new Ajv({
  allErrors: true,
  coerceTypes: true,
  useDefaults: true,
  strict: false,
  validateFormats: false,
  addUsedSchema: false,
  logger: false,
});

const NO_SCHEMA: SchemaReading = { ok: true, check: () => ({ fault: undefined, defaults: new Map() }) };

/** Compiles a template's parametersSchema. It costs milliseconds: see SchemaCache. */
export const readSchema = (schema: Readonly<Record<string, unknown>> | undefined): SchemaReading => {
  if (schema === undefined) return NO_SCHEMA;
  const fault = schemaFault(schema) ?? nameFault(schema);
  if (fault !== undefined) return { ok: false, message: `parametersSchema ${fault}` };
  let validate: ValidateFunction;
  try {
    validate = ajv.compile(schema);
  } catch (error) {
    // ajv throws plain Errors, with a sentence for the schema's author.
    return { ok: false, message: `parametersSchema: ${error instanceof Error ? error.message : String(error)}` };
  } finally {
    // Else ajv would keep every schema that it ever saw.
    ajv.removeSchema(schema);
  }
  const known = Object.keys(propertiesOf(schema));
  return { ok: true, check: (values) => checked(validate, known, values) };
};

const checked = (
  validate: ValidateFunction,
  known: readonly string[],
  values: ReadonlyMap<string, string>,
): Checked => {
  // Without a prototype: a parameter may be called constructor.
  const data = Object.assign(Object.create(null) as Record<string, unknown>, Object.fromEntries(values));
  const suits = validate(data);
  const defaults = Object.entries(data).filter(([name]) => !values.has(name));
  return {
    fault: suits ? undefined : sentenceOf(validate.errors ?? [], known),
    defaults: new Map(defaults.map(([name, value]) => [name, textOf(value)])),
  };
};

const propertiesOf = (schema: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
  const { properties } = schema;
  return isObject(properties) ? properties : {};
};

/** Names that no parameter can have, and defaults that no value can be: what is wrong, or undefined. */
const nameFault = (schema: unknown): string | undefined => {
  if (!isObject(schema)) return undefined;
  for (const [name, property] of Object.entries(propertiesOf(schema))) {
    if (!PARAMETER_NAME.test(name)) return `names "${name}", which no parameter can be called: rename it`;
    if (BUILT_IN_NAMES.includes(name)) return `names ${name}, which has a value of Hatchery's own: rename it`;
    if (!isObject(property) || !Object.hasOwn(property, 'default')) continue;
    const fault = valueFault(property['default']);
    if (fault !== undefined) return `has a default for ${name} that ${fault}`;
  }
  return (['allOf', 'anyOf', 'oneOf'] as const)
    .flatMap((keyword) => (Array.isArray(schema[keyword]) ? (schema[keyword] as readonly unknown[]) : []))
    .concat(schema['if'], schema['then'], schema['else'])
    .map(nameFault)
    .find((fault) => fault !== undefined);
};

const valueFault = (value: unknown): string | undefined => {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
    return 'is no text, number or boolean: change it';
  }
  const text = textOf(value);
  if (/[\p{Cc}\uFFFE\uFFFF]|\p{Cs}/u.test(text)) return 'holds control characters: remove them';
  return Buffer.byteLength(text) > MAX_VALUE_BYTES ? `is longer than ${MAX_VALUE_BYTES} bytes: shorten it` : undefined;
};

/** A value as the API has it. */
const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Compiled schemas of so many templates are kept. */
const KEPT = 256;

/** Schemas of templates, each compiled once for each generation. */
export class SchemaCache {
  readonly #read = new Map<string, { readonly generation: number; readonly reading: SchemaReading }>();

  get size(): number {
    return this.#read.size;
  }

  of({ metadata, spec }: EphemeralDomainTemplate): SchemaReading {
    const { uid, generation = 0 } = metadata;
    const known = this.#read.get(uid);
    if (known?.generation === generation) return known.reading;
    const reading = readSchema(spec.parametersSchema);
    this.#read.delete(uid);
    this.#read.set(uid, { generation, reading });
    const [oldest] = this.#read.keys();
    if (this.#read.size > KEPT && oldest !== undefined) this.#read.delete(oldest);
    return reading;
  }
}
