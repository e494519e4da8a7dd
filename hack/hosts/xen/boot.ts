/** dom0's kernel has given up while it booted. */
export class BootPanic extends Error {
  override readonly name = 'BootPanic';
}

/** The line in which dom0's kernel says on its console that it gives up; undefined: it does not. */
export function panicOf(consoleText: string): string | undefined {
  return /Kernel panic - not syncing: .*/.exec(consoleText)?.[0].trim();
}

/**
 * Boots a box, and boots it anew where dom0's kernel panics, at most so many times in all. As a kernel patches its own code
 * (its jump labels, until the clock is known to be steady), QEMU's emulation may let another processor run an instruction
 * that is half patched: "Oops: int3" in sched_clock_cpu, seen once in hundreds of boots.
 */
export async function bootUntilSteady(
  times: number,
  boot: () => Promise<void>,
  clear: () => Promise<void>,
  say: (words: string) => void,
): Promise<void> {
  for (let boots = 1; ; boots += 1) {
    try {
      await boot();
      return;
    } catch (error) {
      await clear();
      if (!(error instanceof BootPanic) || boots >= times) throw error;
      say(`${error.message}: booting once more`);
    }
  }
}
