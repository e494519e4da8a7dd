import { Command, CommanderError, Option } from 'commander';

import { nearest } from './nearest.ts';
import { CONTROLLER_OPTIONS, flagOf, OPTION_NAMES, variableOf } from './options.ts';
import type { OptionName } from './options.ts';
import { ConfigError, loadConfig } from './load.ts';
import type { Environment, FlagValues, ReadFile } from './load.ts';
import type { ControllerConfig, Surroundings } from './options.ts';

const COMMAND = 'controller';

/** What a command line asks for. */
export type Invocation =
  | { readonly kind: 'controller'; readonly config: ControllerConfig }
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

/** Reads what the program was asked to do. Throws ConfigError: one line on what is wrong with it. */
export const readCommandLine = async (input: CommandLineInput): Promise<Invocation> => {
  const printed: string[] = [];
  let flags: FlagValues | undefined;
  const program = programOf(input.version, printed, (values) => (flags = values));
  try {
    await program.parseAsync([...input.args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: 'print', text: `${printed.join('').trim()}\n` };
    throw new ConfigError(faultOf(error, program, input.args), { cause: error });
  }
  if (flags === undefined) throw new ConfigError('no command is given; there is: controller (see hatchery --help)');
  return {
    kind: 'controller',
    config: await loadConfig(flags, input.environment, input.surroundings, input.readFile),
  };
};

const programOf = (version: string, printed: string[], found: (flags: FlagValues) => void): Command => {
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
  const controller = program
    .command(COMMAND)
    .copyInheritedSettings(program)
    .description('Place EphemeralDomains on dom0 hosts, start them there, follow them to their end.')
    .addHelpText('after', EPILOGUE)
    .allowExcessArguments(false)
    .addOption(configOption());
  for (const name of OPTION_NAMES) controller.addOption(optionOf(name));
  controller.action(() => {
    const values: Readonly<Record<string, string | boolean>> = controller.opts();
    found(Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)])));
  });
  // Without an action a missing command would count as a request for help.
  program.action(() => undefined);
  return program;
};

const optionOf = (name: OptionName): Option => {
  const { placeholder, description, shownDefault } = CONTROLLER_OPTIONS[name];
  const flags = placeholder === undefined ? `${flagOf(name)} [true|false]` : `${flagOf(name)} <${placeholder}>`;
  const option = new Option(flags, `${description}. Default: ${shownDefault}. Variable: ${variableOf(name)}`);
  // Commander's own name for it would be the same but where a digit stands after a hyphen.
  option.attributeName = () => name;
  return option;
};

const configOption = (): Option =>
  new Option(
    '--config <FILE>',
    `YAML or JSON file with any of these options, by names such as hostLostAfter. Variable: ${variableOf('config')}`,
  );

const EPILOGUE = `
A flag counts more than its variable, that more than the file, that more than the default. An empty variable says
nothing. Paths in the file are relative to its folder. Durations are written as 30s, 5m or 1h30m.
Exit codes: 0 ended by SIGTERM or SIGINT, 1 failed, 2 refused at the start, with one line that says why.
`;

/** One line for what commander refuses; its own may have several, and name things as only commander does. */
const faultOf = (error: CommanderError, program: Command, args: readonly string[]): string => {
  switch (error.code) {
    case 'commander.unknownOption': {
      const known = ['--help', '--version', ...[...OPTION_NAMES, 'config' as const].map(flagOf)];
      const given = args.map((arg) => arg.split('=')[0] ?? '').filter((arg) => /^-./.test(arg));
      const unknown = given.find((flag) => !['-h', '-V', ...known].includes(flag)) ?? '';
      return `unknown flag ${unknown}; ${suggestion(unknown, known)}`;
    }
    case 'commander.excessArguments':
    case 'commander.unknownCommand': {
      const [word = ''] = program.commands.flatMap((command) => command.args).concat(program.args);
      return args[0] === COMMAND
        ? `unexpected argument ${JSON.stringify(word)} after ${COMMAND}; see hatchery ${COMMAND} --help`
        : `unknown command ${JSON.stringify(word)}; ${suggestion(word, [COMMAND])}`;
    }
    default:
      return error.message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ');
  }
};

const suggestion = (name: string, known: readonly string[]): string => {
  const meant = nearest(name, known);
  return meant === undefined ? `see hatchery ${COMMAND} --help` : `did you mean ${meant}?`;
};
