import type { ScratchPlan, SecretPlan } from '#controller/domain/disks.ts';
import { SECRET_PREFIX, volumeOwner } from '#controller/domain/disks.ts';
import type { SecretValues } from '#controller/domain/secrets.ts';
import { buildXml } from '#controller/domain/xmltext.ts';
import type { KubeLogger } from '#controller/kube/index.ts';
import { LibvirtError } from '#controller/libvirt/index.ts';
import type { StorageVolume } from '#controller/libvirt/index.ts';
import { memoryText } from '#controller/scheduler/index.ts';
import { bindingOf, unknownAttemptsOf } from './attempt.ts';
import type { Contact } from './contact.ts';
import { ByUrgency, Gate } from './gate.ts';
import { currentContact } from './host-state.ts';
import type { HostState } from './host-state.ts';
import { onSession, orUndefined, unless } from './session.ts';
import type { DomainStore } from './writer.ts';

export interface ScratchParts {
  readonly state: HostState;
  readonly store: DomainStore;
  readonly logger: KubeLogger;
}

/** A volume that a host has, and the attempt that it was made for. */
export interface ScratchVolume {
  readonly volume: StorageVolume;
  readonly uuid: string;
}

/** What of the volumes that were made for attempts is to go. */
export interface ScratchVerdict {
  readonly condemned: readonly ScratchVolume[];
  /** Names of those that go if the next look finds them unwanted again. */
  readonly suspects: ReadonlySet<string>;
}

/**
 * Says which volumes made for attempts are left over: those that nobody wants, and that an earlier look found so already.
 * One look is not enough, since the cache of resources may be behind: a process that was killed a moment ago may have bound
 * an attempt and made its disks.
 */
export function judgeScratch(
  volumes: readonly ScratchVolume[],
  isWanted: (uuid: string) => boolean,
  suspects: ReadonlySet<string>,
): ScratchVerdict {
  const unwanted = volumes.filter(({ uuid }) => !isWanted(uuid));
  return {
    condemned: unwanted.filter(({ volume }) => suspects.has(volume.name)),
    suspects: new Set(unwanted.map(({ volume }) => volume.name).filter((name) => !suspects.has(name))),
  };
}

/** A disk that is made for an attempt. */
export type MadeDisk = ScratchPlan | SecretPlan;

/**
 * The disks of one host that are made for attempts, scratch disks and those with the values of parameters from Secrets: made
 * before their domain is asked for, deleted when the host no longer lists it, and swept where a process was killed in
 * between. Secret values are overwritten before they are deleted, where the host can do that. One thing is done at a time,
 * and whether a volume is wanted is asked within it: so none is deleted that a start has just made.
 */
export class ScratchDisks {
  readonly #parts: ScratchParts;
  readonly #one = new Gate(1, new ByUrgency());
  /** By the attempt's UUID. */
  #volumes = new Map<string, readonly StorageVolume[]>();
  #suspects: ReadonlySet<string> = new Set();
  #sweeping = false;

  constructor(parts: ScratchParts) {
    this.#parts = parts;
  }

  /**
   * Makes the disks of an attempt whose domain has never run, anew where an earlier process made them: that they are empty,
   * or hold the values of now, is then certain. `secrets` is what the secret disk holds, where there is one. Returns why one
   * cannot be made, or undefined. Throws LibvirtError where the host gave no answer.
   */
  async make(
    contact: Contact,
    uuid: string,
    disks: readonly MadeDisk[],
    secrets?: SecretValues,
  ): Promise<string | undefined> {
    if (disks.length === 0) return undefined;
    return this.#alone(async () => {
      const { session, pool } = contact;
      for (const disk of disks) await this.#deleteEarlier(contact, disk);
      // Refused while somebody uploads an image: what was known before does as well.
      await unless(['internal'], () => onSession(session, 'STORAGE_POOL_REFRESH', (host) => host.poolRefresh(pool)));
      const { available } = await onSession(session, 'STORAGE_POOL_GET_INFO', (host) => host.poolGetInfo(pool));
      let room = available;
      const volumes: StorageVolume[] = [];
      this.#volumes.set(uuid, volumes);
      for (const disk of disks) {
        const content = disk.kind === 'secret' ? secrets?.disk() : undefined;
        const bytes = disk.kind === 'scratch' ? disk.bytes : (content?.length ?? 0);
        const what = describe(disk, bytes);
        if (bytes > room) return this.#fault(what, `the image directory has ${memoryText(room)} free`);
        const made = await this.#create(contact, disk.volume, bytes, content === undefined ? 0 : bytes);
        if (typeof made === 'string') return this.#fault(what, made);
        room -= bytes;
        volumes.push(made);
        const broken = content && (await this.#fill(contact, made, content));
        if (broken !== undefined) return this.#fault(what, broken);
      }
      return undefined;
    });
  }

  /** The host lists a domain no more, and no attempt is bound: its disks go. What cannot be deleted now is swept later. */
  async release(uuid: string): Promise<void> {
    if (!this.#volumes.has(uuid)) return;
    await this.#alone(async () => {
      const contact = currentContact(this.#parts.state);
      if (contact === undefined || this.#isWanted(uuid)) return;
      await this.#unlessLost(uuid, async () => {
        for (const volume of this.#volumes.get(uuid) ?? []) await this.#delete(contact, volume);
        this.#volumes.delete(uuid);
      });
    });
  }

  /**
   * Finds the volumes of this cluster that were made for attempts and that the host has, and deletes what is left over. Never rejects, and nobody
   * need wait for it; while one is under way another does nothing.
   */
  async sweep(contact: Contact): Promise<void> {
    if (this.#sweeping) return;
    this.#sweeping = true;
    try {
      await this.#alone(() => this.#unlessLost(undefined, () => this.#sweep(contact)));
    } catch (error) {
      this.#parts.logger.error('Disks made for domains could not be swept', { host: this.#parts.state.name, error });
    } finally {
      this.#sweeping = false;
    }
  }

  async #sweep(contact: Contact): Promise<void> {
    const { session, pool } = contact;
    const all = await onSession(session, 'STORAGE_POOL_LIST_ALL_VOLUMES', (host) => host.poolListAllVolumes(pool));
    const ours = all.flatMap((volume) => {
      const owner = volumeOwner(volume.name);
      return owner?.cluster === this.#parts.state.cluster ? [{ volume, uuid: owner.uuid }] : [];
    });
    this.#volumes = new Map();
    for (const { volume, uuid } of ours) this.#volumes.set(uuid, [...(this.#volumes.get(uuid) ?? []), volume]);
    const verdict = judgeScratch(ours, (uuid) => this.#isWanted(uuid), this.#suspects);
    this.#suspects = verdict.suspects;
    for (const { volume, uuid } of verdict.condemned) {
      // Asked anew: much can happen while the one before is deleted.
      if (this.#isWanted(uuid)) continue;
      const { name: host } = this.#parts.state;
      this.#parts.logger.info('A disk made for a domain was left over and is deleted', { host, volume: volume.name });
      await this.#delete(contact, volume);
      this.#volumes.delete(uuid);
    }
  }

  async #deleteEarlier(contact: Contact, { volume: name }: MadeDisk): Promise<void> {
    const { session, pool } = contact;
    const known = await orUndefined('no-storage-vol', () =>
      onSession(session, 'STORAGE_VOL_LOOKUP_BY_NAME', (host) => host.volLookupByName(pool, name)),
    );
    if (known !== undefined) await this.#delete(contact, known);
  }

  /** The volume, or the host's own words on why it is not to be had. */
  async #create(
    { session, pool }: Contact,
    name: string,
    bytes: number,
    allocated: number,
  ): Promise<StorageVolume | string> {
    const xml = buildXml({
      volume: {
        name,
        capacity: { '@unit': 'bytes', '#text': bytes },
        allocation: { '@unit': 'bytes', '#text': allocated },
        // From its first moment on only root in dom0 can read it.
        target: { format: { '@type': 'raw' }, permissions: { mode: '0600' } },
      },
    });
    return orRefusal(() => onSession(session, 'STORAGE_VOL_CREATE_XML', (host) => host.volCreateXml(pool, xml)));
  }

  /** The host's own words where it does not take the content. */
  async #fill({ session }: Contact, volume: StorageVolume, content: Uint8Array): Promise<string | undefined> {
    const sent = await orRefusal(() =>
      onSession(session, 'STORAGE_VOL_UPLOAD', (host) => host.volUpload(volume, content)),
    );
    return typeof sent === 'string' ? sent : undefined;
  }

  async #delete(contact: Contact, volume: StorageVolume): Promise<void> {
    const { session } = contact;
    if (volume.name.startsWith(SECRET_PREFIX)) await this.#wipe(contact, volume);
    await unless(['no-storage-vol'], () => onSession(session, 'STORAGE_VOL_DELETE', (host) => host.volDelete(volume)));
  }

  /** A file that is deleted leaves its blocks as they were. One that cannot be overwritten is to be deleted all the same. */
  async #wipe({ session }: Contact, volume: StorageVolume): Promise<void> {
    const refused = await orRefusal(async () => {
      await unless(['no-storage-vol', 'no-support'], () =>
        onSession(session, 'STORAGE_VOL_WIPE', (host) => host.volWipe(volume)),
      );
      return undefined;
    });
    if (refused === undefined) return;
    const { state, logger } = this.#parts;
    logger.warn('Secret values could not be overwritten before they are deleted', {
      host: state.name,
      volume: volume.name,
      error: refused,
    });
  }

  #fault(what: string, why: string): string {
    return `${this.#parts.state.name} cannot make ${what}: ${why}; ask for less, or make room there`;
  }

  /**
   * Whether an attempt's disks are still needed: its domain is listed, or it is bound here, or Xen may hold its domain
   * without libvirt knowing it, until a person has looked.
   */
  #isWanted(uuid: string): boolean {
    const { state, store } = this.#parts;
    if (state.domains.has(uuid) || state.assumed.has(uuid)) return true;
    return store.byIndex('uuid', uuid).some((resource) => {
      const binding = bindingOf(resource);
      if (binding?.uuid === uuid) return binding.host === state.name;
      return unknownAttemptsOf(resource).some((attempt) => attempt.uuid === uuid && attempt.host === state.name);
    });
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    const leave = await this.#one.enter(0);
    try {
      return await work();
    } finally {
      leave();
    }
  }

  /** Nothing waits for what is deleted here, and it is tried again at the next sweep. */
  async #unlessLost(uuid: string | undefined, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof LibvirtError)) throw error;
      const { state, logger } = this.#parts;
      logger.warn('Disks made for domains were not cleared away yet', { host: state.name, uuid, error: error.message });
    }
  }
}

function describe(disk: MadeDisk, bytes: number): string {
  return disk.kind === 'scratch'
    ? `the scratch disk "${disk.name}" of ${disk.size}`
    : `the disk of ${bytes} bytes for parameters from Secrets`;
}

/** What a call answers, or the daemon's own words where it refused. Throws LibvirtError where no answer came. */
async function orRefusal<T>(call: () => Promise<T>): Promise<T | string> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof LibvirtError) || error.mayHaveRun || error.code === 0) throw error;
    return error.message;
  }
}
