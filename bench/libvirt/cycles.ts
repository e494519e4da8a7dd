import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

import { connect } from '#controller/libvirt/index.ts';
import type { Hypervisor } from '#controller/libvirt/index.ts';

// Create and destroy cycles through our own client, as main.ts asks for them:
//   cycles.ts URI
// then on standard input lines "WORKERS RUN_MS", each answered by {"cycles":N,"seconds":S}.
// Two connections, as every session has, lifecycle events registered and counted; a run fails where an event is
// missing. The workers run a little before and after what is counted.

const LEAD_MS = 20;

interface State {
  phase: 'leading' | 'counting' | 'over';
  events: number;
  cycles: number;
  counted: number;
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

const work = async (hypervisor: Hypervisor, state: State, number: number): Promise<void> => {
  for (let turn = 0; state.phase !== 'over'; turn++) {
    const uuid = `${hex(number, 8)}-0000-4000-8000-${hex(turn, 12)}`;
    const domain = await hypervisor.createXml(
      `<domain type='test'><name>w${number}-${turn}</name><uuid>${uuid}</uuid>` +
        `<memory>1024</memory><os><type>hvm</type></os></domain>`,
    );
    await hypervisor.destroy(domain);
    state.cycles++;
    if (state.phase === 'counting') state.counted++;
  }
};

const run = async (hypervisor: Hypervisor, state: State, workers: number, ms: number): Promise<void> => {
  state.counted = 0;
  state.phase = 'leading';
  const running = Promise.all(Array.from({ length: workers }, (_, number) => work(hypervisor, state, number)));
  await delay(LEAD_MS);
  state.phase = 'counting';
  const begun = performance.now();
  await delay(ms);
  state.phase = 'over';
  const seconds = (performance.now() - begun) / 1000;
  const cycles = state.counted;
  await running;
  for (let i = 0; i < 1000 && state.events < 2 * state.cycles; i++) await delay(2);
  if (state.events !== 2 * state.cycles) throw new Error(`${state.events} events of ${state.cycles} cycles`);
  console.log(JSON.stringify({ cycles, seconds }));
};

const state: State = { phase: 'over', events: 0, cycles: 0, counted: 0 };
const hypervisor = connect({ uri: process.argv[2] ?? '', observer: { onLifecycle: () => state.events++ } });
await hypervisor.connected(10_000);
for await (const line of createInterface({ input: process.stdin })) {
  const [workers, ms] = line.split(' ').map(Number);
  await run(hypervisor, state, workers ?? 1, ms ?? 0);
}
await hypervisor.close();
