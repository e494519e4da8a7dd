import { BlockList, isIP } from 'node:net';

import type { Cidr, IngressConfig, ListenAddress } from '#controller/config/index.ts';
import { DRAIN_LIMITS } from '../proxy/index.ts';
import type { DrainLimits, Head, TlsOptions } from '../proxy/index.ts';
import type { Routes } from '../routes/index.ts';

/** What --drain-delay, --drain-limit and --drain-upgraded-limit come to; the limits count from the end of the delay. */
export const drainLimitsOf = ({
  drainDelay,
  drainLimit,
  drainUpgradedLimit,
}: Pick<IngressConfig, 'drainDelay' | 'drainLimit' | 'drainUpgradedLimit'>): DrainLimits => ({
  ...DRAIN_LIMITS,
  delayMs: drainDelay,
  // Without a time in which others learn of it, nobody has connections that a request may still come on.
  idleMs: drainDelay === 0 ? 0 : DRAIN_LIMITS.idleMs,
  limitMs: drainDelay + drainLimit,
  upgradedLimitMs: drainDelay + drainUpgradedLimit,
});

/** --publish-address as an Ingress' status.loadBalancer has it. */
export const addressesOf = (address: string | undefined): readonly ({ ip: string } | { hostname: string })[] => {
  if (address === undefined) return [];
  return [isIP(address) === 0 ? { hostname: address } : { ip: address }];
};

/** Of the protocols that a request would switch to, those that its template allows. */
export const upgradesFor = (
  routes: Pick<Routes, 'current'>,
  { authority, path, scheme, upgrades }: Pick<Head, 'authority' | 'path' | 'scheme' | 'upgrades'>,
): readonly string[] => {
  if (upgrades.length === 0) return [];
  const match = routes.current().table.match({ host: authority, path, tls: scheme === 'https' });
  return match.kind === 'backend' ? upgrades.filter((protocol) => match.backend.http.upgrades.has(protocol)) : [];
};

/** Certificates are looked up for each handshake, so a new one counts from the next on. */
export const tlsOf = (
  listen: ListenAddress | undefined,
  routes: Pick<Routes, 'current'>,
  defaultCertificate: TlsOptions['defaultCertificate'],
): TlsOptions | undefined => {
  if (listen === undefined) return undefined;
  const find = (servername: string | undefined) => {
    const choice = routes.current().certificates.find(servername);
    return choice.kind === 'certificate' ? choice.certificate : undefined;
  };
  return {
    ...{ listen, defaultCertificate },
    contextFor: (servername) => find(servername)?.context,
    mayServe: (servername, host) => {
      const shown = find(servername)?.fingerprint;
      return shown !== undefined && shown === find(host)?.fingerprint;
    },
  };
};

/** Whether what a peer with such an address says of a request's origin is believed. */
export const trust = (proxies: readonly Cidr[]): ((address: string) => boolean) => {
  // Asked for each request; most have no such proxies.
  if (proxies.length === 0) return () => false;
  const list = new BlockList();
  for (const { address, prefix, family } of proxies) list.addSubnet(address, prefix, family);
  return (address) => list.check(address, address.includes(':') ? 'ipv6' : 'ipv4');
};
