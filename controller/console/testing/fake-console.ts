import { silentLogger } from '#controller/kube/index.ts';
import { FakeClock } from '#controller/kube/testing/fake-clock.ts';
import { LibvirtError } from '#controller/libvirt/index.ts';
import type { ConsoleStream, LibvirtErrorKind } from '#controller/libvirt/index.ts';
import { HostConsoles } from '../host-consoles.ts';
import { Throttle } from '../throttle.ts';

export const failure = (kind: LibvirtErrorKind) =>
  new LibvirtError(kind, { kind, uri: 'test', procedure: 'DOMAIN_OPEN_CONSOLE', mayHaveRun: false });

/** A console that says what the test lets it say. */
export class FakeStream implements ConsoleStream {
  closed = 0;
  /** Chunks that were asked for. */
  taken = 0;
  readonly #queue: (string | Buffer | Error | undefined)[] = [];
  #wake: (() => void) | undefined;

  /** undefined: the end; an error: the connection is lost. */
  say(...what: readonly (string | Buffer | Error | undefined)[]): void {
    this.#queue.push(...what);
    this.#wake?.();
  }

  write(): Promise<void> {
    return Promise.reject(new Error('nobody writes to a console here'));
  }

  /** When its host knows that it was closed. */
  closing: Promise<undefined> = Promise.resolve(undefined);

  async close(): Promise<void> {
    this.closed += 1;
    await this.closing;
    this.say(undefined);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for (;;) {
      while (this.#queue.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
      const said = this.#queue.shift();
      if (said === undefined) return;
      if (said instanceof Error) throw said;
      this.taken += 1;
      yield Buffer.from(said);
    }
  }
}

/** A host of consoles that are opened as told: a stream, or an error. */
export function createHost(...openings: readonly (FakeStream | LibvirtError)[]) {
  const clock = new FakeClock();
  const left = [...openings];
  const host = { clock, opened: [] as string[], over: [] as string[] };
  const consoles = new HostConsoles({
    ...{ host: 'h', supported: true, clock, logger: silentLogger },
    shared: new Throttle(() => clock.now(), { bytesPerSecond: 1e9, burst: 1e9 }),
    over: (uuid) => host.over.push(uuid),
    open: (uuid) => {
      host.opened.push(uuid);
      const next = left.shift() ?? failure('no-domain');
      return next instanceof LibvirtError ? Promise.reject(next) : Promise.resolve(next);
    },
  });
  return Object.assign(host, { consoles });
}
