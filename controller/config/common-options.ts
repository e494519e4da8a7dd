import { readPath } from './option.ts';
import type { OptionTable } from './option.ts';
import { readChoice, readHost, readText } from './values.ts';

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export const LOG_FORMATS = ['json', 'text'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFormat = (typeof LOG_FORMATS)[number];

/** What each command that serves can be told. */
export interface CommonConfig {
  /** Path; the usual places ($KUBECONFIG, ~/.kube/config, in-cluster) where undefined. */
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  /** Host that guests are told; undefined: this machine's own address on the route to each. */
  readonly notifyAdvertise: string | undefined;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

export const COMMON_OPTIONS: OptionTable<CommonConfig> = {
  kubeconfig: {
    placeholder: 'FILE',
    description: 'Kubeconfig of the cluster',
    shownDefault: '$KUBECONFIG, ~/.kube/config, or the pod it runs in',
    fallback: () => undefined,
    read: readPath,
  },
  context: {
    placeholder: 'NAME',
    description: 'Context in the kubeconfig',
    shownDefault: 'its current-context',
    fallback: () => undefined,
    read: readText,
  },
  notifyAdvertise: {
    placeholder: 'HOST',
    description:
      'Host that guests are told for NOTIFY_HOST and NOTIFY_URL; what lies between must leave their own address as it is',
    shownDefault: "this machine's address on the route to each host's guests",
    fallback: () => undefined,
    read: readHost,
  },
  logLevel: {
    placeholder: 'LEVEL',
    description: `Least severe messages to log: ${LOG_LEVELS.join(', ')}`,
    shownDefault: 'info',
    fallback: () => 'info',
    read: readChoice(LOG_LEVELS),
  },
  logFormat: {
    placeholder: 'FORMAT',
    description: 'One JSON object a line, or text for people',
    shownDefault: 'text on a terminal, else json',
    fallback: ({ isTerminal }) => (isTerminal ? 'text' : 'json'),
    read: readChoice(LOG_FORMATS),
  },
};
