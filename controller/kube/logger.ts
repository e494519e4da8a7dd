/** What this folder needs of a logger; winston's satisfies it. Fields never hold tokens, keys or object bodies. */
export interface KubeLogger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

const ignore = () => undefined;

/** Says nothing. */
export const silentLogger: KubeLogger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
