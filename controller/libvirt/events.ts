import { EventProcedure } from './protocol.ts';
import type { LifecycleEvent, LifecycleKind, RebootEvent } from './types.ts';
import { readDomain } from './wire.ts';
import type { XdrReader } from './xdr.ts';

/** An event of a kind that this client registers for. */
export type DomainEvent =
  | { readonly kind: 'lifecycle'; readonly event: LifecycleEvent }
  | { readonly kind: 'reboot'; readonly event: RebootEvent };

// virDomainEventType
const LIFECYCLE: readonly LifecycleKind[] = [
  'defined',
  'undefined',
  'started',
  'suspended',
  'resumed',
  'stopped',
  'shutdown',
  'pmsuspended',
  'crashed',
];

/**
 * Reads a message from the daemon; undefined for one that nobody here asked for.
 *
 * @throws XdrError for a message that is cut short
 */
export const readEvent = (procedure: number, reader: XdrReader): DomainEvent | undefined => {
  switch (procedure) {
    case EventProcedure.lifecycle: {
      reader.i32();
      const domain = readDomain(reader);
      const event = LIFECYCLE[reader.i32()] ?? 'unknown';
      return { kind: 'lifecycle', event: { domain, event, detail: reader.i32() } };
    }
    case EventProcedure.reboot:
      reader.i32();
      return { kind: 'reboot', event: { domain: readDomain(reader) } };
    default:
      return undefined;
  }
};
