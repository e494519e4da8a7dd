import type { ServerResponse } from 'node:http';

/** Reasons by HTTP status, in Kubernetes' own words (metav1.StatusReason). */
const REASONS = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  413: 'RequestEntityTooLarge',
  500: 'InternalError',
  503: 'ServiceUnavailable',
} as const;

export type Refusal = keyof typeof REASONS;

/** Answers with a metav1.Status, as the API server does. */
export function refuse(
  response: ServerResponse,
  code: Refusal,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure' };
  const body = `${JSON.stringify({ ...status, message, reason: REASONS[code], code })}\n`;
  response.writeHead(code, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  response.end(body);
}

/** What one that acts says while it cannot tell. */
export const STARTING_OR_ENDING = 'the controller is starting or ending: try again later';

/** What a replica says that does not act; `lease`: where the one that does can be found. */
export function standsBy({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `this replica stands by: Lease ${namespace}/${name} names the one that acts`;
}
