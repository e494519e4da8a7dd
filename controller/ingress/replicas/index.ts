/** The replicas of the ingress: each says by a Lease that it is alive, and counts the others. */
export * from './replicas.ts';
