import { EndReason, MAX_PARAMETERS } from '#controller/api/index.ts';
import type { EphemeralDomainSpec, EphemeralDomainTemplate, Parameter, ResolvedSpec } from '#controller/api/index.ts';
import { bothSelectors, mergeParameters, mergePolicies } from './merge.ts';
import type { SchemaReading } from './schema.ts';

/** Why nothing can be made of a template and parameters; it stays so, whatever is waited for. */
export interface Refusal {
  readonly reason: 'InvalidTemplate' | 'InvalidParameters' | 'InvalidCommandLine';
  readonly message: string;
}

export type Resolution =
  { readonly ok: true; readonly resolved: ResolvedSpec } | { readonly ok: false; readonly refusal: Refusal };

/**
 * What a spec with a templateRef comes to. Parameters whose values are found elsewhere cannot be checked yet: where there are
 * any, checkParameters() has to follow once they are known.
 */
export function resolveTemplate(
  spec: EphemeralDomainSpec,
  template: EphemeralDomainTemplate,
  schema: SchemaReading,
): Resolution {
  const { name, uid, generation = 0 } = template.metadata;
  const pattern = template.spec.template.spec;
  if (!schema.ok) return refused('InvalidTemplate', `template ${name}: ${schema.message}`);
  const given = mergeParameters(pattern.parameters, spec.parameters);
  const { fault, defaults } = schema.check(plainValues(given));
  const isWhole = given.every(({ valueFrom }) => valueFrom === undefined);
  if (isWhole && fault !== undefined) return refused('InvalidParameters', `${fault} (template ${name})`);
  const names = new Set(given.map((parameter) => parameter.name));
  const added = [...defaults].filter(([added]) => !names.has(added)).map(([added, value]) => ({ name: added, value }));
  const parameters = [...given, ...added];
  if (parameters.length > MAX_PARAMETERS) {
    const sum = `there are ${parameters.length} parameters, with those of the template ${name}`;
    return refused('InvalidParameters', `${sum}; at most ${MAX_PARAMETERS} are allowed: leave some out`);
  }
  const hostSelector = bothSelectors(pattern.hostSelector, spec.hostSelector);
  return {
    ok: true,
    resolved: {
      template: { name, uid, generation },
      domain: pattern.domain,
      ...(parameters.length === 0 ? {} : { parameters }),
      ...(hostSelector === undefined ? {} : { hostSelector }),
      ...mergePolicies(pattern, spec),
    },
  };
}

/** Checks parameters against a template's schema once all their values are known; undefined: they suit. */
export function checkParameters(
  template: EphemeralDomainTemplate,
  schema: SchemaReading,
  values: ReadonlyMap<string, string>,
): Refusal | undefined {
  const { name } = template.metadata;
  if (!schema.ok) return { reason: EndReason.InvalidTemplate, message: `template ${name}: ${schema.message}` };
  const { fault } = schema.check(values);
  return fault === undefined
    ? undefined
    : { reason: EndReason.InvalidParameters, message: `${fault} (template ${name})` };
}

/** Values that stand in the spec itself. */
export function plainValues(parameters: readonly Parameter[]): ReadonlyMap<string, string> {
  return new Map(parameters.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value] as const])));
}

function refused(reason: Refusal['reason'], message: string): Resolution {
  return { ok: false, refusal: { reason, message } };
}
