import type { EphemeralDomain } from '#controller/api/index.ts';
import { expandCommandLine } from '#controller/domain/cmdline.ts';
import type { HostConfig } from '#controller/domain/hostspec.ts';
import { macOf } from '#controller/domain/identity.ts';
import { netmaskOf } from '#controller/domain/ipv4.ts';
import { quantityKiB } from '#controller/domain/quantity.ts';
import type { DomainPlan } from '#controller/domain/xml.ts';
import type { Binding } from './attempt.ts';

export type Planning =
  { readonly ok: true; readonly plan: DomainPlan } | { readonly ok: false; readonly message: string };

/** What a bound resource's domain is made of on its host, or why a guest cannot get its command line. */
export function planDomain(resource: EphemeralDomain, binding: Binding, config: HostConfig, cluster: string): Planning {
  const { namespace = '', name, uid } = resource.metadata;
  const { domain } = resource.spec;
  const cmdline = commandLine(domain.boot.cmdline, binding, config);
  if (cmdline?.ok === false) return { ok: false, message: cmdline.fault.message };
  const { network } = config;
  return {
    ok: true,
    plan: {
      identity: { cluster, namespace, name, uid, attempt: binding.attempt, address: binding.address },
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

function commandLine(template: string | undefined, binding: Binding, { network }: HostConfig) {
  if (template === undefined) return undefined;
  const names = { DOMAIN_NAME: binding.name, DOMAIN_UUID: binding.uuid };
  if (network === undefined || binding.address === undefined) return expandCommandLine(template, names);
  const { cidr, gateway } = network;
  const where = { IP: binding.address, PREFIX: String(cidr.prefix), NETMASK: netmaskOf(cidr), GATEWAY: gateway };
  return expandCommandLine(template, { ...names, ...where });
}

/** The CRD refuses a memory that is no quantity; one that got past it all the same fits nowhere. */
export function memoryKiBOf(resource: EphemeralDomain): number {
  return quantityKiB(resource.spec.domain.memory) ?? Infinity;
}
