import { createHash } from 'node:crypto';

import { cleanText } from '#controller/notify/index.ts';

/** Longest name of an object, and longest value of a label. */
const MAX_NAME = 253;
const MAX_LABEL = 63;
const LABEL = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

/** A template's name, cut where that is needed, and what tells this one from all others. */
export function nameOf(template: string, suffix: string): string {
  const stem = template.slice(0, MAX_NAME - suffix.length - 1).replace(/[-.]+$/, '');
  return `${stem}-${suffix}`;
}

/** A text as the value of a label: itself where it can be one, else as much of it as can, told apart by a hash. */
export function labelValue(text: string): string {
  if (LABEL.test(text)) return text;
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  const kept = text.replaceAll(/[^-A-Za-z0-9_.]/g, '_').replace(/^[-_.]+/, '');
  return kept === '' ? hash : `${kept.slice(0, MAX_LABEL - hash.length - 1)}-${hash}`;
}

/** What a visitor wrote as one safe line of at most so many bytes; what is cut off ends with an ellipsis. */
export function boundedText(text: string, bytes: number): string {
  const all = Buffer.from(text);
  if (all.length <= bytes) return cleanText(all);
  let end = bytes - 3;
  // Not in the midst of a character.
  while (end > 0 && ((all[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return `${cleanText(all.subarray(0, end))}…`;
}
