import { isKubeError } from '#controller/kube/index.ts';
import { NoController } from '#controller/reach/index.ts';
import { ToolFault } from './fault.ts';

/** Asks the API server; what goes wrong is said in words of the tool. */
export async function askApiServer<T>(what: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof NoController) throw new ToolFault(error.message, { cause: error });
    if (!isKubeError(error)) throw error;
    if (error.kind === 'not-found') throw new ToolFault(`there is no ${what}`, { cause: error });
    throw new ToolFault(`${what} cannot be read: ${error.message}`, { cause: error });
  }
}
