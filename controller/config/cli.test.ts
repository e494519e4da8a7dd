import assert from 'node:assert/strict';

import { readCommandLine } from './cli.ts';
import type { Invocation } from './cli.ts';
import { ConfigError } from './load.ts';
import { INGRESS_OPTIONS } from './ingress-options.ts';
import { flagOf, namesOf, variableOf } from './option.ts';
import { CONTROLLER_OPTIONS } from './options.ts';
import type { ControllerConfig } from './options.ts';

interface Given {
  readonly environment?: Readonly<Record<string, string>>;
  /** Files by their absolute path. */
  readonly files?: Readonly<Record<string, string>>;
  readonly isTerminal?: boolean;
}

const invoke = (
  args: readonly string[],
  { environment = {}, files = {}, isTerminal = false }: Given = {},
): Promise<Invocation> =>
  readCommandLine({
    args,
    environment,
    surroundings: { hostname: 'dom0-7', isTerminal, folder: '/work' },
    readFile: (path) => {
      const text = files[path];
      return text === undefined
        ? Promise.reject(Object.assign(new Error('no such file'), { code: 'ENOENT' }))
        : Promise.resolve(text);
    },
    version: '1.2.3',
  });

const configOf = async (args: readonly string[], given: Given = {}): Promise<ControllerConfig> => {
  const invocation = await invoke(['controller', ...args], given);
  assert.ok(invocation.kind === 'controller');
  return invocation.config;
};

const printed = async (args: readonly string[]): Promise<string> => {
  const invocation = await invoke(args);
  assert.ok(invocation.kind === 'print');
  return invocation.text;
};

const refused = async (args: readonly string[], given: Given = {}): Promise<string> => {
  const error: unknown = await invoke(args, given).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ConfigError);
  assert.equal(error.message.includes('\n'), false);
  return error.message;
};

describe('the command line', () => {
  it('prints its version', async () => {
    assert.equal(await printed(['--version']), '1.2.3\n');
  });

  it('explains every option with flag, default and variable', async () => {
    const tables = { controller: namesOf(CONTROLLER_OPTIONS), ingress: namesOf(INGRESS_OPTIONS) };
    for (const [command, names] of Object.entries(tables)) {
      const help = (await printed([command, '--help'])).replaceAll(/\s+/g, ' ');
      assert.equal((await printed(['help', command])).replaceAll(/\s+/g, ' '), help);
      for (const name of names) {
        assert.ok(help.includes(flagOf(name)) && help.includes(`Variable: ${variableOf(name)}`), name);
      }
    }
  });

  it('names its commands in its help', async () => {
    assert.match(await printed(['--help']), /controller .*EphemeralDomains/);
  });

  const table: readonly (readonly [readonly string[], string])[] = [
    [[], 'no command is given; there are: controller, ingress, console (see hatchery --help)'],
    [['console'], 'no EphemeralDomain is named; see hatchery console --help'],
    [['console', 'a/b/c'], '"a/b/c" names no EphemeralDomain: write NAMESPACE/NAME or NAME'],
    [['console', 'A'], '"A" names no EphemeralDomain: write NAMESPACE/NAME or NAME'],
    [['console', 'A/b'], '"A" is no name of a namespace'],
    [['console', 'a/b', '-n', 'c'], '--namespace: says c, but a/b says a'],
    [['console', 'a', 'b'], 'unexpected argument "b" after console; see hatchery console --help'],
    [['console', 'a', '--folow'], 'unknown flag --folow; did you mean --follow?'],
    [['console', 'a', '--insecure'], 'unknown flag --insecure; see hatchery console --help'],
    [['controler'], 'unknown command "controler"; did you mean controller?'],
    [['dashboard'], 'unknown command "dashboard"; see hatchery controller --help'],
    [['ingress', '--namespace=A'], '--namespace: "A" is no name of a namespace'],
    [['ingress', '--namespaces=a,,b'], '--namespaces: "" is no name of a namespace'],
    [['ingress', '--trusted-proxies=all'], '--trusted-proxies: "all" is no CIDR such as 192.0.2.0/24'],
    [['ingress', '--max-concurrent=0'], '--max-concurrent: "0" is no whole number from 1 to 100000'],
    [['ingress', '--drain-delay=-1s'], '--drain-delay: "-1s" is no duration such as 30s, 5m or 1h30m'],
    [['controller', 'now'], 'unexpected argument "now" after controller; see hatchery controller --help'],
    [['controller', '--hots-lost-after', '5s'], 'unknown flag --hots-lost-after; did you mean --host-lost-after?'],
    [['controller', '--hostLostAfter=5s'], 'unknown flag --hostLostAfter; did you mean --host-lost-after?'],
    [['controller', '--no-verify'], 'unknown flag --no-verify; see hatchery controller --help'],
    [['controller', '--host-lost-after'], "option '--host-lost-after <DURATION>' argument missing"],
    [['controller', '--log-level', 'loud'], '--log-level: "loud" is none of error, warn, info, debug'],
    [['controller', '--trust-node-annotations=yes'], '--trust-node-annotations: "yes" is neither true nor false'],
    [['controller', '--kubeconfig='], '--kubeconfig: is empty'],
  ];
  for (const [args, message] of table) {
    it(`refuses ${JSON.stringify(args.join(' '))}`, async () => {
      assert.equal(await refused(args), message);
    });
  }
});

describe('hatchery console', () => {
  const requestOf = async (...args: readonly string[]) => {
    const invocation = await invoke(['console', ...args]);
    assert.ok(invocation.kind === 'console');
    return invocation.request;
  };
  const defaults = {
    namespace: undefined,
    name: 'x',
    follow: false,
    raw: false,
    kubeconfig: undefined,
    context: undefined,
    systemNamespace: 'hatchery-system',
  };

  it('names a domain, in the namespace of the context or in another', async () => {
    assert.deepEqual(await requestOf('x'), defaults);
    assert.deepEqual(await requestOf('n/x'), { ...defaults, namespace: 'n' });
    assert.deepEqual(await requestOf('-n', 'n', 'x'), { ...defaults, namespace: 'n' });
  });

  it('takes options like kubectl', async () => {
    assert.deepEqual(await requestOf('x', '-f', '--raw', '--kubeconfig=k', '--context', 'c', '--system-namespace=s'), {
      ...defaults,
      follow: true,
      raw: true,
      kubeconfig: '/work/k',
      context: 'c',
      systemNamespace: 's',
    });
  });
});

describe('the configuration', () => {
  it('has defaults', async () => {
    assert.deepEqual(await configOf([]), {
      kubeconfig: undefined,
      context: undefined,
      namespace: 'hatchery-system',
      identity: 'dom0-7',
      ingressNamespace: 'hatchery-ingress',
      dom0Label: { key: 'hatchery.dev/dom0', value: 'true' },
      trustNodeAnnotations: false,
      hostLostAfter: 60_000,
      libvirtPki: undefined,
      metricsAddress: { host: '127.0.0.1', port: 9402 },
      httpsAddress: { host: '127.0.0.1', port: 0 },
      httpsAdvertise: undefined,
      tlsCertFile: undefined,
      tlsPrivateKeyFile: undefined,
      notifyAddress: { host: '0.0.0.0', port: 9403 },
      notifyAdvertise: undefined,
      logLevel: 'info',
      logFormat: 'json',
    });
  });

  it('logs for people on a terminal', async () => {
    assert.equal((await configOf([], { isTerminal: true })).logFormat, 'text');
  });

  it('takes a flag before a variable, that before the file, that before the default', async () => {
    const files = { '/work/h.yaml': 'hostLostAfter: 3m\nlogLevel: debug\nidentity: from-file\n' };
    const environment = {
      HATCHERY_CONFIG: 'h.yaml',
      HATCHERY_HOST_LOST_AFTER: '2m',
      HATCHERY_IDENTITY: 'from-variable',
    };
    const config = await configOf(['--host-lost-after', '1m'], { files, environment });
    assert.deepEqual(
      [config.hostLostAfter, config.identity, config.logLevel, config.namespace],
      [60_000, 'from-variable', 'debug', 'hatchery-system'],
    );
  });

  it('lets a flag switch off what the file switches on', async () => {
    const files = { '/work/h.yaml': 'trustNodeAnnotations: true' };
    assert.equal((await configOf(['--config=h.yaml'], { files })).trustNodeAnnotations, true);
    assert.equal(
      (await configOf(['--config=h.yaml', '--trust-node-annotations=false'], { files })).trustNodeAnnotations,
      false,
    );
    assert.equal((await configOf(['--trust-node-annotations'])).trustNodeAnnotations, true);
  });

  it('takes an empty variable as not said', async () => {
    assert.equal((await configOf([], { environment: { HATCHERY_LOG_LEVEL: '' } })).logLevel, 'info');
  });

  it('reads JSON as well', async () => {
    const files = { '/work/h.json': '{"metricsAddress": ":8080"}' };
    assert.deepEqual((await configOf(['--config=h.json'], { files })).metricsAddress, { host: undefined, port: 8080 });
  });

  it('takes paths of the file from the folder of the file, all others from where the program was started', async () => {
    const files = { '/etc/hatchery/h.yaml': 'kubeconfig: kube/config' };
    const config = await configOf(['--config=/etc/hatchery/h.yaml', '--libvirt-pki', 'pki'], { files });
    assert.deepEqual([config.kubeconfig, config.libvirtPki], ['/etc/hatchery/kube/config', '/work/pki']);
  });

  it('takes an empty file as saying nothing', async () => {
    assert.equal((await configOf(['--config=h.yaml'], { files: { '/work/h.yaml': '# nothing\n' } })).logLevel, 'info');
  });

  it('names the variable that is wrong', async () => {
    const environment = { HATCHERY_DOM0_LABEL: 'xen' };
    assert.equal(
      await refused(['controller'], { environment }),
      'HATCHERY_DOM0_LABEL: "xen" is no label KEY=VALUE such as hatchery.dev/dom0=true',
    );
  });

  const files: readonly (readonly [string, string])[] = [
    ['hostLostAfter: soon', '/work/h.yaml: hostLostAfter: "soon" is no duration such as 30s, 5m or 1h30m'],
    ['hostLostAfter: 60', '/work/h.yaml: hostLostAfter: must be a string'],
    ['trustNodeAnnotations: maybe', '/work/h.yaml: trustNodeAnnotations: must be a boolean'],
    ['identity: ""', '/work/h.yaml: identity: is empty'],
    ['hostLostAftr: 60s', '/work/h.yaml: unknown key hostLostAftr; did you mean hostLostAfter?'],
    ['host-lost-after: 60s', '/work/h.yaml: unknown key host-lost-after; did you mean hostLostAfter?'],
    ['- a', '/work/h.yaml: must be a map of keys to values'],
    ['a: [', '/work/h.yaml: line 1, column 5: is neither YAML nor JSON (BAD_INDENT)'],
  ];
  for (const [text, message] of files) {
    it(`refuses a file with ${JSON.stringify(text)}`, async () => {
      assert.equal(await refused(['controller', '--config=h.yaml'], { files: { '/work/h.yaml': text } }), message);
    });
  }

  it('lists the keys that there are where none is near', async () => {
    const message = await refused(['controller', '--config=h.yaml'], { files: { '/work/h.yaml': 'colour: red' } });
    assert.match(message, /^\/work\/h.yaml: unknown key colour; known are kubeconfig, context, /);
  });

  it('refuses a file that is not there', async () => {
    assert.equal(await refused(['controller', '--config=h.yaml']), '/work/h.yaml: cannot be read (ENOENT)');
  });

  it('refuses a file without bound', async () => {
    const given = { files: { '/work/h.yaml': '#'.repeat(2 ** 20 + 1) } };
    assert.equal(await refused(['controller', '--config=h.yaml'], given), '/work/h.yaml: is longer than 1048576 bytes');
  });
});
