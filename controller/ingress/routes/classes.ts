import type { Ingress, IngressClass } from '#controller/kube/index.ts';

/** IngressClass.spec.controller of the classes that are ours. */
export const INGRESS_CONTROLLER = 'hatchery.dev/ingress';

const IS_DEFAULT = 'ingressclass.kubernetes.io/is-default-class';
/** How a class was named before spec.ingressClassName; the API server refuses to create an Ingress with both. */
const LEGACY_CLASS = 'kubernetes.io/ingress.class';

/** Which classes are ours. */
export interface Classes {
  readonly ours: ReadonlySet<string>;
  /** Whether the cluster's default class is one of ours. */
  readonly defaultIsOurs: boolean;
}

/** Of several default classes the newest counts, then the first by name, as for the API server's admission. */
export const classesOf = (classes: readonly IngressClass[]): Classes => {
  const ours = classes.filter(({ spec }) => spec?.controller === INGRESS_CONTROLLER);
  const [chosen] = classes
    .filter(({ metadata }) => metadata.annotations?.[IS_DEFAULT] === 'true')
    .toSorted(({ metadata: a }, { metadata: b }) =>
      a.creationTimestamp === b.creationTimestamp
        ? Number(a.name > b.name) - Number(a.name < b.name)
        : Number(a.creationTimestamp < b.creationTimestamp) - Number(a.creationTimestamp > b.creationTimestamp),
    );
  return {
    ours: new Set(ours.map(({ metadata }) => metadata.name)),
    defaultIsOurs: chosen?.spec?.controller === INGRESS_CONTROLLER,
  };
};

/**
 * Whether an Ingress is ours to serve: its spec.ingressClassName names a class of ours; without it, the old annotation
 * does; without both (made before there was a default class), the default class is ours.
 */
export const isOurs = ({ spec, metadata }: Ingress, classes: Classes): boolean => {
  const named = spec?.ingressClassName ?? metadata.annotations?.[LEGACY_CLASS];
  return named === undefined ? classes.defaultIsOurs : classes.ours.has(named);
};
