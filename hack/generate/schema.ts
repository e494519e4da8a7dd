/** JSON Schema as CRDs hold it, as far as the generators read it. */
export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly format?: string;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly 'x-kubernetes-validations'?: readonly Rule[];
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
}

/** A CEL rule of a schema. */
export interface Rule {
  readonly rule: string;
  readonly message?: string;
  readonly fieldPath?: string;
  readonly reason?: string;
}

/** What the generators read of a CustomResourceDefinition with exactly one version. */
export interface Crd {
  readonly metadata: { readonly name: string; readonly annotations: Readonly<Record<string, string>> };
  readonly spec: {
    readonly group: string;
    readonly scope: 'Namespaced' | 'Cluster';
    readonly names: { readonly kind: string; readonly plural: string };
    readonly versions: readonly [{ readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } }];
  };
}

/** The schema of the only version. */
export const schemaOf = (crd: Crd): Schema => crd.spec.versions[0].schema.openAPIV3Schema;

/** A rule that compares with what was there before: it has no meaning in a template. */
const isTransition = ({ rule }: Rule): boolean => rule.includes('oldSelf');

const mapValues = <In, Out>(record: Readonly<Record<string, In>>, change: (value: In) => Out): Record<string, Out> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));

/** The same schema without its transition rules. */
export const withoutTransitions = (schema: Schema): Schema => {
  const { 'x-kubernetes-validations': rules, ...rest } = schema;
  const kept = rules?.filter((rule) => !isTransition(rule)) ?? [];
  return {
    ...rest,
    ...(kept.length > 0 ? { 'x-kubernetes-validations': kept } : {}),
    ...(schema.properties === undefined ? {} : { properties: mapValues(schema.properties, withoutTransitions) }),
    ...(schema.items === undefined ? {} : { items: withoutTransitions(schema.items) }),
  };
};

/** An object's schema without some of its properties; rules that speak of them must have gone already, or be transitions. */
export const withoutProperties = (schema: Schema, names: readonly string[]): Schema => ({
  ...schema,
  properties: Object.fromEntries(Object.entries(schema.properties ?? {}).filter(([name]) => !names.includes(name))),
});

/**
 * Field paths (`memory`, `spec.domain`) that this object's rules say must be there. Where a rule takes another field in its
 * place, only the object around it must.
 */
const requiredByRule = (schema: Schema): readonly string[] =>
  (schema['x-kubernetes-validations'] ?? [])
    .filter((rule) => rule.reason === 'FieldValueRequired' && rule.fieldPath !== undefined)
    .map(({ rule, fieldPath = '' }) => {
      const path = fieldPath.replace(/^\./, '').split('.');
      return (rule.includes('||') ? path.slice(0, -1) : path).join('.');
    })
    .filter((path) => path !== '');

const ONE_OF = /^self in \[((?:'\w+'(?:, )?)+)\]$/;

/**
 * The values that a rule `self in ['a', 'b']` allows, as an enum. The CRD has a rule there, since the API server's own
 * check of an enum keeps it from telling what else is wrong.
 */
const enumByRule = (schema: Schema): Pick<Schema, 'enum'> => {
  const match = (schema['x-kubernetes-validations'] ?? []).map(({ rule }) => ONE_OF.exec(rule)).find((each) => each);
  return match?.[1] === undefined ? {} : { enum: match[1].split(', ').map((value) => value.slice(1, -1)) };
};

const requireOne = (schema: Schema, [first, ...rest]: readonly string[]): Schema => {
  const child = first === undefined ? undefined : schema.properties?.[first];
  if (first === undefined || child === undefined) return schema;
  return {
    ...schema,
    required: [...new Set([...(schema.required ?? []), first])],
    properties: { ...schema.properties, [first]: requireOne(child, rest) },
  };
};

/**
 * The schema of an object as the API server hands it out: what a rule with reason FieldValueRequired asks for is there,
 * so is what has a default, and what a rule names one by one is an enum.
 */
export const asStored = (schema: Schema): Schema => {
  const properties = schema.properties === undefined ? {} : { properties: mapValues(schema.properties, asStored) };
  const items = schema.items === undefined ? {} : { items: asStored(schema.items) };
  const defaulted = Object.entries(schema.properties ?? {}).flatMap(([name, child]) =>
    child.default === undefined ? [] : [name],
  );
  return [...requiredByRule(schema), ...defaulted].reduce<Schema>((sofar, path) => requireOne(sofar, path.split('.')), {
    ...schema,
    ...enumByRule(schema),
    ...properties,
    ...items,
  });
};
