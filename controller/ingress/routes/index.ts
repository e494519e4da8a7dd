/** Routes of the ingress: from Ingress resources to a table of hosts and paths, with certificates, kept up to date. */
export * from './route.ts';
export * from './table.ts';
export * from './certificates.ts';
export { keyPairOf } from './keypair.ts';
export type { Certificate, KeyPair } from './keypair.ts';
export { hostOf } from './hostnames.ts';
export { INGRESS_CONTROLLER } from './classes.ts';
export { SSL_REDIRECT } from './ingress.ts';
export { EMPTY_SNAPSHOT } from './snapshot.ts';
export type { Snapshot } from './snapshot.ts';
export type { Addresses } from './status.ts';
export { Secrets } from './secrets.ts';
export type { SecretsParts } from './secrets.ts';
export { createRoutes } from './watcher.ts';
export type { Routes, RoutesOptions } from './watcher.ts';
