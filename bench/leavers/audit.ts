import { auditLog } from '#hack/cluster/audit.ts';
import { followLines } from '../support/lines.ts';
import type { Lines } from '../support/lines.ts';
import type { BenchBed } from '../support/bed.ts';

/** A line of the API server's audit log, as far as it is read here. */
export interface AuditLine {
  readonly stage: 'RequestReceived' | 'ResponseComplete';
  readonly verb: 'create' | 'delete';
  readonly objectRef?: { readonly name?: string };
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  readonly responseStatus?: { readonly code?: number };
}

/** When the API server was asked what for one EphemeralDomain; milliseconds of performance.now(). */
export interface Asked {
  readonly createdAt: number | undefined;
  readonly deleteReceivedAt: number | undefined;
  readonly deletes: number;
}

export const followAudit = ({ bed }: BenchBed): Promise<Lines<AuditLine>> => followLines<AuditLine>(auditLog(bed));

/** All that was asked, by the resource's name. */
export function readAudit(lines: readonly AuditLine[]): ReadonlyMap<string, Asked> {
  const asked = new Map<string, Asked>();
  for (const { verb, stage, objectRef, requestReceivedTimestamp, stageTimestamp } of lines) {
    const name = objectRef?.name;
    if (name === undefined || stage !== 'ResponseComplete') continue;
    const before = asked.get(name) ?? { createdAt: undefined, deleteReceivedAt: undefined, deletes: 0 };
    asked.set(
      name,
      verb === 'create'
        ? { ...before, createdAt: before.createdAt ?? clockOf(stageTimestamp) }
        : {
            ...before,
            deleteReceivedAt: before.deleteReceivedAt ?? clockOf(requestReceivedTimestamp),
            deletes: before.deletes + 1,
          },
    );
  }
  return asked;
}

/** A time of this machine's clock with microseconds, as one of performance.now(): both run at one rate. */
function clockOf(timestamp: string): number {
  const micros = Number(/\.(\d{1,6})/.exec(timestamp)?.[1]?.padEnd(6, '0') ?? 0);
  const seconds = Date.parse(timestamp.replace(/\.\d+/, ''));
  return seconds + micros / 1000 - performance.timeOrigin;
}
