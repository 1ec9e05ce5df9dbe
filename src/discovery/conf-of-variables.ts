import { onceFor } from '../common/once-for.ts';
import { RootError } from '../root/root.ts';
import { followed, whereInTree } from '../systemd/etc.ts';
import type { UnitEntry } from '../systemd/unit-file.ts';
import { type CitedText, citedText } from './cited/text.ts';
import {
  type ContainersConf,
  type EngineSettings,
  faultOf,
  settingsOfFile,
  withModules,
} from './containers-conf.ts';
import type { Fault } from './problem.ts';
import type { SourceContext } from './source.ts';
import { otherStorage, setsStorage } from './store-options.ts';

export type ConfContext = Pick<SourceContext, 'root' | 'etc' | 'allowance' | 'containersConf'>;

/** The containers.conf of one podman; absent if its environment names no file. */
interface NamedConf {
  readonly containersConf?: ContainersConf;
  readonly faults: readonly Fault[];
}

/**
 * The containers.conf of a podman whose environment names files: `CONTAINERS_CONF` stands in place of
 * the system's files, `CONTAINERS_CONF_OVERRIDE` goes over all files and modules. podman 4.3 knows only
 * the first.
 *
 * Source: containers/common, pkg/config/new.go; compared with podman 4.3.1, 5.4.2 and 5.8.6.
 */
export async function confOfVariables(
  valueOf: (name: string) => string | undefined,
  context: ConfContext,
): Promise<NamedConf> {
  const main = await settingsIn('CONTAINERS_CONF', valueOf, context);
  const override = await settingsIn('CONTAINERS_CONF_OVERRIDE', valueOf, context);
  if (main === undefined && override === undefined) return { faults: [] };
  const { modules, ...ofSystem } = context.containersConf ?? {};
  const containersConf = {
    ...(main?.settings ?? ofSystem),
    ...(modules === undefined ? {} : { modules }),
    ...(override === undefined ? {} : { override: override.settings }),
  };
  const problem = faultOf(withModules(containersConf, []));
  return {
    containersConf,
    faults: [
      ...(main?.faults ?? []),
      ...(override?.faults ?? []),
      ...(problem === undefined ? [] : [faultIn(problem)]),
    ],
  };
}

/** The faults of the two variables where a service's environment is not known. */
export function unknownConf(written: readonly UnitEntry[]): readonly Fault[] {
  return ['CONTAINERS_CONF', 'CONTAINERS_CONF_OVERRIDE']
    .filter((name) => written.some(({ value }) => value.includes(`${name}=`)))
    .map((name) => otherStorage(`the variable ${name}`));
}

interface FileSettings {
  readonly settings: EngineSettings;
  readonly faults: readonly Fault[];
}

async function settingsIn(
  variable: string,
  valueOf: (name: string) => string | undefined,
  context: ConfContext,
): Promise<FileSettings | undefined> {
  const path = valueOf(variable);
  if (path === undefined) return undefined;
  const unread = otherStorage(`the variable ${variable} with a file that the root does not have`);
  if (!path.startsWith('/')) return { settings: {}, faults: [unread] };
  const { root, etc, allowance } = context;
  try {
    const file = citedText(root, followed(root, etc, whereInTree(etc, path)), allowance);
    if (file === undefined) return { settings: {}, faults: [unread] };
    const faults = isElsewhere(file) ? [otherStorage(`the variable ${variable}`)] : [];
    const settings = settingsOf(file).get(path) ?? settingsOfFile(root, etc, path);
    settingsOf(file).set(path, settings);
    return { settings: await settings, faults };
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    return { settings: {}, faults: [faultIn(error)] };
  }
}

// A root can have very many units that name one long file.
const isElsewhere = onceFor(({ text }: CitedText) => setsStorage.test(text));

/** The settings of a file by the path with which units name the file. */
const settingsOf = onceFor<CitedText, Map<string, Promise<EngineSettings>>>(() => new Map());

function faultIn({ code, message, hint }: Fault): Fault {
  return { code, message, hint };
}
