import type { X509Certificate } from 'node:crypto';

import type { Secret } from '#controller/kube/index.ts';
import { findByHost, hostOf } from './hostnames.ts';
import { keyPairOf } from './keypair.ts';
import type { Certificate, KeyPair } from './keypair.ts';
import { compareSources } from './route.ts';
import type { Problem, TlsClaim } from './route.ts';

/** What is known of a Secret. */
export type SecretReading =
  | { readonly kind: 'found'; readonly secret: Secret }
  | { readonly kind: 'missing' }
  /** Not read yet: known in a moment. */
  | { readonly kind: 'awaited' }
  /** The API server does not let us. `cause`: KubeError's kind. */
  | { readonly kind: 'unreadable'; readonly cause: string }
  /** More Secrets are named than are followed. */
  | { readonly kind: 'too-many'; readonly most: number };

export type CertificateChoice =
  | { readonly kind: 'certificate'; readonly certificate: Certificate }
  /** Its Secret cannot be used: the handshake is to fail. It never gets another host's certificate. */
  | { readonly kind: 'unusable' }
  /** There is none, and no default either: the handshake is to fail. */
  | { readonly kind: 'none' };

/** Certificates ready for handshakes. Never changes: a change of Secrets makes a new one. */
export interface Certificates {
  /** For a ClientHello's server name; undefined or '' where it named none. */
  find(serverName: string | undefined): CertificateChoice;
}

interface Claimed {
  readonly claim: TlsClaim;
  readonly choice: CertificateChoice;
}

const NONE: CertificateChoice = { kind: 'none' };

/** Of each Secret as it was read, what it comes to: a Secret that stays is read once. */
export type KeyPairs = WeakMap<Secret, KeyPair>;

export interface CertificateSources {
  readonly read: (namespace: string, name: string) => SecretReading;
  /** Shown where no server name is given, or one that nobody claims. */
  readonly defaultCertificate: Certificate | undefined;
  readonly keyPairs: KeyPairs;
  /** Wall clock. */
  readonly now: Date;
}

/**
 * Builds the table of server names. Of two claims for one name the older object's counts, the other is a problem unless it
 * names the same Secret. A certificate that has expired, or is for another host, is used all the same and is a problem: the
 * client judges it, and knows better than a handshake that fails what is the matter.
 */
export const buildCertificates = (
  claims: readonly TlsClaim[],
  sources: CertificateSources,
): { readonly certificates: Certificates; readonly problems: readonly Problem[] } => {
  const byPattern = new Map<string, Claimed>();
  const problems: Problem[] = [];
  for (const claim of claims.toSorted((a, b) => compareSources(a.source, b.source))) {
    const reading = sources.read(claim.source.namespace, claim.secretName);
    const keyPair = reading.kind === 'found' ? cached(reading.secret, sources.keyPairs) : undefined;
    problems.push(...secretProblems(claim, reading, keyPair), ...leafProblems(claim, keyPair, sources.now));
    const choice: CertificateChoice =
      keyPair?.kind === 'usable' ? { kind: 'certificate', certificate: keyPair.certificate } : { kind: 'unusable' };
    for (const host of claim.hosts) {
      const winner = byPattern.get(host);
      if (winner === undefined) byPattern.set(host, { claim, choice });
      else if (!sameSecret(winner.claim, claim)) problems.push(conflict(claim, winner.claim, host));
    }
  }
  const { defaultCertificate } = sources;
  const fallback: CertificateChoice =
    defaultCertificate === undefined ? NONE : { kind: 'certificate', certificate: defaultCertificate };
  const find = (serverName: string | undefined): CertificateChoice =>
    serverName === undefined ? fallback : (findByHost(byPattern, hostOf(serverName))?.choice ?? fallback);
  return { certificates: { find }, problems };
};

const cached = (secret: Secret, keyPairs: KeyPairs): KeyPair => {
  const known = keyPairs.get(secret) ?? keyPairOf(secret);
  keyPairs.set(secret, known);
  return known;
};

const sameSecret = (a: TlsClaim, b: TlsClaim): boolean =>
  a.source.namespace === b.source.namespace && a.secretName === b.secretName;

const FAIL = 'handshakes for its hosts fail';

const secretProblems = (claim: TlsClaim, reading: SecretReading, keyPair: KeyPair | undefined): readonly Problem[] => {
  const { source, where, secretName } = claim;
  const secret = `Secret "${secretName}" of namespace ${source.namespace}`;
  const problem = (reason: Problem['reason'], message: string): readonly Problem[] => [
    { source, where, reason, message: `${where}: ${message}` },
  ];
  switch (reading.kind) {
    case 'awaited':
      return [];
    case 'missing':
      return problem('CertificateNotFound', `${secret} is not there, and ${FAIL}: create it, or correct secretName`);
    case 'unreadable':
      return problem(
        'CertificateUnreadable',
        `${secret} cannot be read (${reading.cause}), and ${FAIL}: let the ingress get, list and watch it`,
      );
    case 'too-many':
      return problem(
        'TooManyCertificates',
        `${secret} is not read, since the ${reading.most} Secrets of older Ingresses are all that one replica follows, and ` +
          `${FAIL}: share Secrets among hosts, or divide the namespaces among ingresses`,
      );
    case 'found':
      return keyPair?.kind === 'unusable'
        ? problem('CertificateInvalid', `${secret} cannot be used, since ${keyPair.fault}, and ${FAIL}: correct it`)
        : [];
  }
};

/** Of a certificate that is used. */
const leafProblems = (claim: TlsClaim, keyPair: KeyPair | undefined, now: Date): readonly Problem[] => {
  if (keyPair?.kind !== 'usable') return [];
  const { leaf } = keyPair;
  const { source, where, secretName } = claim;
  const others = claim.hosts.filter((host) => !suits(leaf, host));
  const certificate = `${where}: the certificate in Secret "${secretName}"`;
  const time = timeFault(leaf, now);
  return [
    ...(time === undefined
      ? []
      : [{ source, where, reason: 'CertificateNotValidNow', message: `${certificate} ${time}: renew it` } as const]),
    ...(others.length === 0
      ? []
      : [
          {
            source,
            where,
            reason: 'CertificateHostMismatch',
            message: `${certificate} is not for ${others.join(', ')}, which clients will refuse: have them named in it`,
          } as const,
        ]),
  ];
};

const timeFault = (leaf: X509Certificate, now: Date): string | undefined => {
  if (leaf.validToDate < now) return `expired at ${leaf.validToDate.toISOString()}`;
  if (leaf.validFromDate > now) return `is valid only from ${leaf.validFromDate.toISOString()} on`;
  return undefined;
};

/** Any name that suits the pattern stands for all: a certificate's wildcard covers one label too. */
const suits = (leaf: X509Certificate, pattern: string): boolean =>
  leaf.checkHost(pattern.startsWith('*') ? `any-name${pattern.slice(1)}` : pattern) !== undefined;

const conflict = (claim: TlsClaim, winner: TlsClaim, host: string): Problem => ({
  source: claim.source,
  where: `${claim.where} ${host}`,
  reason: 'CertificateConflict',
  message:
    `${claim.where}: host ${host} has the certificate that ${winner.where} of Ingress ` +
    `${winner.source.namespace}/${winner.source.name}, which is older, names: remove the host from one of them`,
});
