import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { constants, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';

import { ensurePackages } from '#hack/bed/packages.ts';
import { Contender, prepareCommands } from './contenders.ts';
import type { ContenderName } from './contenders.ts';
import { describe, median, rotate } from '../support/figures.ts';

// Our libvirt client against python3-libvirt and libvirt's C library: create and destroy cycles per second on the test
// driver, with lifecycle events on and counted, two connections each. The contenders take turns many times, so that
// what else the machine does falls on all of them; a ratio is the median of those of the single rounds.

const { signals } = constants;
const NAMES: readonly ContenderName[] = ['ours', 'python', 'c'];
const OTHERS = ['python', 'c'] as const;
const IN_FLIGHT = [1, 8, 64] as const;
const PACKAGES = ['libvirt-daemon', 'libvirt-dev', 'python3-libvirt', 'gcc', 'libc6-dev'] as const;
const ROUNDS = 48;
const RUN_MS = 300;
/** Before anything counts, at 8 in flight. */
const WARM_UP_MS = 2_000;
/** No more rounds are begun after this, whatever has become of the machine. */
const LONGEST_MS = 210_000;

type Rates = Record<ContenderName, number[]>;

const measure = async (contenders: readonly Contender[], inFlight: number, until: number): Promise<Rates> => {
  const rates: Rates = { ours: [], python: [], c: [] };
  for (let round = 0; round < ROUNDS && (round < 3 || performance.now() < until); round++) {
    for (const contender of rotate(contenders, round)) {
      rates[contender.name].push(await contender.run(inFlight, RUN_MS));
    }
  }
  return rates;
};

const ratios = (ours: readonly number[], theirs: readonly number[]): readonly number[] =>
  ours.map((rate, round) => rate / (theirs[round] ?? NaN));

const load = (): string => `load ${(loadavg()[0] ?? NaN).toFixed(1)}`;

const report = (inFlight: number, rates: Rates): Readonly<Record<string, number>> => {
  for (const name of NAMES) {
    console.log(`${inFlight} in flight: ${name.padEnd(6)} ${describe(rates[name], 0)} cycles/s`);
  }
  const found = OTHERS.map((other) => {
    const all = ratios(rates.ours, rates[other]);
    console.log(`${inFlight} in flight: ours over ${other}: ${describe(all, 2)}, ${all.length} rounds, ${load()}`);
    return [`${other}_c${inFlight}`, Number(median(all).toFixed(3))] as const;
  });
  return Object.fromEntries(found);
};

const bench = async (contenders: readonly Contender[]): Promise<Readonly<Record<string, number>>> => {
  const begun = performance.now();
  for (const contender of contenders) await contender.run(8, WARM_UP_MS);
  let ratio: Readonly<Record<string, number>> = {};
  for (const [index, inFlight] of IN_FLIGHT.entries()) {
    const until = begun + (LONGEST_MS * (index + 1)) / IN_FLIGHT.length;
    ratio = { ...ratio, ...report(inFlight, await measure(contenders, inFlight, until)) };
  }
  return ratio;
};

await ensurePackages(PACKAGES);
// At the exit that this makes contenders and daemons end and their folders go.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(128 + signals[signal]));
const folder = await mkdtemp(join(tmpdir(), 'hatchery-bench-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const contenders: Contender[] = [];
try {
  const commands = await prepareCommands(folder);
  for (const name of NAMES) contenders.push(await Contender.start(name, commands[name]));
  console.log(`up to ${ROUNDS} rounds of ${RUN_MS} ms for each client at ${IN_FLIGHT.join(', ')} in flight; ${load()}`);
  const found = await bench(contenders);
  const order = OTHERS.flatMap((name) => IN_FLIGHT.map((inFlight) => `${name}_c${inFlight}`));
  const ratio = Object.fromEntries(order.map((key) => [key, found[key]]));
  console.log(JSON.stringify({ bench: 'libvirt', ratio }));
} finally {
  for (const contender of contenders) await contender.stop();
}
