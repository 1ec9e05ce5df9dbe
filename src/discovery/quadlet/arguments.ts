import { append } from '../../common/append.ts';
import { list } from '../../systemd/lookup.ts';
import type { UnitEntry } from '../../systemd/unit-file.ts';
import { splitWords } from '../../systemd/words.ts';
import { mostFaults } from '../allowance.ts';
import type { Fault, Problem } from '../problem.ts';
import type { PullOptions } from '../reference.ts';
import { commandPull } from '../services/command-pull.ts';
import { mountedSource } from '../services/images/mounted-image.ts';
import { optionTable, podman } from '../services/option-tables.ts';
import { type Option, splitOptions } from '../services/split-options.ts';
import type { Word } from '../services/words.ts';
import { type StorageOptions, storageOptions } from '../store-options.ts';
import { confOf } from './conf-of.ts';
import { type PullContext, settingEntry } from './pull-options.ts';
import { problemOfUnit, type QuadletUnit, sectionOf, serviceOf, type UnitType } from './unit.ts';

/** The arguments that a unit passes to podman besides its own keys, as far as berth reads them. */
export interface Arguments {
  /** The pull options that override the unit's own keys. */
  readonly pull: Partial<PullOptions>;
  /** All options of `PodmanArgs=`, in order. */
  readonly options: readonly Option[];
  /** Images besides the unit's own, each as an entry: mounts, and the infra image of a pod. */
  readonly images: readonly UnitEntry[];
  /** OCI artifacts that are mounted, each as an entry. */
  readonly artifacts: readonly UnitEntry[];
  /** Problems with the pulling of the unit's own image. */
  readonly pullProblems: readonly Problem[];
  /** Problems of the unit as a whole: other things to pull, or another storage. */
  readonly unitProblems: readonly Problem[];
}

/** The arguments of most units. */
export const noArguments: Arguments = {
  pull: {},
  options: [],
  images: [],
  artifacts: [],
  pullProblems: [],
  unitProblems: [],
};

/** Reads `PodmanArgs=`, `GlobalArgs=` and `Mount=` as podman reads the resulting command line. */
export function readArguments(unit: QuadletUnit, context: PullContext): Arguments {
  const hasNone = unit.type !== 'pod' && !unit.entries.some(isArgument);
  if (hasNone && isUsual(storageOptions([], context))) return noArguments;
  const found: Draft = {
    pull: {},
    options: [],
    global: [],
    images: [],
    artifacts: [],
    pullProblems: [],
    unitProblems: [],
  };
  const section = sectionOf[unit.type];
  if (hasNone) {
    readStorage(unit, section, context, found);
    return found;
  }
  const kind = kinds[unit.type];
  for (const entry of kind === undefined ? [] : list(unit.entries, section, 'PodmanArgs')) {
    if (kind !== undefined) readPodmanArgs(unit, entry, kind, context, found);
  }
  readGlobalArgs(unit, section, context, found);
  readStorage(unit, section, context, found);
  if (unit.type === 'pod') addInfraImage(unit, context, found);
  for (const entry of unit.type === 'container' ? list(unit.entries, section, 'Mount') : []) {
    const [value = ''] = wordsOf(entry);
    addMount(entry, { text: value, raw: value }, found);
  }
  const { pullProblems, unitProblems } = found;
  return {
    ...found,
    pullProblems: pullProblems.slice(0, mostFaults),
    unitProblems: unitProblems.slice(0, mostFaults),
  };
}

function isUsual({ additionalStores, faults }: StorageOptions): boolean {
  return additionalStores === undefined && faults.length === 0;
}

/** Most units have none of the keys that become arguments. */
function isArgument({ key }: UnitEntry): boolean {
  return argumentKeys.has(key);
}

const argumentKeys: ReadonlySet<string> = new Set([
  'ContainersConfModule',
  'GlobalArgs',
  'Mount',
  'PodmanArgs',
]);

interface Draft {
  pull: Partial<PullOptions>;
  readonly options: Option[];
  /** The options before podman's subcommand. */
  readonly global: Option[];
  readonly images: UnitEntry[];
  readonly artifacts: UnitEntry[];
  readonly pullProblems: Problem[];
  readonly unitProblems: Problem[];
}

/**
 * Reads all `GlobalArgs=` together: Quadlet joins them, so the next key may hold an option's value.
 */
function readGlobalArgs(
  unit: QuadletUnit,
  section: string,
  context: PullContext,
  found: Draft,
): void {
  for (const { value } of list(unit.entries, section, 'ContainersConfModule')) {
    found.global.push({ name: 'module', value: { text: value, raw: value } });
  }
  const entries = list(unit.entries, section, 'GlobalArgs');
  const words = entries.flatMap((entry) =>
    wordsOf(entry).flatMap((word) => expandedWords(unit, word, context)),
  );
  const split = splitOptions(words, { tables: [podman.global], interspersed: true });
  if (split.ok) append(found.global, split.options);
  else found.unitProblems.push(problemOfUnit(unit, entries[0], split.fault));
}

/** Reads the options and variables that choose the image stores of the unit's podman. */
function readStorage(unit: QuadletUnit, section: string, context: PullContext, found: Draft): void {
  const { additionalStores, faults } = storageOptions([...found.global, ...found.options], context);
  if (faults.length > 0) {
    const keys = ['GlobalArgs', 'ContainersConfModule', 'PodmanArgs'];
    const [at] = keys.flatMap((key) => list(unit.entries, section, key));
    append(
      found.unitProblems,
      faults.map((fault) => problemOfUnit(unit, at, fault)),
    );
  }
  if (additionalStores !== undefined) found.pull = { ...found.pull, additionalStores };
}

type Kind = 'run' | 'pull' | 'play' | 'build' | 'pod';

const kinds: Readonly<Partial<Record<UnitType, Kind>>> = {
  artifact: 'pull',
  build: 'build',
  container: 'run',
  image: 'pull',
  kube: 'play',
  pod: 'pod',
};

/** The only option of `podman pod create` that names an image. */
const podImage = optionTable('infra-image', '');

function readPodmanArgs(
  unit: QuadletUnit,
  entry: UnitEntry,
  kind: Kind,
  context: PullContext,
  found: Draft,
): void {
  const words = wordsOf(entry).flatMap((word) => expandedWords(unit, word, context));
  if (kind === 'pod') {
    // The other options of a pod pull nothing, so no table of them is needed.
    const at = words.findIndex(({ text }) => /^--infra-image(?:=|$)/.test(text));
    const split = splitOptions(at < 0 ? [] : words.slice(at, at + 2), {
      tables: [podImage],
      interspersed: true,
    });
    const value = split.ok ? split.options[0]?.value : undefined;
    if (value !== undefined) found.images.push({ ...entry, value: value.text });
    return;
  }
  // podman accepts most of its global options after the subcommand as well.
  const tables = [podman[kind], podman.global];
  const split = splitOptions(words, { tables, interspersed: true });
  if (!split.ok) {
    found.pullProblems.push(problemOfUnit(unit, entry, split.fault));
    return;
  }
  const saysPolicy = split.options.some(({ name }) => name === 'pull' || name === 'policy');
  const { options, faults } = commandPull(
    { kind: kind === 'build' ? 'run' : kind, options: split.options },
    { etc: context.etc, ignoresFailure: !saysPolicy, directory: '/' },
  );
  const { policy, ...rest } = options;
  found.pull = { ...found.pull, ...rest, ...(saysPolicy ? { policy } : {}) };
  append(
    found.pullProblems,
    faults.map((fault) => problemOfUnit(unit, entry, fault)),
  );
  append(found.options, split.options);
  addMounts(entry, split.options, found);
  // podman takes the first word that belongs to no option for its image, file or pod.
  if (split.rest.length > 0) found.pullProblems.push(problemOfUnit(unit, entry, bareWord));
  const override = split.options.find(({ name }) => overriding.has(name))?.name;
  if (override !== undefined)
    found.pullProblems.push(problemOfUnit(unit, entry, overrides(override)));
}

/** The infra image of containers.conf, for a pod that has an infra container and names no image. */
function addInfraImage(unit: QuadletUnit, context: PullContext, found: Draft): void {
  const entry = settingEntry('infra_image', confOf(unit, context).infraImage);
  if (entry === undefined || entry.value === '' || found.images.length > 0) return;
  const words = list(unit.entries, 'Pod', 'PodmanArgs').flatMap(wordsOf);
  if (!words.includes('--infra=false')) found.images.push(entry);
}

function addMounts(entry: UnitEntry, options: readonly Option[], found: Draft): void {
  for (const { name, value } of options) {
    if (name === 'mount' && value !== undefined) addMount(entry, value, found);
  }
}

function addMount(entry: UnitEntry, value: Word, found: Draft): void {
  const mounted = mountedSource(value);
  if (mounted === undefined) return;
  const list = mounted.kind === 'image' ? found.images : found.artifacts;
  list.push({ ...entry, value: mounted.source.text });
}

function expandedWords(
  unit: QuadletUnit,
  word: string,
  { expander }: PullContext,
): readonly Word[] {
  const expanded = expander.expand(serviceOf(unit), word);
  if (expanded.ok) return expanded.words.map((text) => ({ text, raw: word }));
  return [{ text: word, raw: word, fault: expanded.fault, several: /^\$\w/.test(word) }];
}

function wordsOf(entry: UnitEntry): readonly string[] {
  return splitWords(entry.value, { escapes: true, relaxed: true }) ?? [];
}

const bareWord: Fault = {
  code: 'command-line',
  message:
    'expected only options, found another word, which podman takes for the image or the file',
  hint: "use the unit's own keys instead",
};

/** The options that make podman ignore what the unit's own keys say. */
const overriding: ReadonlySet<string> = new Set(['rootfs', 'file', 'from', 'build-arg-file']);

function overrides(option: string): Fault {
  return {
    code: 'command-line',
    message: `expected options that do not override the unit's own keys, found --${option}`,
    hint: "use the unit's own keys instead",
  };
}
