import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, LibvirtError } from '#controller/libvirt/index.ts';
import type { ConsoleStream, Hypervisor } from '#controller/libvirt/index.ts';
import { CommandError, run } from '../../bed/run.ts';
import type { TestHost } from '../../hosts/host.ts';

/** `virsh list --all` against a host, by libvirt's own program: a witness that shares no code with the controller. */
export async function virshList(host: TestHost): Promise<string> {
  const uri = host.tls === undefined ? host.uri : `${host.uri}?pkipath=${host.tls.pkipath}`;
  const { stdout } = await run(['virsh', '--connect', uri, '--readonly', 'list', '--all'], { timeoutMs: 20_000 });
  return stdout.trimEnd();
}

/** The line of a list that speaks of a domain, where it runs; libvirt calls it idle or running. */
export function runningLine(list: string, name: string): string | undefined {
  return list.split('\n').find((line) => {
    const [id, listed, state] = line.trim().split(/\s+/);
    return listed === name && id !== '-' && (state === 'running' || state === 'idle' || state === 'no');
  });
}

/** Looks until virsh shows the domain running; undefined where `ended` says that it has ended before. */
export async function watchVirsh(
  host: TestHost,
  name: () => string | undefined,
  ended: () => boolean,
): Promise<string | undefined> {
  while (!ended()) {
    const domain = name();
    if (domain !== undefined) {
      const list = await virshList(host).catch((error: unknown) => {
        // A host that is busy may refuse one look; the next one comes at once.
        if (error instanceof CommandError && error.failure.kind !== 'spawn') return '';
        throw error;
      });
      if (runningLine(list, domain) !== undefined) return list;
    }
    await sleep(150);
  }
  return undefined;
}

/** Reads a domain's console from when it can be opened to its end, and hands on each line. */
export async function followConsole(
  host: TestHost,
  name: () => string | undefined,
  ended: () => boolean,
  onLine: (line: string) => void,
): Promise<void> {
  const hypervisor = await connectTo(host);
  try {
    const stream = await openWhenThere(hypervisor, name, ended);
    if (stream === undefined) return;
    let rest = '';
    for await (const chunk of untilEnded(stream, ended)) {
      const lines = (rest + chunk.toString()).split(/\r?\n/);
      rest = lines.pop() ?? '';
      lines.forEach(onLine);
    }
    if (rest !== '') onLine(rest);
  } finally {
    await hypervisor.close();
  }
}

/** How long after a domain's end its last words may still be under way. */
const LAST_WORDS_MS = 500;

/** A preserved domain keeps its console open after its end: soon after that the reader closes it. */
async function* untilEnded(stream: ConsoleStream, ended: () => boolean): AsyncGenerator<Buffer> {
  let timer: NodeJS.Timeout | undefined;
  const poll = setInterval(() => {
    if (ended()) timer ??= setTimeout(() => void stream.close(), LAST_WORDS_MS);
  }, 100);
  try {
    yield* stream;
  } catch (error) {
    // Destroyed under the reader: that is how the controller acknowledges an end.
    if (!(error instanceof LibvirtError)) throw error;
  } finally {
    clearInterval(poll);
    clearTimeout(timer);
  }
}

async function connectTo(host: TestHost): Promise<Hypervisor> {
  const hypervisor = connect({ uri: host.uri, tls: host.tls === undefined ? undefined : await credentials(host.tls) });
  await hypervisor.connected(20_000);
  return hypervisor;
}

async function credentials(tls: { readonly pkipath: string }): Promise<{ ca: Buffer; cert: Buffer; key: Buffer }> {
  const file = (name: string): Promise<Buffer> => readFile(join(tls.pkipath, name));
  const [ca, cert, key] = await Promise.all([file('cacert.pem'), file('clientcert.pem'), file('clientkey.pem')]);
  return { ca, cert, key };
}

/** The console can be opened once libvirt has made the domain, a moment after its name is known. */
async function openWhenThere(
  hypervisor: Hypervisor,
  name: () => string | undefined,
  ended: () => boolean,
): Promise<ConsoleStream | undefined> {
  while (!ended()) {
    const domain = name();
    if (domain !== undefined) {
      try {
        return await hypervisor.openConsole(await hypervisor.lookupByName(domain));
      } catch (error) {
        if (!(error instanceof LibvirtError)) throw error;
      }
    }
    await sleep(100);
  }
  return undefined;
}
