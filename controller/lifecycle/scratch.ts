import type { ScratchPlan } from '#controller/domain/disks.ts';
import { scratchOwner } from '#controller/domain/disks.ts';
import { buildXml } from '#controller/domain/xmltext.ts';
import type { KubeLogger } from '#controller/kube/index.ts';
import { LibvirtError } from '#controller/libvirt/index.ts';
import type { StorageVolume } from '#controller/libvirt/index.ts';
import { memoryText } from '#controller/scheduler/index.ts';
import { bindingOf, unknownAttemptsOf } from './attempt.ts';
import type { Contact } from './contact.ts';
import { Gate } from './gate.ts';
import { currentContact } from './host-state.ts';
import type { HostState } from './host-state.ts';
import { onSession, orUndefined, unless } from './session.ts';
import type { DomainStore } from './writer.ts';

export interface ScratchParts {
  readonly state: HostState;
  readonly store: DomainStore;
  readonly logger: KubeLogger;
}

/** A scratch volume that a host has, and the attempt that it was made for. */
export interface ScratchVolume {
  readonly volume: StorageVolume;
  readonly uuid: string;
}

/** What of a host's scratch volumes is to go. */
export interface ScratchVerdict {
  readonly condemned: readonly ScratchVolume[];
  /** Names of those that go if the next look finds them unwanted again. */
  readonly suspects: ReadonlySet<string>;
}

/**
 * Says which scratch volumes are left over: those that nobody wants, and that an earlier look found so already. One look
 * is not enough, since the cache of resources may be behind: a process that was killed a moment ago may have bound an
 * attempt and made its disks.
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

/**
 * The scratch disks of one host: made before their domain is asked for, deleted when the host no longer lists it, and
 * swept where a process was killed in between. One thing is done at a time, and whether a volume is wanted is asked
 * within it: so none is deleted that a start has just made.
 */
export class ScratchDisks {
  readonly #parts: ScratchParts;
  readonly #one = new Gate(1);
  /** By the attempt's UUID. */
  #volumes = new Map<string, readonly StorageVolume[]>();
  #suspects: ReadonlySet<string> = new Set();
  #sweeping = false;

  constructor(parts: ScratchParts) {
    this.#parts = parts;
  }

  /**
   * Makes the disks of an attempt whose domain has never run, anew where an earlier process made them: that they are empty
   * is then certain. Returns why one cannot be made, or undefined. Throws LibvirtError where the host gave no answer.
   */
  async make(contact: Contact, uuid: string, disks: readonly ScratchPlan[]): Promise<string | undefined> {
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
        if (disk.bytes > room) return this.#fault(disk, `the image directory has ${memoryText(room)} free`);
        const made = await this.#create(contact, disk);
        if (typeof made === 'string') return this.#fault(disk, made);
        room -= disk.bytes;
        volumes.push(made);
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
   * Finds the scratch volumes of this cluster that the host has, and deletes what is left over. Never rejects, and nobody
   * need wait for it; while one is under way another does nothing.
   */
  async sweep(contact: Contact): Promise<void> {
    if (this.#sweeping) return;
    this.#sweeping = true;
    try {
      await this.#alone(() => this.#unlessLost(undefined, () => this.#sweep(contact)));
    } catch (error) {
      this.#parts.logger.error('Scratch disks could not be swept', { host: this.#parts.state.name, error });
    } finally {
      this.#sweeping = false;
    }
  }

  async #sweep(contact: Contact): Promise<void> {
    const { session, pool } = contact;
    const all = await onSession(session, 'STORAGE_POOL_LIST_ALL_VOLUMES', (host) => host.poolListAllVolumes(pool));
    const ours = all.flatMap((volume) => {
      const owner = scratchOwner(volume.name);
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
      this.#parts.logger.info('A scratch disk was left over and is deleted', { host, volume: volume.name });
      await this.#delete(contact, volume);
      this.#volumes.delete(uuid);
    }
  }

  async #deleteEarlier(contact: Contact, { volume: name }: ScratchPlan): Promise<void> {
    const { session, pool } = contact;
    const known = await orUndefined('no-storage-vol', () =>
      onSession(session, 'STORAGE_VOL_LOOKUP_BY_NAME', (host) => host.volLookupByName(pool, name)),
    );
    if (known !== undefined) await this.#delete(contact, known);
  }

  /** The volume, or the host's own words on why it is not to be had. */
  async #create({ session, pool }: Contact, { volume, bytes }: ScratchPlan): Promise<StorageVolume | string> {
    const xml = buildXml({
      volume: {
        name: volume,
        capacity: { '@unit': 'bytes', '#text': bytes },
        allocation: { '@unit': 'bytes', '#text': 0 },
        target: { format: { '@type': 'raw' }, permissions: { mode: '0600' } },
      },
    });
    try {
      return await onSession(session, 'STORAGE_VOL_CREATE_XML', (host) => host.volCreateXml(pool, xml));
    } catch (error) {
      if (!(error instanceof LibvirtError) || error.mayHaveRun || error.code === 0) throw error;
      return error.message;
    }
  }

  async #delete({ session }: Contact, volume: StorageVolume): Promise<void> {
    await unless(['no-storage-vol'], () => onSession(session, 'STORAGE_VOL_DELETE', (host) => host.volDelete(volume)));
  }

  #fault({ name, size }: ScratchPlan, why: string): string {
    const { name: host } = this.#parts.state;
    return `${host} cannot make the scratch disk "${name}" of ${size}: ${why}; ask for less, or make room there`;
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
    const leave = await this.#one.enter();
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
      logger.warn('Scratch disks were not cleared away yet', { host: state.name, uuid, error: error.message });
    }
  }
}
