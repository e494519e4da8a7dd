import type { ResourceType } from '../kube/types.ts';
import { GROUP, VERSION } from './constants.ts';
import type { DomainHost } from './domainhost.gen.ts';
import type { EphemeralDomain } from './ephemeraldomain.gen.ts';
import type { EphemeralDomainTemplate } from './ephemeraldomaintemplate.gen.ts';

/** Where the kinds of Hatchery live, for the Kubernetes client. */

export const EPHEMERAL_DOMAINS: ResourceType<EphemeralDomain> = {
  group: GROUP,
  version: VERSION,
  plural: 'ephemeraldomains',
  kind: 'EphemeralDomain',
  namespaced: true,
};

export const EPHEMERAL_DOMAIN_TEMPLATES: ResourceType<EphemeralDomainTemplate> = {
  group: GROUP,
  version: VERSION,
  plural: 'ephemeraldomaintemplates',
  kind: 'EphemeralDomainTemplate',
  namespaced: true,
};

export const DOMAIN_HOSTS: ResourceType<DomainHost> = {
  group: GROUP,
  version: VERSION,
  plural: 'domainhosts',
  kind: 'DomainHost',
  namespaced: false,
};
