/**
 * Whether `a` is older (-1), the same (0) or newer (1) than `b`. Since Kubernetes 1.35 resource versions are decimal numbers
 * of any length without leading zeros, comparable within one resource type: by length, then by text.
 */
export function compareResourceVersions(a: string, b: string): -1 | 0 | 1 {
  if (a === b) return 0;
  if (a.length !== b.length) return a.length < b.length ? -1 : 1;
  return a < b ? -1 : 1;
}
