import { effectiveSpec, secretParameters } from '#controller/api/index.ts';
import type { DiskSpec, DomainSpec, EffectiveSpec, EphemeralDomain } from '#controller/api/index.ts';
import { expandCommandLine, refersTo } from '#controller/domain/cmdline.ts';
import type { CommandLineNames, ParameterValues } from '#controller/domain/cmdline.ts';
import { diskTarget, scratchVolume, secretVolume } from '#controller/domain/disks.ts';
import type { DiskPlan, VolumeOwner } from '#controller/domain/disks.ts';
import type { HostConfig } from '#controller/domain/hostspec.ts';
import { macOf } from '#controller/domain/identity.ts';
import { netmaskOf } from '#controller/domain/ipv4.ts';
import { quantityKiB } from '#controller/domain/quantity.ts';
import type { DomainPlan } from '#controller/domain/xml.ts';
import type { NotifyEndpoint } from '#controller/notify/index.ts';
import type { Binding } from './attempt.ts';
import { timeOf } from './time.ts';

export type Planning =
  | { readonly ok: true; readonly plan: DomainPlan }
  | { readonly ok: false; readonly reason: 'InvalidCommandLine' | 'InvalidTemplate'; readonly message: string };

/** What a guest is told of where it can tell of itself. */
export interface NotifyPlan {
  readonly endpoint: NotifyEndpoint;
  /** Where it was asked for: 128 random bits that only this guest knows. */
  readonly token: string | undefined;
}

/** What of NOTIFY_HOST, NOTIFY_PORT and NOTIFY_URL a resource's command line asks for. */
export function notifyWishes(resource: EphemeralDomain): { readonly endpoint: boolean; readonly token: boolean } {
  const template = effectiveSpec(resource)?.domain.boot.cmdline ?? '';
  const token = refersTo(template, 'NOTIFY_URL');
  return { token, endpoint: token || refersTo(template, 'NOTIFY_HOST') || refersTo(template, 'NOTIFY_PORT') };
}

/**
 * What a bound resource's domain is made of on its host, or why a guest cannot get its command line. `values`: of its
 * parameters; undefined where the host has the domain, and with it its command line, already.
 */
export function planDomain(
  resource: EphemeralDomain,
  binding: Binding,
  config: HostConfig,
  cluster: string,
  values: ParameterValues | undefined,
  notify?: NotifyPlan,
): Planning {
  const { namespace = '', name, uid } = resource.metadata;
  const spec = effectiveSpec(resource);
  if (spec === undefined) {
    const message = 'status.resolved is gone, which says what runs: somebody else wrote this status';
    return { ok: false, reason: 'InvalidTemplate', message };
  }
  const { domain } = spec;
  const { cmdline: written } = domain.boot;
  const disks = disksOf(spec, { cluster, uuid: binding.uuid });
  const isNeeded = written !== undefined && values !== undefined;
  const names = { ...notifyNames(notify), ...requestNames(resource), ...secretNames(disks) };
  const cmdline = isNeeded ? commandLine(written, binding, config, values, names) : undefined;
  if (cmdline?.ok === false) return { ok: false, reason: 'InvalidCommandLine', message: cmdline.fault.message };
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
      memoryKiB: memoryKiBOf(domain),
      vcpus: domain.vcpus,
      kernel: domain.boot.kernel,
      initrd: domain.boot.initrd,
      cmdline: cmdline?.text,
      imageDirectory: config.imageDirectory,
      disks,
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
  template: string,
  binding: Binding,
  { network }: HostConfig,
  values: ParameterValues,
  told: CommandLineNames,
) {
  const names = { DOMAIN_NAME: binding.name, DOMAIN_UUID: binding.uuid, ...told };
  if (network === undefined || binding.address === undefined) return expandCommandLine(template, names, values);
  const { cidr, gateway } = network;
  const where = { IP: binding.address, PREFIX: String(cidr.prefix), NETMASK: netmaskOf(cidr), GATEWAY: gateway };
  return expandCommandLine(template, { ...names, ...where }, values);
}

function notifyNames(notify: NotifyPlan | undefined): CommandLineNames {
  if (notify === undefined) return {};
  const { host, port } = notify.endpoint;
  const url = notify.token === undefined ? {} : { NOTIFY_URL: `http://${host}:${port}/${notify.token}` };
  return { NOTIFY_HOST: host, NOTIFY_PORT: String(port), ...url };
}

function secretNames(disks: readonly DiskPlan[]): CommandLineNames {
  const index = disks.findIndex(({ kind }) => kind === 'secret');
  return index < 0 ? {} : { SECRETS_DISK: diskTarget(index) };
}

/** Its disks in their order, and after them the one with the values of parameters from Secrets, where there are any. */
function disksOf(spec: EffectiveSpec, owner: VolumeOwner): readonly DiskPlan[] {
  const disks = (spec.domain.disks ?? []).map((disk, index) => diskPlan(disk, owner, index));
  if (secretParameters(spec).length === 0) return disks;
  return [...disks, { kind: 'secret', volume: secretVolume(owner) }];
}

/** When the request came that the domain is to serve, as the original told its guests: seconds since 1970, six digits. */
function requestNames({ spec }: EphemeralDomain): CommandLineNames {
  const received = timeOf(spec.request?.receivedTime);
  return received === undefined ? {} : { REQUEST_TIME: (received / 1_000).toFixed(6) };
}

/** The CRD sees to it that a disk is one or the other, and that a size is a quantity; one that is none fits nowhere. */
function diskPlan({ name, volume, scratch }: DiskSpec, owner: VolumeOwner, index: number): DiskPlan {
  if (scratch === undefined) return { kind: 'image', name, volume: volume ?? '' };
  const { size } = scratch;
  const bytes = (quantityKiB(size) ?? Infinity) * 1024;
  return { kind: 'scratch', name, volume: scratchVolume(owner, index), size: String(size), bytes };
}

/** What a resource's domain takes of whichever host it is bound to. */
export interface DomainNeeds {
  readonly type: DomainSpec['type'];
  readonly memoryKiB: number;
  readonly vcpus: number;
  readonly disks: boolean;
  /** Whether parameters come from Secrets, and so on a disk. */
  readonly secrets: boolean;
  /** Whether it has an interface, and so an address. */
  readonly interface: boolean;
}

/** Of a resource that nothing says of what it runs: nothing is started for that. */
const NO_NEEDS: DomainNeeds = { type: 'pv', memoryKiB: 0, vcpus: 0, disks: false, secrets: false, interface: true };

/** What it takes; nothing where it is not resolved yet. */
export function needsOf(resource: EphemeralDomain): DomainNeeds {
  const spec = effectiveSpec(resource);
  if (spec === undefined) return NO_NEEDS;
  const { type, vcpus, disks = [], interfaces } = spec.domain;
  return {
    type,
    memoryKiB: memoryKiBOf(spec.domain),
    vcpus,
    disks: disks.length > 0,
    secrets: secretParameters(spec).length > 0,
    interface: interfaces?.length !== 0,
  };
}

/** The CRD refuses a memory that is no quantity; one that got past it all the same fits nowhere. */
function memoryKiBOf({ memory }: DomainSpec): number {
  return quantityKiB(memory) ?? Infinity;
}
