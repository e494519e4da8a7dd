import type { EphemeralDomainTemplate } from '#controller/api/index.ts';
import { keyOf } from '#controller/kube/index.ts';
import type { Ingress, IngressClass } from '#controller/kube/index.ts';
import { buildCertificates } from './certificates.ts';
import type { Certificates, CertificateSources } from './certificates.ts';
import { classesOf, isOurs } from './classes.ts';
import { translateIngress } from './ingress.ts';
import { compareSources } from './route.ts';
import type { Problem } from './route.ts';
import { buildTable } from './table.ts';
import type { RouteTable } from './table.ts';

/** All that requests and handshakes are answered by, as of one moment. Never changes. */
export interface Snapshot {
  readonly table: RouteTable;
  readonly certificates: Certificates;
}

/** What the API server holds. */
export interface Resources {
  readonly ingresses: readonly Ingress[];
  readonly classes: readonly IngressClass[];
  readonly template: (key: string) => EphemeralDomainTemplate | undefined;
}

/** What is wanted of the resources, before Secrets are known. */
export interface Plan {
  /** Ingresses of our classes, by namespace/name. */
  readonly ours: ReadonlyMap<string, Ingress>;
  /** Secrets that are named, by namespace/name; those of older Ingresses first. */
  readonly secrets: readonly string[];
  readonly build: (sources: CertificateSources) => Built;
}

export interface Built {
  readonly snapshot: Snapshot;
  readonly problems: readonly Problem[];
}

/** Works out what the resources ask for. Pure. */
export const planOf = ({ ingresses, classes: all, template }: Resources): Plan => {
  const classes = classesOf(all);
  const ours = ingresses.filter(
    (ingress) => ingress.metadata.deletionTimestamp === undefined && isOurs(ingress, classes),
  );
  const translations = ours.map(translateIngress);
  const claims = translations.flatMap((each) => each.claims).toSorted((a, b) => compareSources(a.source, b.source));
  const build = (sources: CertificateSources): Built => {
    const routes = translations.flatMap((each) => each.routes);
    const { table, problems } = buildTable(routes, (namespace, name) => template(keyOf({ namespace, name })));
    const secured = buildCertificates(claims, sources);
    return {
      snapshot: { table, certificates: secured.certificates },
      problems: [...translations.flatMap((each) => each.problems), ...problems, ...secured.problems],
    };
  };
  return {
    ours: new Map(ours.map((ingress) => [keyOf(ingress.metadata), ingress])),
    secrets: [...new Set(claims.map(({ source, secretName }) => `${source.namespace}/${secretName}`))],
    build,
  };
};

/** Before anything is known: no route, no certificate. */
export const EMPTY_SNAPSHOT: Snapshot = {
  table: { match: () => ({ kind: 'none' }) },
  certificates: { find: () => ({ kind: 'none' }) },
};
