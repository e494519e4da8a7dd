import type { When } from './checkpoint.ts';
import { LIVES } from './lives.ts';
import type { LifeKind, LifeName } from './lives.ts';

/** A message of a life at which the controller is killed: before it is handed on, and once it was answered. */
export interface Point {
  readonly life: LifeName;
  readonly what: string;
  readonly attempt: number;
}

const first = (life: LifeName, ...whats: readonly string[]): readonly Point[] =>
  whats.map((what) => ({ life, what, attempt: 1 }));
const second = (life: LifeName, ...whats: readonly string[]): readonly Point[] =>
  whats.map((what) => ({ life, what, attempt: 2 }));

/** Every write to the API server and every call to the host, of each kind of life: those that other kinds share, once. */
export const POINTS: readonly Point[] = [
  ...first('waits', 'status Pending/Unschedulable'),
  ...first('retry', 'status Pending/BackOff', 'DOMAIN_UNDEFINE_FLAGS'),
  ...second('retry', 'status Scheduled', 'DOMAIN_CREATE_WITH_FLAGS', 'status Succeeded'),
  ...first('plain', 'status Scheduled', 'DomainHost status', 'STORAGE_VOL_LOOKUP_BY_NAME', 'DOMAIN_DEFINE_XML_FLAGS'),
  ...first('plain', 'DOMAIN_CREATE_WITH_FLAGS', 'status Running', 'status Succeeded', 'DOMAIN_UNDEFINE_FLAGS'),
  ...first('plain', 'POST Event'),
  ...first('template', 'GET ConfigMap', 'status Scheduled', 'DOMAIN_DEFINE_XML_FLAGS', 'DELETE'),
  ...first('deadline', 'status stopping', 'DOMAIN_SHUTDOWN_FLAGS', 'status Failed', 'DOMAIN_UNDEFINE_FLAGS'),
  ...first('no grace', 'status Failed', 'DOMAIN_DESTROY_FLAGS', 'DOMAIN_UNDEFINE_FLAGS'),
  ...first('suspend', 'status stopping', 'DOMAIN_SHUTDOWN_FLAGS', 'status Pending/Suspended', 'status Pending/Resumed'),
  ...second('suspend', 'status Scheduled', 'DOMAIN_CREATE_WITH_FLAGS'),
  ...first('born suspended', 'status Pending/Suspended', 'status Pending/Resumed'),
  ...first('deleted', 'GET', 'DOMAIN_DESTROY_FLAGS', 'DOMAIN_UNDEFINE_FLAGS'),
];

/** Kinds that are lived at once, since their lives come to their points at about the same time. */
const TOGETHER: readonly (readonly LifeName[])[] = [
  ['waits', 'retry'],
  ['deadline', 'no grace'],
  ['plain', 'template', 'born suspended'],
  ['suspend', 'deleted'],
];

/** Lived alone: a kill that is meant for another life, just before, would be the end of it. */
const ALONE = 'POST Event';

/** A point, and when the controller is killed there. */
export interface Case {
  readonly point: Point;
  readonly when: When;
}

/** All cases, in groups of which each is lived at once, one group after the other. */
export function caseGroups(): readonly (readonly Case[])[] {
  const cases = POINTS.flatMap((point) => (['before', 'after'] as const).map((when) => ({ point, when })));
  const groups = TOGETHER.map((lives) =>
    cases.filter(({ point }) => lives.includes(point.life) && point.what !== ALONE),
  );
  return [...groups, ...cases.filter((each) => !groups.flat().includes(each)).map((each) => [each])];
}

/** Rows of the table in docs/lifecycle.md: a kind of life, its points, and how it ends whichever it is killed at. */
export function pointRows(): readonly (readonly [life: string, points: string, outcome: string])[] {
  return [...new Set(POINTS.map(({ life }) => life))].map((life) => {
    const points = POINTS.filter((point) => point.life === life);
    return [life, points.map(({ what, attempt }) => told(what, attempt)).join(', '), outcomeOf(life)];
  });
}

function told(what: string, attempt: number): string {
  return attempt === 1 ? `\`${what}\`` : `\`${what}\` (attempt ${attempt})`;
}

function outcomeOf(life: LifeName): string {
  const { outcome }: LifeKind = LIVES[life];
  if (outcome.phase === 'deleted') return '(deleted), one start';
  const { phase, reason, attempt, isDeleted } = outcome;
  const starts = attempt === 1 ? 'one start' : `${attempt} attempts, one start each`;
  return `${phase}, \`${reason}\`${isDeleted ? ', then deleted' : ''}: ${starts}`;
}
