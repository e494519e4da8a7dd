import { GROUP, LEASE_NAME } from '#controller/api/index.ts';
import type { IngressConfig } from '#controller/config/index.ts';
import { SELF_SUBJECT_ACCESS_REVIEWS, sleep } from '#controller/kube/index.ts';
import type { RestClient } from '#controller/kube/index.ts';
import { AUTHENTICATION } from '#controller/serve/index.ts';

import { StartFault } from './fault.ts';
import { Interrupted, patiently } from './patience.ts';
import type { Patience } from './patience.ts';

/** A right that the controller cannot work without. */
export interface Right {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

type Target = Omit<Right, 'verb'>;

const rights = (verbs: readonly string[], target: Target): readonly Right[] =>
  verbs.map((verb) => ({ verb, ...target }));

/**
 * What manifests/rbac grants; its test holds the two together. But for Secrets, which it can do without: who asks for one
 * that it may not read is told so.
 */
export const rightsOf = (leaseNamespace: string, ingressNamespace: string): readonly Right[] => {
  const leases = { group: 'coordination.k8s.io', resource: 'leases' };
  const lease = { ...leases, namespace: leaseNamespace };
  const crd = { group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions' };
  return [
    ...rights(['get', 'list', 'watch', 'delete'], { group: GROUP, resource: 'ephemeraldomains' }),
    ...rights(['patch'], { group: GROUP, resource: 'ephemeraldomains', subresource: 'status' }),
    ...rights(['get', 'list', 'watch'], { group: GROUP, resource: 'ephemeraldomaintemplates' }),
    ...rights(['get', 'list', 'watch', 'create'], { group: GROUP, resource: 'domainhosts' }),
    ...rights(['patch'], { group: GROUP, resource: 'domainhosts', subresource: 'status' }),
    ...rights(['get', 'list', 'watch'], { group: '', resource: 'nodes' }),
    ...rights(['get'], { group: '', resource: 'namespaces', name: 'kube-system' }),
    ...rights(['get'], { group: '', resource: 'configmaps' }),
    ...rights(['list', 'watch'], { group: '', resource: 'namespaces' }),
    ...rights(['create', 'patch'], { group: '', resource: 'events' }),
    ...rights(['get'], { ...crd, name: `ephemeraldomains.${GROUP}` }),
    ...rights(['get'], { ...crd, name: `ephemeraldomaintemplates.${GROUP}` }),
    ...rights(['get'], { ...crd, name: `domainhosts.${GROUP}` }),
    ...rights(['create'], { group: 'authentication.k8s.io', resource: 'tokenreviews' }),
    ...rights(['create'], { group: 'authorization.k8s.io', resource: 'subjectaccessreviews' }),
    ...rights(['get'], { group: '', resource: 'configmaps', ...AUTHENTICATION }),
    ...rights(['create'], lease),
    ...rights(['list', 'delete'], { ...leases, namespace: ingressNamespace }),
    ...rights(['get', 'update'], { ...lease, name: LEASE_NAME }),
  ];
};

/** What manifests/rbac grants the ingress; its test holds the two together. */
export const ingressRightsOf = ({ namespace, namespaces, publishAddress }: IngressConfig): readonly Right[] => {
  const served = namespaces ?? [undefined];
  const everywhere = served.flatMap((one) => {
    const within = one === undefined ? {} : { namespace: one };
    const networking = { group: 'networking.k8s.io', ...within };
    return [
      ...rights(['list', 'watch'], { ...networking, resource: 'ingresses' }),
      ...(publishAddress === undefined
        ? []
        : rights(['patch'], { ...networking, resource: 'ingresses', subresource: 'status' })),
      ...rights(['list', 'watch'], { group: GROUP, resource: 'ephemeraldomaintemplates', ...within }),
      ...rights(['get', 'list', 'watch', 'create', 'delete'], {
        group: GROUP,
        resource: 'ephemeraldomains',
        ...within,
      }),
      ...rights(['create', 'patch'], { group: '', resource: 'events', ...within }),
    ];
  });
  return [
    ...everywhere,
    ...rights(['list', 'watch'], { group: 'networking.k8s.io', resource: 'ingressclasses' }),
    ...rights(['list', 'watch'], { group: GROUP, resource: 'domainhosts' }),
    ...rights(['get', 'list', 'create', 'update'], { group: 'coordination.k8s.io', resource: 'leases', namespace }),
  ];
};

/** Rights that were granted a moment ago reach the API server's authorizer a little later: ask again before giving up. */
const TRIES = 4;
const BETWEEN_TRIES_MS = 500;

/** Asks the API server for each right. Throws StartFault with one line that names all that are missing. */
export const checkPermissions = async (
  client: RestClient,
  needed: readonly Right[],
  patience: Patience,
): Promise<void> => {
  let missing = needed;
  for (let tried = 1; ; tried += 1) {
    const answers = await Promise.all(missing.map((right) => isAllowed(client, right, patience)));
    missing = missing.filter((_, index) => answers[index] !== true);
    if (missing.length === 0) return;
    if (tried === TRIES) break;
    await sleep(patience.clock, BETWEEN_TRIES_MS, patience.signal);
    if (patience.signal.aborted) throw new Interrupted('told to end');
  }
  throw new StartFault(
    `no permission to ${describeRights(missing)}: kubectl apply -k manifests/rbac, and bind its roles to this user`,
  );
};

const isAllowed = async (client: RestClient, right: Right, patience: Patience): Promise<boolean> => {
  const review = { metadata: {}, spec: { resourceAttributes: right } };
  const answer = await patiently(patience, (signal) =>
    client.create(SELF_SUBJECT_ACCESS_REVIEWS, review, { signal, timeoutMs: 10_000 }),
  );
  return answer.status?.allowed === true;
};

/** `patch ephemeraldomains/status.hatchery.dev; get, list nodes`. */
export const describeRights = (missing: readonly Right[]): string => {
  const verbs = new Map<string, string[]>();
  for (const right of missing) {
    const target = describeTarget(right);
    verbs.set(target, [...(verbs.get(target) ?? []), right.verb]);
  }
  return Array.from(verbs, ([target, list]) => `${list.join(', ')} ${target}`).join('; ');
};

const describeTarget = ({ group, resource, subresource, namespace, name }: Target): string => {
  const kind = `${resource}${subresource === undefined ? '' : `/${subresource}`}${group === '' ? '' : `.${group}`}`;
  const one = name === undefined ? '' : ` ${name}`;
  return `${kind}${one}${namespace === undefined ? '' : ` in namespace ${namespace}`}`;
};
