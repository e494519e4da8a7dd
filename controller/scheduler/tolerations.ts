/** core/v1 Toleration, as spec.tolerations holds it. */
export interface Toleration {
  /** Absent or empty, with operator Exists: every key. */
  readonly key?: string | undefined;
  /** Equal (also where absent) or Exists; the API server refuses others. */
  readonly operator?: string | undefined;
  readonly value?: string | undefined;
  /** Absent or empty: every effect. */
  readonly effect?: string | undefined;
}

/** core/v1 Taint of a Node. */
export interface Taint {
  readonly key: string;
  readonly value?: string | undefined;
  readonly effect: string;
}

/** Whether one of the tolerations bears the taint, with a Pod's meaning. */
export function isTolerated(taint: Taint, tolerations: readonly Toleration[]): boolean {
  return tolerations.some((toleration) => tolerates(toleration, taint));
}

function tolerates({ key = '', operator = 'Equal', value = '', effect = '' }: Toleration, taint: Taint): boolean {
  if (effect !== '' && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  switch (operator) {
    case 'Exists':
      return true;
    case 'Equal':
      return key !== '' && value === (taint.value ?? '');
    default:
      return false;
  }
}
