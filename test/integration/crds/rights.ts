import assert from 'node:assert/strict';

import { sharedCluster } from '#test/support/bed.ts';

/** Something that somebody may or may not do. */
export interface Ask {
  readonly verb: string;
  readonly group?: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly name?: string;
  readonly namespace?: string;
}

/** One for each verb. */
export const each = (verbs: readonly string[], rest: Omit<Ask, 'verb'>): readonly Ask[] =>
  verbs.map((verb) => ({ verb, ...rest }));

/** What the API server's authorizer says to each, in order, in one call of kubectl. */
export const decisions = async (
  user: string,
  groups: readonly string[],
  asks: readonly Ask[],
): Promise<readonly boolean[]> => {
  const { kubectl } = await sharedCluster();
  const reviews = asks.map((resourceAttributes) => ({
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: { user, groups, resourceAttributes },
  }));
  const input = reviews.map((review) => JSON.stringify(review)).join('\n---\n');
  const answers = await kubectl(['create', '-o', 'jsonpath={.status.allowed}{"\\n"}', '-f', '-'], { input });
  return answers
    .trim()
    .split('\n')
    .map((answer) => answer === 'true');
};

/** As a test's title has it. */
export const textOf = ({ verb, group, resource, subresource, name, namespace }: Ask): string =>
  [
    verb,
    `${resource}${group === undefined ? '' : `.${group}`}${subresource === undefined ? '' : `/${subresource}`}`,
    ...(name === undefined ? [] : [name]),
    ...(namespace === undefined ? [] : [`in ${namespace}`]),
  ].join(' ');

/** Groups of everybody whom the cluster knows. */
export const AUTHENTICATED = ['system:authenticated'];

interface Rule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** What the API server itself counts up for somebody in a namespace, one line a right; what all may do left out. */
export const rightsOf = async (user: string, namespace: string): Promise<readonly string[]> => {
  const { kubectl } = await sharedCluster();
  const as = ['--as', user, '--as-group', 'system:authenticated'];
  const review = JSON.stringify({
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectRulesReview',
    spec: { namespace },
  });
  const answer = JSON.parse(
    await kubectl(['create', '--validate=false', ...as, '-o', 'json', '-f', '-'], { input: review }),
  ) as {
    readonly status: { readonly resourceRules: readonly Rule[]; readonly incomplete: boolean };
  };
  assert.equal(answer.status.incomplete, false);
  const lines = answer.status.resourceRules.flatMap(({ verbs, apiGroups = [], resources = [], resourceNames = [] }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        verbs.map((verb) => [verb, group === '' ? resource : `${resource}.${group}`, ...resourceNames].join(' ')),
      ),
    ),
  );
  return [...new Set(lines)]
    .filter((line) => !/^create self\w+\.(authorization|authentication)\.k8s\.io$/.test(line))
    .toSorted();
};
