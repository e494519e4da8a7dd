/** Kubernetes' conditions (meta/v1 Condition), as EphemeralDomain and DomainHost have them. */

export interface Condition {
  readonly type: string;
  readonly status: ConditionStatus;
  /** CamelCase, for programs; never empty. */
  readonly reason: string;
  /** For people; may be empty. */
  readonly message: string;
  /** RFC 3339: when status last changed. */
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number;
}

export type ConditionStatus = 'True' | 'False' | 'Unknown';

/** A condition as it is decided: when it changed follows from what was there before. */
export type NewCondition = Omit<Condition, 'lastTransitionTime'>;

/** Condition types of an EphemeralDomain. Open: more may be added. */
export const DomainCondition = {
  /** It is placed on no host because spec.suspend says so. Unknown: it is decided, and its domain is being stopped. */
  Suspended: 'Suspended',
  /** A host was found and the binding is stored. */
  Scheduled: 'Scheduled',
  /** The domain was started on its host. Stays True when it has ended. */
  Started: 'Started',
  /** The domain can be used. */
  Ready: 'Ready',
  /** It is decided that it fails, and its domain is being stopped first; stays True beside Failed, as in a Job. */
  FailureTarget: 'FailureTarget',
  /** It ended well. Excludes Failed. */
  Complete: 'Complete',
  /** It will not end well. Excludes Complete. */
  Failed: 'Failed',
} as const;
export type DomainCondition = (typeof DomainCondition)[keyof typeof DomainCondition];

/** Condition types of a DomainHost. Open: more may be added. */
export const HostCondition = {
  /** Domains are placed on the host. */
  Ready: 'Ready',
  /** More domains without an EphemeralDomain than are destroyed at once; the host stays Ready. */
  ManyOrphans: 'ManyOrphans',
} as const;
export type HostCondition = (typeof HostCondition)[keyof typeof HostCondition];

/** The condition of a type, if it is there. */
export const findCondition = (conditions: readonly Condition[] | undefined, type: string): Condition | undefined =>
  conditions?.find((condition) => condition.type === type);

/** Whether a condition is there and True. */
export const isTrue = (conditions: readonly Condition[] | undefined, type: string): boolean =>
  findCondition(conditions, type)?.status === 'True';

const isSame = (before: Condition, after: NewCondition): boolean =>
  before.status === after.status &&
  before.reason === after.reason &&
  before.message === after.message &&
  before.observedGeneration === after.observedGeneration;

/**
 * The list with one condition set, in its old place or at the end. lastTransitionTime becomes `now` only where status
 * changes, as Kubernetes' own SetStatusCondition has it. The very same list is returned where nothing changes.
 */
export const setCondition = (
  conditions: readonly Condition[] | undefined,
  condition: NewCondition,
  now: string,
): readonly Condition[] => {
  const list = conditions ?? [];
  const before = findCondition(list, condition.type);
  if (before === undefined) return [...list, { ...condition, lastTransitionTime: now }];
  if (isSame(before, condition)) return list;
  const lastTransitionTime = before.status === condition.status ? before.lastTransitionTime : now;
  return list.map((each) => (each.type === condition.type ? { ...condition, lastTransitionTime } : each));
};

/** The list without a condition; the very same list where it is not there. */
export const removeCondition = (conditions: readonly Condition[] | undefined, type: string): readonly Condition[] => {
  const list = conditions ?? [];
  return findCondition(list, type) === undefined ? list : list.filter((each) => each.type !== type);
};
