import { onceFor } from '../../common/once-for.ts';
import { type Root, RootError } from '../../root/root.ts';
import { type Etc, whereInTree } from '../etc.ts';
import { globbed } from '../glob.ts';
import { list } from '../lookup.ts';
import type { Expanded } from '../specifiers.ts';
import type { UnitEntry } from '../unit-file.ts';
import { splitWords } from '../words.ts';
import { parseEnvironmentFile } from './environment-file.ts';
import { type Layer, type Value, Variables } from './layers.ts';
import type { ManagerEnvironment } from './manager-environment.ts';

/** The variables that a unit sets, or why they are not known. */
export type Environment =
  | { readonly ok: true; readonly values: Variables }
  | { readonly ok: false; readonly message: string; readonly hint: string };

/** The inputs of an environment besides the unit's entries. */
export interface EnvironmentSources {
  readonly root: Root;
  readonly etc: Etc;
  readonly expand: (text: string) => Expanded;
  /** The variables of the manager; none by default. */
  readonly manager?: ManagerEnvironment;
  /** Takes the bytes of a file from those that may be read; false if too few are left. */
  readonly spend: (bytes: number) => boolean;
}

/** The time to open a file is that to read so many bytes. */
const COST_OF_FILE = 512;
/** The same for each variable of many files, which are merged for one unit. */
const COST_OF_VARIABLE = 32;

/**
 * The variables of a service: those of its manager, then those that its unit sets. `EnvironmentFile=`
 * overrides `Environment=`, and a later file an earlier one. `UnsetEnvironment=` comes last.
 *
 * Source: systemd.exec(5), "Environment".
 */
export function environmentOf(
  entries: readonly UnitEntry[],
  sources: EnvironmentSources,
): Environment {
  const assigned = assignments(entries, sources.expand);
  if ('ok' in assigned) return assigned;
  const cited = citedLayers(entries, sources);
  if ('ok' in cited) return cited;
  const layers = [...layersOfManager(entries, sources.manager), assigned, ...cited];
  const unset = new Map<string, undefined>();
  const set = new Variables(layers);
  for (const word of wordsOf(entries, 'UnsetEnvironment')) {
    const name = word.split('=', 1)[0] ?? word;
    if (word === name || set.get(name) === word.slice(name.length + 1)) unset.set(name, undefined);
  }
  return { ok: true, values: unset.size === 0 ? set : new Variables([...layers, unset]) };
}

/** The variables of `Environment=`. */
function assignments(
  entries: readonly UnitEntry[],
  expand: EnvironmentSources['expand'],
): Layer | Unknown {
  const values = new Map<string, Value>();
  for (const word of wordsOf(entries, 'Environment')) {
    const assignment = expand(word);
    if (!assignment.ok) return assignment;
    const { text } = assignment;
    const equals = text.indexOf('=');
    if (equals > 0) values.set(text.slice(0, equals), publicValue(text.slice(equals + 1)));
  }
  return values;
}

/** The variables of each `EnvironmentFile=`. */
function citedLayers(
  entries: readonly UnitEntry[],
  sources: EnvironmentSources,
): readonly Layer[] | Unknown {
  const layers = new Set<Layer>();
  let variables = 0;
  for (const entry of list(entries, 'Service', 'EnvironmentFile')) {
    const optional = entry.value.startsWith('-');
    const path = sources.expand(optional ? entry.value.slice(1) : entry.value);
    if (!path.ok) return path;
    const files = readFiles(path.text, optional, sources);
    if ('ok' in files) return files;
    for (const layer of files) {
      // If a file is cited more than once, only the last citation counts.
      if (!layers.delete(layer)) variables += layer.size;
      layers.add(layer);
    }
  }
  const isCheap = layers.size <= 1 || sources.spend(variables * COST_OF_VARIABLE);
  return isCheap ? [...layers] : tooMany;
}

function publicValue(text: string): Value {
  return { text, isPrivate: false };
}

/** Variables that systemd sets for each service itself, so that those of the manager don't count. */
const ownOfService = ['HOME', 'INVOCATION_ID', 'LOGNAME', 'SHELL', 'SYSTEMD_EXEC_PID', 'USER'];

function layersOfManager(
  entries: readonly UnitEntry[],
  manager: ManagerEnvironment | undefined,
): readonly Layer[] {
  if (manager === undefined) return [];
  const passed = wordsOf(entries, 'PassEnvironment');
  if (passed.length === 0) return [inheritedOf(manager)];
  // A passed variable may come from the kernel's command line, if the manager does not set it.
  const ofManager = passed.map((name): [string, Value | undefined] => {
    const text = manager.passed.get(name);
    return [name, text === undefined ? undefined : publicValue(text)];
  });
  return [inheritedOf(manager), new Map(ofManager)];
}

const inheritedOf = onceFor(({ inherited }: ManagerEnvironment): Layer => {
  const values = Array.from(inherited, ([name, text]) => [name, publicValue(text)] as const);
  return new Map(values.filter(([name]) => !ownOfService.includes(name)));
});

function wordsOf(entries: readonly UnitEntry[], key: string): readonly string[] {
  return list(entries, 'Service', key).flatMap(
    ({ value }) => splitWords(value, { escapes: true, relaxed: false }) ?? [],
  );
}

type Unknown = Environment & { ok: false };

/** The variables of the files that one `EnvironmentFile=` names. */
function readFiles(
  path: string,
  optional: boolean,
  { root, etc, spend }: EnvironmentSources,
): readonly Layer[] | Unknown {
  const unknown = (found: string): Unknown => ({
    ok: false,
    message: `expected the variables of EnvironmentFile=${path}, ${found}`,
    hint: 'write the value out in the unit, or set it with Environment=',
  });
  // The booted host writes into /run and /var: even an optional file may exist there.
  const madeByHost = path.startsWith('/run/') || path.startsWith('/var/');
  try {
    const files = globbed(root, whereInTree(etc, path));
    if (files === undefined) {
      return unknown('found a pattern that matches too many directories');
    }
    if (files.length === 0 && (!optional || madeByHost)) {
      return unknown('found no such file in the root');
    }
    if (!spend(COST_OF_FILE * (1 + files.length))) return tooMany;
    const layers = files.map((file) => layerOf(root, file, spend));
    return layers.includes(tooMany) ? tooMany : layers.filter((one) => one instanceof Map);
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    const message = `the variables of EnvironmentFile=${path} are not known: ${error.message}`;
    return { ok: false, message, hint: error.hint };
  }
}

/** The layers of the files that were read, by path: many units may cite one file. */
const knownLayers = onceFor<Root, Map<string, Layer>>(() => new Map());

/** @returns undefined if there is no such file. */
function layerOf(
  root: Root,
  path: string,
  spend: EnvironmentSources['spend'],
): Layer | Unknown | undefined {
  const known = knownLayers(root).get(path);
  if (known !== undefined) return known;
  const found = root.readFile(path);
  if (found === undefined) return undefined;
  const { content, isPrivate } = found;
  if (!spend(content.length)) return tooMany;
  const values = Array.from(
    parseEnvironmentFile(content.toString()),
    ([name, text]) => [name, { text, isPrivate }] as const,
  );
  const layer = new Map(values);
  knownLayers(root).set(path, layer);
  return layer;
}

const tooMany: Unknown = {
  ok: false,
  message: 'expected fewer files of variables in all units, found more than berth reads',
  hint: 'write the value out in the unit, or set it with Environment=',
};
