/** What the program is told: command line, environment, file. */
export * from './cli.ts';
export type { ConsoleRequest } from './console.ts';
export { codeOf, ConfigError } from './load.ts';
export type { Environment, ReadFile } from './load.ts';
export type { ControllerConfig, LogFormat, LogLevel } from './options.ts';
export type { ListenAddress } from './values.ts';
export * from './pki.ts';
