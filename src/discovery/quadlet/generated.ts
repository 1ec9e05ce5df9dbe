import { posix } from 'node:path';
import { flag, list, scalar } from '../../systemd/lookup.ts';
import type { GeneratedUnit } from '../../systemd/systemd-unit.ts';
import type { UnitEntry } from '../../systemd/unit-file.ts';
import { parseUnitName, withInstance } from '../../systemd/unit-name.ts';
import { splitWords } from '../../systemd/words.ts';
import { dependencyKeys } from './known-keys.ts';
import { podOf } from './pods.ts';
import { type QuadletUnit, sectionOf, type UnitType, unitTypeOf } from './unit.ts';

/**
 * The services that podman's generator makes, with the parts that decide how units start.
 *
 * Source: podman 6, cmd/quadlet/main.go, `enableServiceFile`, and pkg/systemd/quadlet/quadlet.go.
 *
 * @param units the units of which podman makes a service.
 * @param byName all Quadlet units, by file name.
 */
export function generatedUnits(
  units: readonly QuadletUnit[],
  byName: ReadonlyMap<string, QuadletUnit>,
): readonly GeneratedUnit[] {
  const pods = Map.groupBy(units, (unit) => podOf(unit) ?? '');
  return units.map((unit) => ({
    name: unit.service,
    path: unit.path,
    realPath: unit.realPath,
    // An array that grows keeps room for more: for 10,000 units, two megabytes.
    entries: defaultsOf(unit).concat(
      asService(unit.entries, byName),
      impliedBy(unit, byName),
      ownSettings[unit.type],
      unit.type === 'pod' ? membersOf(unit, pods.get(unit.name)) : [],
    ),
    links: linksOf(unit),
  }));
}

/** The sections besides [Unit] that the generator copies, and in which berth reads something. */
const copied: ReadonlySet<string> = new Set(['Install', 'Service', 'X-Berth']);

/** The key of the generator's own command, which runs, pulls or builds the unit's images. */
function ownKey(type: UnitType): 'ExecStart' | 'ExecStartPre' {
  // `podman pod create`; the pod is started by ExecStart=.
  return type === 'pod' ? 'ExecStartPre' : 'ExecStart';
}

const oneshot = [setting('Type', 'oneshot'), setting('RemainAfterExit', 'yes')];

/** The settings that the generator writes where the unit's own [Service] has none. */
const defaults: Readonly<Record<UnitType, readonly UnitEntry[]>> = {
  artifact: oneshot,
  build: oneshot,
  container: [setting('Type', 'notify')],
  image: oneshot,
  kube: [setting('Type', 'notify')],
  network: oneshot,
  pod: [],
  volume: oneshot,
};

function defaultsOf({ type, entries }: QuadletUnit): readonly UnitEntry[] {
  if (!entries.some(({ group }) => group === 'Service')) return defaults[type];
  return defaults[type].filter(
    ({ key }) => !entries.some((entry) => entry.key === key && entry.group === 'Service'),
  );
}

/** The commands and settings that the generator writes after those of the unit's own [Service]. */
const ownSettings: Readonly<Record<UnitType, readonly UnitEntry[]>> = {
  artifact: [command('ExecStart')],
  build: [command('ExecStart')],
  container: [command('ExecStart'), command('ExecStop')],
  image: [command('ExecStart')],
  kube: [command('ExecStart')],
  network: [command('ExecStart')],
  pod: [
    command('ExecStartPre'),
    command('ExecStart'),
    command('ExecStop'),
    setting('Type', 'forking'),
    setting('Restart', 'on-failure'),
  ],
  volume: [command('ExecStart')],
};

function command(key: string): UnitEntry {
  return { ...setting(key, 'by Quadlet'), quadlet: true };
}

function setting(key: string, value: string): UnitEntry {
  return { group: 'Service', key, value, path: '', line: 0 };
}

/** Whether systemd still runs a generated service's own command: drop-ins may replace it. */
export function runsOwnCommand({ type }: QuadletUnit, loaded: readonly UnitEntry[]): boolean {
  return list(loaded, 'Service', ownKey(type)).some(({ quadlet }) => quadlet === true);
}

/** The entries that the generator copies, with its services in place of Quadlet files, as podman does since 5.5. */
function asService(
  entries: readonly UnitEntry[],
  byName: ReadonlyMap<string, QuadletUnit>,
): readonly UnitEntry[] {
  const found: UnitEntry[] = [];
  for (const entry of entries) {
    if (entry.group === 'Unit') found.push(withServices(entry, byName));
    else if (copied.has(entry.group)) found.push(entry);
  }
  return found;
}

/** Replaces the Quadlet files in a dependency by their services. */
function withServices(entry: UnitEntry, byName: ReadonlyMap<string, QuadletUnit>): UnitEntry {
  if (!dependencyKeys.has(entry.key)) return entry;
  const words = splitWords(entry.value, { escapes: false, relaxed: true }) ?? [];
  return { ...entry, value: words.map((word) => byName.get(word)?.service ?? word).join(' ') };
}

/**
 * The dependencies that the generator adds: on the services of the Quadlet files that a unit uses.
 */
function impliedBy(unit: QuadletUnit, byName: ReadonlyMap<string, QuadletUnit>): UnitEntry[] {
  const section = sectionOf[unit.type];
  const implied: UnitEntry[] = [];
  const require = (entry: UnitEntry, file: string, key = 'Requires') => {
    const service = byName.get(file)?.service;
    if (service !== undefined) implied.push({ ...entry, group: 'Unit', key, value: service });
  };
  const image = scalar(unit.entries, section, 'Image');
  if (image !== undefined) require(image, image.value);
  const pod = scalar(unit.entries, section, 'Pod');
  if (pod !== undefined) require(pod, pod.value, 'BindsTo');
  for (const key of ['Network', 'Volume']) {
    for (const entry of list(unit.entries, section, key)) {
      const file = beforeColon(entry.value);
      if (unitTypeOf(file) !== undefined) require(entry, file);
    }
  }
  for (const entry of list(unit.entries, section, 'Mount')) {
    for (const [, source = ''] of entry.value.matchAll(/(?:source|src)=([^,"\s]+)/g)) {
      if (/\.(?:image|volume|build)$/.test(source)) require(entry, source);
    }
  }
  return implied;
}

function beforeColon(value: string): string {
  const colon = value.indexOf(':');
  return colon < 0 ? value : value.slice(0, colon);
}

function membersOf(pod: QuadletUnit, members: readonly QuadletUnit[] = []): readonly UnitEntry[] {
  return members.flatMap((member) => startedByPod(member, pod));
}

function startedByPod(member: QuadletUnit, pod: QuadletUnit): UnitEntry[] {
  if (flag(member.entries, 'Container', 'StartWithPod') === false) return [];
  const { path } = pod;
  return [{ group: 'Unit', key: 'Wants', value: member.service, path, line: 1 }];
}

const linkDirectories = [
  { key: 'WantedBy', directory: 'wants' },
  { key: 'RequiredBy', directory: 'requires' },
  { key: 'UpheldBy', directory: 'upholds' },
] as const;

/**
 * The links that the generator makes for [Install]; presets and `systemctl enable` have no effect.
 */
function linksOf(unit: QuadletUnit): readonly string[] {
  if (!unit.entries.some(({ group }) => group === 'Install')) return [];
  const words = (key: string) => wordsOf(list(unit.entries, 'Install', key));
  const links = words('Alias').map((alias) => posix.normalize(alias));
  const name = enabledName(unit);
  if (name === undefined) return links;
  for (const { key, directory } of linkDirectories) {
    for (const target of words(key)) links.push(`${target}.${directory}/${name}`);
  }
  return links.filter((link) => !link.startsWith('..') && link.split('/').length <= 2);
}

function wordsOf(entries: readonly UnitEntry[]): readonly string[] {
  return entries.flatMap(({ value }) => splitWords(value, { escapes: false, relaxed: true }) ?? []);
}

/** The service that the links start; for a template its default instance, if there is one. */
function enabledName(unit: QuadletUnit): string | undefined {
  const name = parseUnitName(unit.service);
  if (name.instance !== '') return unit.service;
  const instance = scalar(unit.entries, 'Install', 'DefaultInstance')?.value;
  return instance ? withInstance(name, instance).full : undefined;
}
