import { compile } from 'json-schema-to-typescript';

import { asStored, schemaOf } from './schema.ts';
import type { Crd, Schema } from './schema.ts';

/** What the compiler is given: a schema that can also carry a type's name, or its text. */
interface Named {
  readonly type?: string;
  readonly description?: string | undefined;
  readonly enum?: readonly string[];
  readonly required?: readonly string[];
  readonly title?: string;
  readonly tsType?: string;
  readonly properties?: Readonly<Record<string, Named>>;
  readonly items?: Named;
  readonly additionalProperties?: false;
}

/** What a kind's types are called, and where the others come from. Keys are paths in the schema, such as .spec.domain. */
export interface Naming {
  /** Names of types that are made; the path in PascalCase where none stands here. */
  readonly names: Readonly<Record<string, string>>;
  /** Types that are not made here but imported. */
  readonly given: Readonly<Record<string, string>>;
  readonly imports: readonly string[];
}

const WIDTH = 110;

/** Breaks a description into lines, so that the comment it becomes can be read. */
const wrapped = (text: string): string =>
  text
    .split(' ')
    .reduce<readonly string[]>((lines, word) => {
      const last = lines.at(-1);
      return last === undefined || last.length + 1 + word.length > WIDTH
        ? [...lines, word]
        : [...lines.slice(0, -1), `${last} ${word}`];
    }, [])
    .join('\n');

const pascal = (path: string): string =>
  path
    .replaceAll('[]', '')
    .split('.')
    .map((name) => name.charAt(0).toUpperCase() + name.slice(1))
    .join('');

/** Only what a type can show: bounds and rules stay in the CRD. */
const plain = (schema: Schema): Named => ({
  ...(schema.type === undefined ? {} : { type: schema.type }),
  ...(schema.description === undefined ? {} : { description: wrapped(schema.description) }),
  ...(schema.enum === undefined ? {} : { enum: schema.enum }),
  ...(schema.required === undefined ? {} : { required: schema.required }),
});

const named = (schema: Schema, kind: string, path: string, naming: Naming): Named => {
  const tsType = naming.given[path];
  const own = plain(schema);
  if (tsType !== undefined) return { ...own, tsType };
  if (schema.properties !== undefined) {
    const properties = Object.entries(schema.properties).map(
      ([key, child]) => [key, named(child, kind, `${path}.${key}`, naming)] as const,
    );
    return {
      ...own,
      title: naming.names[path] ?? kind + pascal(path),
      additionalProperties: false,
      properties: Object.fromEntries(properties),
    };
  }
  if (schema.items !== undefined) {
    const items = named(schema.items, kind, `${path}[]`, naming);
    if (items.title !== undefined) return { ...own, items };
    // The array's own description says it; two would run into each other.
    return { ...own, items: { ...items, description: undefined } };
  }
  if (schema.additionalProperties !== undefined) return { ...own, tsType: 'Readonly<Record<string, string>>' };
  if (schema['x-kubernetes-preserve-unknown-fields'] === true) {
    return { ...own, tsType: 'Readonly<Record<string, unknown>>' };
  }
  return schema['x-kubernetes-int-or-string'] === true ? { ...own, tsType: 'number | string' } : own;
};

/** Formatted TypeScript with every property, and every array, made readonly. */
export const readonlyText = (text: string): string =>
  text
    .replaceAll(/^( +)([A-Za-z]\w*\??:)/gm, '$1readonly $2')
    .replaceAll(/^( +readonly \w+\??: )((?:\w+|\([^)]*\))\[\])/gm, '$1readonly $2');

/** The text of a .gen.ts, not formatted yet: the kind's type, and one for each object within it. `source` is named in its first line. */
export const typesOf = async (crd: Crd, source: string, naming: Naming): Promise<string> => {
  const { kind } = crd.spec.names;
  const root = asStored(schemaOf(crd));
  const whole: Schema = { ...root, required: ['metadata', ...(root.required ?? [])] };
  const given = { ...naming.given, '.metadata': 'ObjectMeta' };
  const schema = named(whole, kind, '', { ...naming, given });
  const imports = ["import type { ObjectMeta } from '../kube/types.ts';", ...naming.imports];
  return compile(schema as Parameters<typeof compile>[0], kind, {
    bannerComment: [
      `// Made from ${source} by \`node hack/generate/main.ts\`: change that file, then run it again.`,
      ...imports,
    ].join('\n'),
    format: false,
  });
};
