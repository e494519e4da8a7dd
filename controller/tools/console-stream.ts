import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';

import type { Credentials } from '#controller/kube/index.ts';
import { connectionTo } from '#controller/reach/index.ts';
import type { ControllerAddress } from '#controller/reach/index.ts';
import { NoConsole, ToolFault } from './fault.ts';

/** No answer, not even that the console cannot be read, within so long: it waits for the host at most 10 s itself. */
const ANSWER_MS = 20_000;
const MAX_REFUSAL_BYTES = 65_536;

/**
 * Asks the controller for a path; yields the body as it comes. The credentials leave only over a connection whose server
 * has the key of the certificate in the Lease. Throws NoConsole with 409, and ToolFault for what the controller, or the network, does not allow.
 */
export async function* readFromController(
  address: ControllerAddress,
  credentials: Credentials,
  path: string,
): AsyncGenerator<Buffer> {
  const where = `the controller at ${address.host}:${address.port}`;
  const response = await ask(address, credentials, path, where);
  if (response.statusCode === 409) throw new NoConsole(await refusalIn(response, where));
  if (response.statusCode !== 200) throw new ToolFault(await refusalIn(response, where));
  try {
    for await (const bytes of response as AsyncIterable<Buffer>) yield bytes;
  } catch (error) {
    throw new ToolFault(`${where} broke off (it ended, or lost the host): ask again`, { cause: error });
  }
}

function ask(
  address: ControllerAddress,
  credentials: Credentials,
  path: string,
  where: string,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asking = request({ ...connectionTo(address, credentials), path, method: 'GET' });
    const tooLate = setTimeout(() => asking.destroy(new Error(`no answer within ${ANSWER_MS} ms`)), ANSWER_MS);
    asking.once('error', (cause) => {
      clearTimeout(tooLate);
      reject(new ToolFault(`${where} cannot be reached (${whyOf(cause)}): can this machine reach it?`, { cause }));
    });
    asking.once('response', (response) => {
      clearTimeout(tooLate);
      resolve(response);
    });
    asking.end();
  });
}

function whyOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}

/** The controller's own sentence. */
async function refusalIn(response: IncomingMessage, where: string): Promise<string> {
  let text = '';
  for await (const bytes of response as AsyncIterable<Buffer>) {
    text += bytes.toString();
    if (text.length > MAX_REFUSAL_BYTES) break;
  }
  const said = messageIn(text);
  if (response.statusCode === 401) return `${where} does not know you: ${said}`;
  return said === '' ? `${where} answered with ${response.statusCode ?? 0}` : said;
}

function messageIn(text: string): string {
  try {
    const status = JSON.parse(text) as { readonly message?: unknown } | null;
    return typeof status?.message === 'string' ? status.message.slice(0, 1024) : '';
  } catch {
    return '';
  }
}
