/** What a hatchling in echo mode says of its own life, UNIX microseconds. */
export interface GuestTimes {
  /** Just before its notice went out. */
  readonly notified: number;
  /** Its visitor's connection was taken. */
  readonly accepted: number;
  /** The first byte of the request was read. */
  readonly heard: number;
}

/** Reads an answer of echo mode; undefined where it is none, or its guest told nobody that it was ready. */
export function guestTimesOf(body: string): GuestTimes | undefined {
  if (!body.startsWith('{')) return undefined;
  const { times } = JSON.parse(body) as { readonly times?: Partial<GuestTimes> };
  const { notified, accepted, heard } = times ?? {};
  if (notified === undefined || accepted === undefined || heard === undefined || notified === 0) return undefined;
  return { notified, accepted, heard };
}
