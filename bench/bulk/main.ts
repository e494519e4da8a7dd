import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { EPHEMERAL_DOMAINS, Phase } from '#controller/api/index.ts';
import { waitFor } from '#hack/bed/process.ts';
import { step } from '#hack/bed/step.ts';
import { pkiOf } from '#hack/cluster/pki.ts';
import { startIngress } from '#hack/commands/ingress.ts';
import type { IngressProcess } from '#hack/commands/ingress.ts';
import { withBenchBed } from '../support/bed.ts';
import type { BenchBed } from '../support/bed.ts';
import { describe, median } from '../support/figures.ts';
import { NAMESPACE, observe, untilNothingIsLeft } from '../support/left.ts';
import { rounded } from '../support/lives.ts';
import { hostOf, serveTemplate } from '../support/template.ts';
import { usageOf } from '../support/usage.ts';
import { tryEvents, tryExpect, tryHttp2, tryWebSocket } from './forms.ts';
import { bodyCrc, sendUp, takeDown } from './transfer.ts';
import type { Target, Transfer } from './transfer.ts';

/*
 * A large body up to a domain and down from one, through the ingress and straight to the guest in turn, by the same client:
 * how fast, and whether the ingress holds more memory the more goes through. Then the other forms of request, once each.
 */
const { values } = parseArgs({
  options: {
    bytes: { type: 'string', default: String(2 ** 30) },
    rounds: { type: 'string', default: '3' },
  },
});

/** What the ingress may hold more at the peak of a transfer than before it, MiB: its buffers, and garbage not collected yet. */
const FLAT_MIB = 96;
const SAMPLE_MS = 20;
const GUEST_PORT = 8000;
const MEMORY = '96Mi';
const WARM_UP_BYTES = 64 * 1024 * 1024;

type Way = 'up' | 'down';
type Arm = 'ingress' | 'straight';

const result = await withBenchBed({ hosts: process.env['HOSTS'] ?? 'lxc:1' }, measure);
console.log(JSON.stringify(result));
if (Math.max(result.grownMiB.up, result.grownMiB.down) > FLAT_MIB) process.exitCode = 1;

async function measure(bench: BenchBed) {
  const bytes = Number(values.bytes);
  const observers = await observe(bench.hosts);
  try {
    const ingress = await step('Starting the ingress', () => startIngress(bench.bed, bench.cluster));
    const port = Number(new URL(ingress.url).port);
    const http = { requestTimeoutSeconds: 300, spawnTimeoutSeconds: 45 };
    const words = { up: '-mode sink', down: `-mode source -bytes ${bytes}` };
    for (const way of ['up', 'down'] as const) {
      await serveTemplate(bench, port, { name: way, words: words[way], http, memory: MEMORY });
    }
    const transfers = await step(`Moving ${bytes} bytes up and down, ${values.rounds} times each way`, (progress) =>
      compare(bench, ingress, words, progress),
    );
    report(transfers);
    const forms = await step('Trying WebSocket, SSE, HTTP/2 and Expect', () => tryForms(bench, ingress));
    const left = await untilNothingIsLeft(bench, observers, ingress.metricsUrl);
    return { bench: 'bulk', bytes, ...summary(transfers), forms, left };
  } finally {
    await Promise.all(observers.map((observer) => observer.close()));
  }
}

interface Moved extends Transfer {
  readonly way: Way;
  readonly arm: Arm;
  /** Of the ingress, MiB: just before, at the peak, and after. */
  readonly memory: { readonly before: number; readonly peak: number; readonly after: number };
  /** Seconds of CPU that the ingress took. */
  readonly cpuSeconds: number;
}

async function compare(
  bench: BenchBed,
  ingress: IngressProcess,
  words: Readonly<Record<Way, string>>,
  progress: (words: string) => void,
): Promise<readonly Moved[]> {
  const bytes = Number(values.bytes);
  const port = Number(new URL(ingress.url).port);
  const crc = bodyCrc(bytes);
  const through = (way: Way): Target => ({ address: '127.0.0.1', port, host: hostOf(way) });
  const move = (target: Target, way: Way): Promise<Transfer> =>
    way === 'up' ? sendUp(target, bytes, crc) : takeDown(target, bytes);
  // Code is compiled, buffers have the size that they keep.
  await sendUp(through('up'), WARM_UP_BYTES, bodyCrc(WARM_UP_BYTES));
  await move(through('down'), 'down');
  const moved: Moved[] = [];
  for (let round = 1; round <= Number(values.rounds); round += 1) {
    for (const way of ['up', 'down'] as const) {
      for (const arm of round % 2 === 0 ? (['ingress', 'straight'] as const) : (['straight', 'ingress'] as const)) {
        progress(`round ${round}, ${way}, ${arm}`);
        const target = arm === 'ingress' ? through(way) : await startGuest(bench, `${way}-${round}`, words[way]);
        moved.push({ way, arm, ...(await sampled(ingress.pid, () => move(target, way))) });
      }
    }
  }
  return moved;
}

/** A domain like those of the ingress, which nobody but this bench asks. */
async function startGuest({ client }: BenchBed, name: string, words: string): Promise<Target> {
  const cmdline = `quiet -ipaddr $(IP) -netmask $(NETMASK) -gateway $(GATEWAY) -notify $(NOTIFY_URL) ${words}`;
  const domain = { type: 'pv', memory: MEMORY, vcpus: 1, boot: { kernel: 'hatchling', cmdline } } as const;
  const spec = { domain: { ...domain, readiness: { notify: {}, periodMilliseconds: 200 } } };
  await client.create(EPHEMERAL_DOMAINS, { metadata: { name, namespace: NAMESPACE }, spec });
  let address = '';
  await waitFor(
    `${name} is ready`,
    async () => {
      const { status } = await client.get(EPHEMERAL_DOMAINS, { namespace: NAMESPACE, name });
      if (status?.phase === Phase.Failed) throw new Error(`${name} failed: ${status.reason}: ${status.message}`);
      address = status?.address ?? '';
      return status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;
    },
    { timeoutMs: 60_000 },
  );
  return { address, port: GUEST_PORT, host: name };
}

async function sampled(pid: number, move: () => Promise<Transfer>) {
  const before = residentMiB(pid);
  const cpu = usageOf(pid).cpuSeconds;
  let peak = before;
  const timer = setInterval(() => (peak = Math.max(peak, residentMiB(pid))), SAMPLE_MS);
  try {
    const { rate } = await move();
    return { rate, memory: { before, peak, after: residentMiB(pid) }, cpuSeconds: usageOf(pid).cpuSeconds - cpu };
  } finally {
    clearInterval(timer);
  }
}

function residentMiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

async function tryForms(bench: BenchBed, { url, tlsUrl }: IngressProcess) {
  const [port, tlsPort] = [url, tlsUrl].map((one) => Number(new URL(one).port)) as [number, number];
  for (const [name, words] of [
    ['ws', '-mode ws'],
    ['sse', '-mode sse -delay_ms 200'],
    ['echo', '-mode echo'],
  ] as const) {
    await serveTemplate(bench, port, { name, words, http: { spawnTimeoutSeconds: 45 }, memory: MEMORY });
  }
  const front = { port, tlsPort, ca: await readFile(pkiOf(bench.bed).ca, 'utf8') };
  return {
    webSocket: await tryWebSocket(front),
    events: await tryEvents(front),
    http2: await tryHttp2(front),
    expect: await tryExpect(front),
  };
}

function chosen(moved: readonly Moved[], way: Way, arm: Arm): readonly Moved[] {
  return moved.filter((one) => one.way === way && one.arm === arm);
}

function rates(moved: readonly Moved[], way: Way, arm: Arm): readonly number[] {
  return chosen(moved, way, arm).map(({ rate }) => rate);
}

function report(moved: readonly Moved[]): void {
  console.log('\nMB a second:');
  for (const way of ['up', 'down'] as const) {
    for (const arm of ['ingress', 'straight'] as const) {
      console.log(`  ${way.padEnd(5)} ${arm.padEnd(9)} ${describe(rates(moved, way, arm), 0)}`);
    }
  }
  console.log('\nResident memory of the ingress, MiB, before, at the peak and after each transfer through it:');
  for (const { way, arm, memory, cpuSeconds } of moved) {
    if (arm !== 'ingress') continue;
    const all = [memory.before, memory.peak, memory.after].map((mib) => mib.toFixed(0)).join(', ');
    console.log(`  ${way.padEnd(5)} ${all}; ${cpuSeconds.toFixed(1)} s of CPU`);
  }
}

function summary(moved: readonly Moved[]) {
  const rate = (way: Way, arm: Arm): number => Math.round(median(rates(moved, way, arm)));
  const ratio = (way: Way): number =>
    rounded(median(rates(moved, way, 'ingress')) / median(rates(moved, way, 'straight')));
  const grown = (way: Way): number =>
    rounded(Math.max(...chosen(moved, way, 'ingress').map(({ memory }) => memory.peak - memory.before)));
  return {
    ratio: { up: ratio('up'), down: ratio('down') },
    mbPerSecond: {
      up: { ingress: rate('up', 'ingress'), straight: rate('up', 'straight') },
      down: { ingress: rate('down', 'ingress'), straight: rate('down', 'straight') },
    },
    grownMiB: { up: grown('up'), down: grown('down') },
    peakMiB: rounded(Math.max(...moved.map(({ memory }) => memory.peak))),
  };
}
