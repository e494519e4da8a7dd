import type { Procedure } from './protocol.ts';
import type { CallOptions } from './types.ts';
import type { XdrReader, XdrWriter } from './xdr.ts';

/** Makes one call over the connection that its procedure belongs on, with that lane's time-out where none is given. */
export type Caller = <R>(
  procedure: Procedure,
  write: (writer: XdrWriter) => void,
  read: (reader: XdrReader) => R,
  options?: CallOptions,
) => Promise<R>;
