import { LibvirtError, kindOfCode } from './errors.ts';
import type { Procedure } from './protocol.ts';
import { readError } from './wire.ts';
import type { XdrReader } from './xdr.ts';

/** Reads what the daemon answers instead of a result. It answered, so nothing of the call is still under way. */
export const readFailure = (reader: XdrReader, uri: string, procedure: Procedure): LibvirtError => {
  const { code, domain, message } = readError(reader);
  const kind = kindOfCode(code);
  return new LibvirtError(message || `error ${code}`, {
    kind,
    uri,
    procedure: procedure.name,
    mayHaveRun: false,
    code,
    domain,
  });
};
