import { posix } from 'node:path';
import type { Fault } from '../../problem.ts';
import type { ClusterFiles } from '../cluster-files.ts';
import type { ProgramFlag, ProgramFlags } from '../program-flag.ts';
import { type ConfiguredFlags, configuredFlags } from './config-files.ts';

/** The settings of k3s or rke2, by the long names of their flags without dashes. */
export interface Settings {
  /** All values, in order; the last one counts where only one can. */
  readonly all: (name: string) => readonly ProgramFlag[];
  readonly last: (name: string) => ProgramFlag | undefined;
  /** Whether a flag without a value is given. */
  readonly isOn: (name: string) => boolean;
}

const shortNames: Readonly<Record<string, string>> = { config: 'c', 'data-dir': 'd' };

/** The flags that take their value from a variable if nothing else sets it. */
const variables: ReadonlySet<string> = new Set([
  'cloud-controller-manager-image',
  'data-dir',
  'etcd-image',
  'kube-apiserver-image',
  'kube-controller-manager-image',
  'kube-proxy-image',
  'kube-scheduler-image',
  'pause-image',
  'runtime-image',
  'system-default-registry',
]);

/**
 * Reads the settings: the command line over the configuration files over the variables of the service.
 *
 * Source: k3s, pkg/configfilearg/parser.go and pkg/cli/cmds; rke2, pkg/cli/cmds/root.go.
 */
export async function settingsOf(
  program: 'k3s' | 'rke2',
  flags: ProgramFlags | undefined,
  files: ClusterFiles,
): Promise<Settings> {
  const variable = (name: string) =>
    flags?.variable(`${program}_${name.replaceAll('-', '_')}`.toUpperCase());
  const configured = await configuration(program, variable('config-file'), flags, files);
  const all = (name: string): readonly ProgramFlag[] => {
    const names = namesOf(name);
    const given = [
      ...names.flatMap((one) => configured.get(one) ?? []),
      ...names.flatMap((one) => [
        ...(flags?.all(`-${one}`) ?? []),
        ...(flags?.all(`--${one}`) ?? []),
      ]),
    ];
    if (given.length > 0 || !variables.has(name)) return given;
    const found = variable(name);
    return found === undefined ? [] : [found];
  };
  const last = (name: string) => all(name).at(-1);
  const isOn = (name: string) =>
    flags?.has(`--${name}`) === true || ['true', 't', '1'].includes(last(name)?.text ?? '');
  return { all, last, isOn };
}

function namesOf(name: string): readonly string[] {
  const short = shortNames[name];
  return short === undefined ? [name] : [name, short];
}

/** The variable goes before the command line here. */
async function configuration(
  program: 'k3s' | 'rke2',
  variable: ProgramFlag | undefined,
  flags: ProgramFlags | undefined,
  files: ClusterFiles,
): Promise<ConfiguredFlags> {
  const given = variable ?? flags?.last('--config') ?? flags?.last('-c');
  if (given === undefined) return configuredFlags(`/etc/rancher/${program}/config.yaml`, files);
  const { path, line, text } = given;
  const fault = given.fault ?? (/^https?:/.test(text) ? remoteConfig : undefined);
  if (fault === undefined) return configuredFlags(posix.resolve('/', text), files);
  files.problem(path, line, fault);
  return new Map();
}

const remoteConfig: Fault = {
  code: 'kube-unread',
  message: 'expected a configuration in the root, found an address from which it is fetched',
  hint: 'ship the configuration as a file',
};
