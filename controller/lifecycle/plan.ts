import type { EphemeralDomain } from '#controller/api/index.ts';
import { expandCommandLine, refersTo } from '#controller/domain/cmdline.ts';
import type { CommandLineNames } from '#controller/domain/cmdline.ts';
import type { HostConfig } from '#controller/domain/hostspec.ts';
import { macOf } from '#controller/domain/identity.ts';
import { netmaskOf } from '#controller/domain/ipv4.ts';
import { quantityKiB } from '#controller/domain/quantity.ts';
import type { DomainPlan } from '#controller/domain/xml.ts';
import type { NotifyEndpoint } from '#controller/notify/index.ts';
import type { Binding } from './attempt.ts';

export type Planning =
  { readonly ok: true; readonly plan: DomainPlan } | { readonly ok: false; readonly message: string };

/** What a guest is told of where it can tell of itself. */
export interface NotifyPlan {
  readonly endpoint: NotifyEndpoint;
  /** Where it was asked for: 128 random bits that only this guest knows. */
  readonly token: string | undefined;
}

/** What of NOTIFY_HOST, NOTIFY_PORT and NOTIFY_URL a resource's command line asks for. */
export function notifyWishes(resource: EphemeralDomain): { readonly endpoint: boolean; readonly token: boolean } {
  const template = resource.spec.domain.boot.cmdline ?? '';
  const token = refersTo(template, 'NOTIFY_URL');
  return { token, endpoint: token || refersTo(template, 'NOTIFY_HOST') || refersTo(template, 'NOTIFY_PORT') };
}

/** What a bound resource's domain is made of on its host, or why a guest cannot get its command line. */
export function planDomain(
  resource: EphemeralDomain,
  binding: Binding,
  config: HostConfig,
  cluster: string,
  notify?: NotifyPlan,
): Planning {
  const { namespace = '', name, uid } = resource.metadata;
  const { domain } = resource.spec;
  const cmdline = commandLine(domain.boot.cmdline, binding, config, notify);
  if (cmdline?.ok === false) return { ok: false, message: cmdline.fault.message };
  const { network } = config;
  return {
    ok: true,
    plan: {
      identity: {
        ...{ cluster, namespace, name, uid, attempt: binding.attempt, address: binding.address },
        notifyToken: notify?.token,
      },
      uuid: binding.uuid,
      name: binding.name,
      type: domain.type,
      memoryKiB: memoryKiBOf(resource),
      vcpus: domain.vcpus,
      kernel: domain.boot.kernel,
      initrd: domain.boot.initrd,
      cmdline: cmdline?.text,
      imageDirectory: config.imageDirectory,
      interface:
        network === undefined || binding.address === undefined
          ? undefined
          : {
              mac: macOf(binding.address),
              bridge: network.bridge,
              address: binding.address,
              vifScript: network.vifScript,
              mtu: network.mtu,
            },
    },
  };
}

function commandLine(
  template: string | undefined,
  binding: Binding,
  { network }: HostConfig,
  notify: NotifyPlan | undefined,
) {
  if (template === undefined) return undefined;
  const names = { DOMAIN_NAME: binding.name, DOMAIN_UUID: binding.uuid, ...notifyNames(notify) };
  if (network === undefined || binding.address === undefined) return expandCommandLine(template, names);
  const { cidr, gateway } = network;
  const where = { IP: binding.address, PREFIX: String(cidr.prefix), NETMASK: netmaskOf(cidr), GATEWAY: gateway };
  return expandCommandLine(template, { ...names, ...where });
}

function notifyNames(notify: NotifyPlan | undefined): CommandLineNames {
  if (notify === undefined) return {};
  const { host, port } = notify.endpoint;
  const url = notify.token === undefined ? {} : { NOTIFY_URL: `http://${host}:${port}/${notify.token}` };
  return { NOTIFY_HOST: host, NOTIFY_PORT: String(port), ...url };
}

/** The CRD refuses a memory that is no quantity; one that got past it all the same fits nowhere. */
export function memoryKiBOf(resource: EphemeralDomain): number {
  return quantityKiB(resource.spec.domain.memory) ?? Infinity;
}
