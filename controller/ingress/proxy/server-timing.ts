/** One part of a request's time, as the ingress itself measured it. */
export interface Span {
  /** A token: `admission`, `api`, `spawn`, … */
  readonly name: string;
  readonly ms: number;
  readonly description?: string;
}

/**
 * The value of Server-Timing (https://www.w3.org/TR/server-timing/): in the order given, to a hundredth of a
 * millisecond; spans without a finite duration are left out. Undefined where none is left.
 */
export const serverTiming = (spans: readonly Span[]): string | undefined => {
  const parts = spans
    .filter(({ name, ms }) => Number.isFinite(ms) && /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name))
    .map(({ name, ms, description }) => {
      const said = description === undefined ? '' : `;desc="${description.replace(/[^\x20-\x7e]|["\\]/g, ' ')}"`;
      return `${name};dur=${String(Math.max(0, Math.round(ms * 100) / 100))}${said}`;
    });
  return parts.length === 0 ? undefined : parts.join(', ');
};
