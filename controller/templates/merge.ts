import type { EphemeralDomainSpec, LabelSelector, LabelSelectorRequirement, Parameter } from '#controller/api/index.ts';

/** The parameters of a template and its resource's own by name, which count more; the template's come first. */
export const mergeParameters = (
  template: readonly Parameter[] | undefined,
  own: readonly Parameter[] | undefined,
): readonly Parameter[] => [
  ...new Map([...(template ?? []), ...(own ?? [])].map((parameter) => [parameter.name, parameter])).values(),
];

/** A selector that holds where both do. */
export const bothSelectors = (
  one: LabelSelector | undefined,
  other: LabelSelector | undefined,
): LabelSelector | undefined => {
  if (one === undefined || other === undefined) return one ?? other;
  const labels = one.matchLabels ?? {};
  const more = Object.entries(other.matchLabels ?? {});
  // The same label with two values: no Node can match, and the messages that follow show why.
  const rivals = more.filter(([key, value]) => Object.hasOwn(labels, key) && labels[key] !== value);
  const matchLabels = { ...Object.fromEntries(more), ...labels };
  const matchExpressions = [
    ...(one.matchExpressions ?? []),
    ...(other.matchExpressions ?? []),
    ...rivals.map(([key, value]): LabelSelectorRequirement => ({ key, operator: 'In', values: [value] })),
  ];
  return {
    ...(Object.keys(matchLabels).length === 0 ? {} : { matchLabels }),
    ...(matchExpressions.length === 0 ? {} : { matchExpressions }),
  };
};

/** Fields that are merged in a way of their own, or are the resource's own business. */
const APART = ['domain', 'templateRef', 'parameters', 'hostSelector', 'suspend', 'request'] as const;
/** Run policy that can be changed later: what the resource says itself of it is read from its spec, always. */
const MUTABLE = ['activeDeadlineSeconds', 'ttlSecondsAfterFinished'] as const;

export type Policy = Omit<EphemeralDomainSpec, (typeof APART)[number]>;

/** The run policy of a template with what its resource says for good, which counts more. */
export const mergePolicies = (
  template: Omit<EphemeralDomainSpec, 'templateRef'>,
  own: EphemeralDomainSpec,
): Policy => ({
  ...without(template, APART),
  ...without(without(own, APART), MUTABLE),
});

const without = <T extends object, K extends string>(object: T, keys: readonly K[]): Omit<T, K> => {
  const left: ReadonlySet<string> = new Set(keys);
  return Object.fromEntries(Object.entries(object).filter(([key]) => !left.has(key))) as Omit<T, K>;
};
