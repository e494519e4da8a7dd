import { Argument, Command, CommanderError, Option } from 'commander';

import { readConsoleRequest } from './console.ts';
import type { ConsoleFlags, ConsoleRequest } from './console.ts';
import { nearest } from './nearest.ts';
import { INGRESS_OPTIONS } from './ingress-options.ts';
import type { IngressConfig } from './ingress-options.ts';
import { flagOf, namesOf, variableOf } from './option.ts';
import type { OptionSpec, OptionTable, Surroundings } from './option.ts';
import { CONTROLLER_OPTIONS } from './options.ts';
import { ConfigError, loadConfig } from './load.ts';
import type { Environment, FlagValues, ReadFile } from './load.ts';
import type { ControllerConfig } from './options.ts';

const COMMANDS = ['controller', 'ingress', 'console'] as const;

/** What a command line asks for. */
export type Invocation =
  | { readonly kind: 'controller'; readonly config: ControllerConfig }
  | { readonly kind: 'ingress'; readonly config: IngressConfig }
  | { readonly kind: 'console'; readonly request: ConsoleRequest }
  /** Help or the version, for standard output. */
  | { readonly kind: 'print'; readonly text: string };

export interface CommandLineInput {
  /** Without node's and the program's own path. */
  readonly args: readonly string[];
  readonly environment: Environment;
  readonly surroundings: Surroundings;
  readonly readFile: ReadFile;
  readonly version: string;
}

/** The command that was named, with what was told to it. */
type Found =
  | { readonly command: 'controller' | 'ingress'; readonly flags: FlagValues }
  | { readonly command: 'console'; readonly domain: string; readonly flags: ConsoleFlags };

/** Reads what the program was asked to do. Throws ConfigError: one line on what is wrong with it. */
export const readCommandLine = async (input: CommandLineInput): Promise<Invocation> => {
  const printed: string[] = [];
  const found: Found[] = [];
  const program = programOf(input.version, printed, (one) => found.push(one));
  try {
    await program.parseAsync([...input.args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: 'print', text: `${printed.join('').trim()}\n` };
    throw new ConfigError(faultOf(error, program, input.args), { cause: error });
  }
  const [one] = found;
  const { environment, surroundings, readFile } = input;
  switch (one?.command) {
    case undefined:
      throw new ConfigError(`no command is given; there are: ${COMMANDS.join(', ')} (see hatchery --help)`);
    case 'console':
      return { kind: 'console', request: readConsoleRequest(one.domain, one.flags, surroundings) };
    case 'controller': {
      const config = await loadConfig(CONTROLLER_OPTIONS, one.flags, environment, surroundings, readFile);
      return { kind: 'controller', config };
    }
    case 'ingress': {
      const config = await loadConfig(INGRESS_OPTIONS, one.flags, environment, surroundings, readFile);
      return { kind: 'ingress', config };
    }
  }
};

const programOf = (version: string, printed: string[], found: (found: Found) => void): Command => {
  const program = new Command('hatchery')
    .description('One-shot Xen domains on Kubernetes.')
    .version(version, '-V, --version', 'Print the version')
    .helpOption('-h, --help', 'Print this help')
    .helpCommand('help [command]', 'Print this help, or that of a command')
    .showSuggestionAfterError(false)
    .configureHelp({ helpWidth: 110, showGlobalOptions: false })
    .configureOutput({
      writeOut: (text) => printed.push(text),
      writeErr: () => undefined,
      outputError: () => undefined,
    })
    .exitOverride();
  addServing(program, 'controller', CONTROLLER_OPTIONS, CONTROLLER, (flags) => found({ command: 'controller', flags }));
  addServing(program, 'ingress', INGRESS_OPTIONS, INGRESS, (flags) => found({ command: 'ingress', flags }));
  addConsole(program, (domain, flags) => found({ command: 'console', domain, flags }));
  // Without an action a missing command would count as a request for help.
  program.action(() => undefined);
  return program;
};

const CONTROLLER = 'Place EphemeralDomains on dom0 hosts, start them there, follow them to their end.';
const INGRESS = 'Serve HTTP: start a domain for each request, pass the request to it, leave nothing behind.';

/** A command that serves until it is told to end. */
const addServing = <C>(
  program: Command,
  name: string,
  table: OptionTable<C>,
  description: string,
  found: (flags: FlagValues) => void,
): void => {
  const command = program
    .command(name)
    .copyInheritedSettings(program)
    .description(description)
    .addHelpText('after', EPILOGUE)
    .allowExcessArguments(false)
    .addOption(configOption());
  for (const option of namesOf(table)) command.addOption(optionOf(option, table[option]));
  command.action(() => {
    const values: Readonly<Record<string, string | boolean>> = command.opts();
    found(Object.fromEntries(Object.entries(values).map(([option, value]) => [option, String(value)])));
  });
};

const addConsole = (program: Command, found: (domain: string, flags: ConsoleFlags) => void): void => {
  const command = program
    .command('console')
    .copyInheritedSettings(program)
    .description('Print what a domain wrote on its console: a running one, or one that was captured and has ended.')
    .addHelpText('after', CONSOLE_EPILOGUE)
    .allowExcessArguments(false)
    .addArgument(new Argument('<[NAMESPACE/]NAME>', "The EphemeralDomain; without NAMESPACE in the context's one"))
    .option('-f, --follow', 'Wait until it runs, and go on with what it writes, until it ends')
    .option('-n, --namespace <NAME>', 'Namespace of the EphemeralDomain')
    .option('--raw', 'Print what it wrote as it is, escape sequences too: they can do harm to a terminal')
    .option('--kubeconfig <FILE>', 'Kubeconfig of the cluster. Default: $KUBECONFIG, or ~/.kube/config')
    .option('--context <NAME>', 'Context in the kubeconfig')
    .option('--system-namespace <NAME>', "Namespace of the controller's Lease. Default: hatchery-system");
  command.action((domain: string) => found(domain, command.opts<ConsoleFlags>()));
};

const optionOf = <T>(name: string, { placeholder, description, shownDefault }: OptionSpec<T>): Option => {
  const flags = placeholder === undefined ? `${flagOf(name)} [true|false]` : `${flagOf(name)} <${placeholder}>`;
  const option = new Option(flags, `${description}. Default: ${shownDefault}. Variable: ${variableOf(name)}`);
  // Commander's own name for it would be the same but where a digit stands after a hyphen.
  option.attributeName = () => name;
  return option;
};

const configOption = (): Option =>
  new Option(
    '--config <FILE>',
    `YAML or JSON file with any of these options, by names such as logLevel. Variable: ${variableOf('config')}`,
  );

const EPILOGUE = `
A flag counts more than its variable, that more than the file, that more than the default. An empty variable says
nothing. Paths in the file are relative to its folder. Durations are written as 30s, 5m or 1h30m.
Exit codes: 0 ended by SIGTERM or SIGINT, 1 failed, 2 refused at the start, with one line that says why.
`;

const CONSOLE_EPILOGUE = `
Wants get on ephemeraldomains and on ephemeraldomains/console (roles view, edit and admin have both).
Exit codes: 0 printed (with -f: to the domain's end), 1 failed, with one line that says why, 2 asked wrongly.
`;

/** One line for what commander refuses; its own may have several, and name things as only commander does. */
const faultOf = (error: CommanderError, program: Command, args: readonly string[]): string => {
  const command = program.commands.find((one) => one.name() === args[0]);
  const help = `see hatchery ${command?.name() ?? COMMANDS[0]} --help`;
  switch (error.code) {
    case 'commander.unknownOption': {
      const own = (command ?? program.commands[0])?.options ?? [];
      const known = ['--help', '--version', ...own.flatMap(({ long }) => long ?? [])];
      const short = ['-h', '-V', ...own.flatMap((option) => option.short ?? [])];
      const given = args.map((arg) => arg.split('=')[0] ?? '').filter((arg) => /^-./.test(arg));
      const unknown = given.find((flag) => ![...short, ...known].includes(flag)) ?? '';
      return `unknown flag ${unknown}; ${suggestion(unknown, known, help)}`;
    }
    case 'commander.excessArguments':
    case 'commander.unknownCommand': {
      if (command !== undefined) {
        const word = command.args[command.registeredArguments.length] ?? '';
        return `unexpected argument ${JSON.stringify(word)} after ${command.name()}; ${help}`;
      }
      const [word = ''] = program.args;
      return `unknown command ${JSON.stringify(word)}; ${suggestion(word, COMMANDS, help)}`;
    }
    case 'commander.missingArgument':
      return `no EphemeralDomain is named; ${help}`;
    default:
      return error.message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ');
  }
};

const suggestion = (name: string, known: readonly string[], help: string): string => {
  const meant = nearest(name, known);
  return meant === undefined ? help : `did you mean ${meant}?`;
};
