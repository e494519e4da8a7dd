import type { Bed } from '../bed/bed.ts';
import { processAgeSeconds } from '../bed/identity.ts';
import { recordedProcesses, runningIdentity } from '../bed/process.ts';
import { attachCluster, hasCluster } from '../cluster/cluster.ts';

/** Prints each process of a bed and its DomainHosts; resolves with whether something is up and all of it runs. */
export async function showStatus(bed: Bed): Promise<boolean> {
  const names = await recordedProcesses(bed);
  if (names.length === 0) {
    console.log('Nothing is up; "make up HOSTS=xen:1" starts a test bed.');
    return false;
  }
  const rows = await Promise.all(names.map((name) => processRow(bed, name)));
  console.log(
    renderTable(
      ['PROCESS', 'PID', 'STATE', 'SINCE'],
      rows.map(({ cells }) => cells),
    ),
  );
  if (await hasCluster(bed)) {
    const { kubectl, kubeconfig } = await attachCluster(bed);
    console.log(`\nkubeconfig: ${kubeconfig}`);
    if (await kubectl.answers(['get', 'domainhosts'])) {
      const table = (await kubectl(['get', 'domainhosts', '-o', 'wide'])).trimEnd();
      console.log(table === '' ? '\nNo DomainHosts.' : `\n${table}`);
    } else {
      console.log('The API server does not answer.');
    }
  }
  return rows.every(({ runs }) => runs);
}

/** Lays cells out in columns, two blanks between them. */
export function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A duration as kubectl shows ages: 42s, 5m, 3h, 2d. */
export function renderAge(seconds: number): string {
  if (seconds < 120) return `${Math.floor(seconds)}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

async function processRow(
  bed: Bed,
  name: string,
): Promise<{ readonly runs: boolean; readonly cells: readonly string[] }> {
  const identity = await runningIdentity(bed, name);
  if (identity === undefined) return { runs: false, cells: [name, '-', 'gone', '-'] };
  return { runs: true, cells: [name, String(identity.pid), 'running', renderAge(processAgeSeconds(identity))] };
}
