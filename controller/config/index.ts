/** What the program is told: command line, environment, file. */
export * from './cli.ts';
export type { ConsoleRequest } from './console.ts';
export { codeOf, ConfigError } from './load.ts';
export type { Environment, ReadFile } from './load.ts';
export type { LogFormat, LogLevel } from './common-options.ts';
export type { IngressConfig } from './ingress-options.ts';
export type { ControllerConfig } from './options.ts';
export type { Cidr, ListenAddress, ObjectName } from './values.ts';
export * from './pki.ts';
