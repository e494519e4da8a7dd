import type { KubeObject, ResourceType } from './types.ts';

/** Kinds of networking.k8s.io/v1, as far as an ingress controller reads or writes them. */

export interface IngressClass extends KubeObject {
  readonly spec?: { readonly controller?: string };
}

/** Exactly one of both is set. */
export interface IngressBackend {
  readonly service?: { readonly name: string };
  readonly resource?: { readonly apiGroup?: string; readonly kind: string; readonly name: string };
}

export interface IngressPath {
  /** Begins with a slash; may be absent with ImplementationSpecific. */
  readonly path?: string;
  readonly pathType: 'Exact' | 'Prefix' | 'ImplementationSpecific';
  readonly backend: IngressBackend;
}

export interface IngressRule {
  /** A DNS name, or one whose first label is `*`. Absent: every host. */
  readonly host?: string;
  /** Absent: the default backend serves the host. */
  readonly http?: { readonly paths: readonly IngressPath[] };
}

export interface IngressTls {
  readonly hosts?: readonly string[];
  /** Of the Ingress' own namespace. */
  readonly secretName?: string;
}

/** One address under which an Ingress is reached. */
export interface LoadBalancerIngress {
  readonly ip?: string;
  readonly hostname?: string;
}

export interface Ingress extends KubeObject {
  readonly spec?: {
    readonly ingressClassName?: string;
    readonly defaultBackend?: IngressBackend;
    readonly rules?: readonly IngressRule[];
    readonly tls?: readonly IngressTls[];
  };
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly LoadBalancerIngress[] } };
}

export const INGRESSES: ResourceType<Ingress> = {
  group: 'networking.k8s.io',
  version: 'v1',
  plural: 'ingresses',
  kind: 'Ingress',
  namespaced: true,
};

export const INGRESS_CLASSES: ResourceType<IngressClass> = {
  group: 'networking.k8s.io',
  version: 'v1',
  plural: 'ingressclasses',
  kind: 'IngressClass',
  namespaced: false,
};
