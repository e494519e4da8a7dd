import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bed } from '../bed/bed.ts';
import type { Cleanup } from '../bed/cleanup.ts';
import { ensurePackages } from '../bed/packages.ts';
import { waitFor } from '../bed/process.ts';
import { finishedSteps, step } from '../bed/step.ts';
import { throwIfInterrupted } from '../bed/interrupt.ts';
import type { TestHost } from '../hosts/host.ts';
import { followDomains } from './demo/follow.ts';
import { lastWords } from './demo/lastwords.ts';
import { request } from './demo/request.ts';
import type { Requested } from './demo/request.ts';
import { describeChange, isFinished, momentsOf } from './demo/view.ts';
import type { DomainView } from './demo/view.ts';
import { followConsole, watchVirsh } from './demo/witness.ts';
import { listDomainHosts } from './domainhosts.ts';
import { renderTable } from './status.ts';
import { bringUp } from './up.ts';
import type { RunningBed } from './up.ts';

/** The demo ran, and what it is to show did not come about. */
export class DemoError extends Error {
  constructor(message: string) {
    super(`the demo has failed: ${message}`);
    this.name = 'DemoError';
  }
}

/** What was seen of the domain, from the API server's side and from libvirt's. */
interface Seen {
  readonly domain: DomainView | undefined;
  /** The list in which virsh showed it running. */
  readonly list: string | undefined;
  readonly console: readonly string[];
}

const RUN_TIMEOUT_MS = 180_000;

/**
 * The main job: a control plane and one Xen host; applies examples/hello.yaml and shows what becomes of it, then asks the
 * ingress for a page. Fails unless both domains ran on Xen, seen there by virsh, and ended Succeeded.
 */
export async function runDemo(bed: Bed, cleanup: Cleanup): Promise<void> {
  const start = performance.now();
  await ensurePackages(['libvirt-clients']);
  const running = await bringUp(bed, cleanup, {
    hosts: [{ kind: 'xen', number: 1 }],
    ingress: { port: undefined },
  });
  const [host] = running.hosts;
  if (host === undefined) throw new DemoError('it has no host');
  const upMs = performance.now() - start;
  console.log(
    `\n$ kubectl get dh -o wide\n${(await running.cluster.kubectl(['get', 'domainhosts', '-o', 'wide'])).trimEnd()}\n`,
  );

  try {
    const seen = await step('Running examples/hello.yaml', () => applyAndFollow(running, host));
    await report(running, seen);
    await judge(running, host, seen);
    const requested = await step('Asking the ingress for a page', () => request(running, host, sayer()));
    judgeRequest(requested, host);
  } catch (error) {
    console.log(`\n${await lastWords(bed)}\n`);
    throw error;
  }
  console.log(`\nWhat each step took:\n${summary(upMs)}\n`);
  console.log(
    'Both domains ran on Xen, one applied and one for a request, and have succeeded. Taking everything down.',
  );
}

async function applyAndFollow({ bed, cluster }: RunningBed, host: TestHost): Promise<Seen> {
  const manifest = await readFile(join(bed.root, 'examples', 'hello.yaml'), 'utf8');
  const say = sayer();
  let domain: DomainView | undefined;
  const following = followDomains(cluster.kubectl, RUN_TIMEOUT_MS, (next) => {
    const change = describeChange(domain, next);
    domain = next;
    if (change !== undefined) say('kubectl', change);
  });
  const name = (): string | undefined => domain?.status?.domain?.name;
  const over = new AbortController();
  const ended = (): boolean => over.signal.aborted || isFinished(domain);
  const lines: string[] = [];
  try {
    const virsh = watchVirsh(host, name, ended);
    const reading = followConsole(host, name, ended, (line) => {
      lines.push(line);
      say('console', line);
    });
    const applied = await cluster.kubectl(['apply', '-f', '-'], { input: manifest });
    say('kubectl', applied.trim());
    const shown = virsh.then((list) => {
      if (list !== undefined) say('virsh', `lists it as running:\n${indent(list)}`);
      return list;
    });
    await Promise.all([waitFor('the domain ends', ended, { timeoutMs: RUN_TIMEOUT_MS }), shown, reading]);
    return { domain, list: await shown, console: lines };
  } finally {
    over.abort();
    await following.stop();
  }
}

/** Says who did what, and when, in seconds from now on. */
function sayer(): (who: string, what: string) => void {
  const start = performance.now();
  return (who, what) => {
    console.log(`  ${((performance.now() - start) / 1000).toFixed(2).padStart(6)} s  ${who.padEnd(8)}${what}`);
  };
}

async function report({ cluster }: RunningBed, { domain, console: lines }: Seen): Promise<void> {
  if (domain === undefined) return;
  throwIfInterrupted();
  const { name } = domain.metadata;
  console.log(`\n$ kubectl get edom -o wide\n${(await cluster.kubectl(['get', 'edom', '-o', 'wide'])).trimEnd()}`);
  console.log(`\n$ kubectl describe edom ${name}\n${(await cluster.kubectl(['describe', 'edom', name])).trimEnd()}`);
  if (lines.length === 0) console.log('\nIts console said nothing while it was open.');
  const rows = momentsOf(domain.status?.timeline ?? {}).map((moment) => [
    moment.name,
    `${moment.sinceFirstMs.toFixed(1)} ms`,
    `+${moment.sinceLastMs.toFixed(1)} ms`,
  ]);
  console.log(`\nTimeline:\n${indent(renderTable(['MOMENT', 'SINCE THE FIRST', 'STEP'], rows))}`);
}

async function judge({ cluster }: RunningBed, host: TestHost, { domain, list }: Seen): Promise<void> {
  const { phase, reason, message } = domain?.status ?? {};
  if (phase !== 'Succeeded') {
    throw new DemoError(`the domain is ${phase ?? 'unknown'} (${reason ?? 'no reason'}: ${message ?? 'no message'})`);
  }
  const domainHost = (await listDomainHosts(cluster.kubectl)).find(({ metadata }) => metadata.name === host.name);
  const type = domainHost?.status?.hypervisor?.type;
  if (type?.toLowerCase() !== 'xen') throw new DemoError(`${host.name} is of type ${type ?? 'unknown'}, not Xen`);
  if (domain?.status?.host !== host.name) throw new DemoError(`it ran on ${domain?.status?.host ?? 'no host'}`);
  if (list === undefined) throw new DemoError(`virsh never listed the domain as running on ${host.name}`);
}

function judgeRequest({ status, domain, view, list }: Requested, host: TestHost): void {
  if (status !== 200) throw new DemoError(`the request was answered ${status}`);
  if (domain === undefined || view === undefined) throw new DemoError('no EphemeralDomain answered the request');
  const { phase, reason, message, host: where } = view.status ?? {};
  if (phase !== 'Succeeded') {
    throw new DemoError(`${domain} is ${phase ?? 'unknown'} (${reason ?? 'no reason'}: ${message ?? 'no message'})`);
  }
  if (where !== host.name) throw new DemoError(`${domain} ran on ${where ?? 'no host'}`);
  if (list === undefined) throw new DemoError(`virsh never listed the domain of ${domain} as running`);
}

function summary(upMs: number): string {
  const rows = finishedSteps().map(({ text, milliseconds }) => [text, `${(milliseconds / 1000).toFixed(1)} s`]);
  rows.push(['All set-up together (steps ran side by side)', `${(upMs / 1000).toFixed(1)} s`]);
  return indent(renderTable(['STEP', 'TIME'], rows));
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
}
