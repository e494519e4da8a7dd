import { DumpFlags, LibvirtError } from '#controller/libvirt/index.ts';
import type { DomainRef, LibvirtErrorKind, LifecycleEvent } from '#controller/libvirt/index.ts';
import type { StageHost } from '../stage-hosts.ts';
import type { Deed } from './history.ts';
import type { LifeScript } from './script.ts';

/** What a guest, or somebody in dom0, cannot do since something else was faster. */
const OVERTAKEN: ReadonlySet<LibvirtErrorKind> = new Set([
  'no-domain',
  'operation-invalid',
  'connection-lost',
  'not-connected',
  'closed',
]);

export interface PlayerParts {
  /** By the resource's name. */
  readonly scripts: ReadonlyMap<string, LifeScript>;
  readonly note: (uuid: string, deed: Deed) => void;
  /** Whether Running of this domain is stored: what is destroyed before that counts as never run (DESIGN.md, the hole). */
  readonly isStoredAsRunning: (uuid: string) => boolean;
  readonly later: (what: string, ms: number, work: () => Promise<void>) => void;
}

/** Takes a host's events in, in order, and plays its guests: each ends as its resource's script says. */
export class Player {
  readonly #host: StageHost;
  readonly #parts: PlayerParts;
  #seen = 0;

  constructor(host: StageHost, parts: PlayerParts) {
    this.#host = host;
    this.#parts = parts;
  }

  /** Plays what has started since the last time. */
  playNew(): void {
    for (const event of this.#host.events.slice(this.#seen)) this.#hear(event);
    this.#seen = this.#host.events.length;
  }

  #hear({ domain, event }: LifecycleEvent): void {
    if (event !== 'started') return;
    this.#parts.note(domain.uuid, 'started');
    this.#parts.later(`play ${domain.name}`, 0, () => unlessOvertaken(() => this.#play(domain)));
  }

  async #play(domain: DomainRef): Promise<void> {
    const title = /<title>[^/<]*\/([^<]*)<\/title>/.exec(await this.#host.client.getXmlDesc(domain))?.[1] ?? '';
    const script = this.#parts.scripts.get(title);
    if (script === undefined || script.fate === 'never') return;
    this.#parts.later(`${script.fate} ${title}`, script.runsMs, () => this.#end(domain, script));
  }

  async #end(domain: DomainRef, script: LifeScript): Promise<void> {
    const { client } = this.#host;
    const deed = script.fate;
    if (deed === 'never') return;
    if (deed === 'destroyed-whole' && !this.#parts.isStoredAsRunning(domain.uuid)) {
      // Later, unless it is gone by then for another reason.
      await unlessOvertaken(async () => {
        await client.getState(domain);
        this.#parts.later(`${deed} ${script.name} ${domain.uuid}`, 50, () => this.#end(domain, script));
      });
      return;
    }
    await unlessOvertaken(async () => {
      await this.#do(domain, deed);
      if (deed === 'destroyed-whole') await client.undefine(domain);
    });
  }

  async #do(domain: DomainRef, deed: Exclude<LifeScript['fate'], 'never'>): Promise<void> {
    const { client } = this.#host;
    try {
      if (deed === 'power-off') await client.shutdown(domain);
      else if (deed === 'crash') await client.coreDump(domain, '/dev/null', DumpFlags.crash);
      else await client.destroy(domain);
      this.#parts.note(domain.uuid, deed);
    } catch (error) {
      if (error instanceof LibvirtError && error.kind === 'internal' && !(await this.#runs(domain))) return;
      // Whether it was done before the daemon was killed is not known; it may have been.
      if (error instanceof LibvirtError && error.kind === 'connection-lost') this.#parts.note(domain.uuid, deed);
      throw error;
    }
  }

  /** The test driver calls it an internal error to shut down what has ended. */
  async #runs(domain: DomainRef): Promise<boolean> {
    return (await this.#host.client.getState(domain)).state === 'running';
  }
}

async function unlessOvertaken(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof LibvirtError) || !OVERTAKEN.has(error.kind)) throw error;
  }
}
