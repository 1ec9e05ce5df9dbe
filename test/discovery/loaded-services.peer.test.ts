import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { discover } from '../../src/discovery/discover.ts';
import type { Discovered, Reference } from '../../src/discovery/reference.ts';
import { openRoot } from '../../src/root/open-root.ts';
import type { BootedHost } from '../support/booted-host.ts';
import { debianRoot } from '../support/debian-root.ts';
import { isOver, rounds, seed } from '../support/property.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { shortNames, type Tree, writeTree } from '../support/tree.ts';
import { type ServiceCase, serviceCases } from '../systemd/refused-services.ts';
import { bootRecorded, engineOf, type RecordedStart, recordedStarts } from './recorded-host.ts';
import { serviceTree, sharedFiles, UNITS_A_BOOT } from './service-forest.ts';
import {
  activations,
  isOfForest,
  isStartable,
  type LoadedUnit,
  loadedUnits,
  targets,
} from './systemd-starts.ts';

const makers = fc.sample(serviceTree(), { seed, numRuns: rounds(UNITS_A_BOOT), unbiased: true });

for (let first = 0; first < makers.length; first += UNITS_A_BOOT) {
  const title = `units ${first} to ${first + UNITS_A_BOOT} of BERTH_SEED=${seed}`;
  test(`services name the images that systemd starts, and start as in systemd: ${title}`, async (t) => {
    if (isOver()) return t.skip('the time is over');
    const trees = makers.slice(first, first + UNITS_A_BOOT).map((tree, id) => tree(id));
    const tree: Tree = Object.assign({}, sharedFiles, ...trees);
    const directory = join(temporaryDirectory(t), 'root');
    execFileSync('cp', ['-a', '--reflink=auto', debianRoot('trixie'), directory]);
    writeTree(directory, tree);
    writeTree(directory, refusalTree);
    appendFileSync(join(directory, 'etc/passwd'), 'app:*:1001:1001::/home/app:/bin/sh\n');
    await compare(t, directory, tree, await discoveredIn(directory));
  });
}

async function discoveredIn(directory: string): Promise<Discovered> {
  const root = openRoot(directory);
  try {
    return await discover(root, { shortNames, architecture: 'x86-64' });
  } finally {
    root.close();
  }
}

async function compare(
  t: TestContext,
  directory: string,
  tree: Tree,
  { references, problems }: Discovered,
): Promise<void> {
  const ofForest = references.filter(({ unit }) => isOfForest(unit) && !unit.includes('@.'));
  const host = await bootRecorded(t, directory);
  const listed = servicesOf(host, ofForest);
  const units = loadedUnits(host, [...targets, ...listed]);
  const starts = activations(units, true);
  // An instance that only a refused service wants is none that berth should know.
  const known = [...listed, ...starts.keys()].map((name) => units.get(name));
  const startable = [...new Set(known)].flatMap((unit) =>
    unit !== undefined &&
    isOfForest(unit.name) &&
    unit.name.endsWith('.service') &&
    isStartable(unit.name, units)
      ? [unit.name]
      : [],
  );
  assert.ok(startable.length > UNITS_A_BOOT / 2, `${startable.length} services`);

  compareStarts(ofForest, units, starts);
  compareRefusals(host);
  host.run('systemctl', 'reset-failed', ...startable);
  host.run('systemctl', 'start', ...startable);
  host.run('systemctl', 'stop', ...startable);
  const started = startedImages(recordedStarts(directory), tree);
  assert.ok(started.length > UNITS_A_BOOT / 3, `${started.length} images`);
  const named = namedImages(ofForest, refusedProjects(problems));
  assert.deepEqual(without(started, named), [], 'images that only systemd starts');
  assert.deepEqual(without(named, started), [], 'images that only berth names');
}

/** A service for each case of the table, which nothing starts. */
const refusalTree: Tree = Object.assign(
  {},
  ...serviceCases.map(([own, dropIn], i): Tree => {
    const path = `/etc/systemd/system/t${i}.service`;
    const added = dropIn === '' ? {} : { [`${path}.d/x.conf`]: `[Service]\n${dropIn}\n` };
    return { [path]: `[Service]\n${own}\n`, ...added };
  }),
);

/** Holds the table of refused services against systemd. */
function compareRefusals(host: BootedHost): void {
  const units = loadedUnits(
    host,
    serviceCases.map((_, i) => `t${i}.service`),
  );
  const theirs = serviceCases.map(([own, dropIn], i): ServiceCase => {
    const state = units.get(`t${i}.service`)?.state;
    return [own, dropIn, state === 'bad-setting'];
  });
  assert.deepEqual(theirs, serviceCases, 'services that systemd refuses');
}

/** The services of the forest: those that systemd knows, and those that berth names. */
function servicesOf(host: BootedHost, references: readonly Reference[]): string[] {
  const listed = host.run('systemctl', 'list-unit-files', '--no-legend', '--type=service', 'u*');
  const known = Array.from(listed.matchAll(/^(u\d+-\S+) +(\S+)/gm), ([, name = '', state]) =>
    state === 'alias' || name.includes('@.') ? '' : name,
  );
  const named = references.map(({ unit }) => unit);
  return [...new Set([...known, ...named])].filter((name) => name !== '');
}

/** Compares how the services of references start, and which of them systemd refuses. */
function compareStarts(
  references: readonly Reference[],
  units: ReadonlyMap<string, LoadedUnit>,
  starts: ReadonlyMap<string, string>,
): void {
  const atEnd = new Set(
    Array.from(units.values()).flatMap(({ onSuccess, onFailure }) => [...onSuccess, ...onFailure]),
  );
  const certain = activations(units, false);
  const expected: string[] = [];
  const found: string[] = [];
  const mistaken: string[] = [];
  for (const { unit, activation, problems } of references) {
    const isRefused = problems.some(({ code }) => code === 'bad-setting');
    const lacks = problems.some(({ code }) => code === 'required-unit');
    found.push(`${unit} ${isRefused ? 'refused' : activation} ${lacks ? 'lacks a unit' : ''}`);
    const loaded = units.get(unit);
    const name = loaded?.name ?? unit;
    const start = starts.get(name) ?? 'none';
    const lacking = loaded?.state === 'loaded' && !isStartable(name, units) ? 'lacks a unit' : '';
    expected.push(`${unit} ${loaded?.state === 'bad-setting' ? 'refused' : start} ${lacking}`);
    if (start !== (certain.get(name) ?? 'none')) continue;
    // Whether the units of OnSuccess= and OnFailure= have started depends on how others ended.
    if (start !== 'boot' && loaded !== undefined && atEnd.has(loaded.name)) continue;
    if ((loaded?.wasStarted === true) !== (start === 'boot')) mistaken.push(`${unit} ${start}`);
  }
  assert.deepEqual(mistaken, [], 'what systemd started at boot');
  assert.deepEqual(found, expected, 'activations');
}

function without(all: readonly string[], others: readonly string[]): string[] {
  const known = new Set(others);
  return all.filter((one) => !known.has(one));
}

/** `unit engine image` for each image in the words with which an engine was asked. */
function startedImages(starts: readonly RecordedStart[], tree: Tree): string[] {
  const images = starts.flatMap((start) => {
    const { unit, words } = start;
    // `podman kube down` needs no image of the manifest.
    const texts = words.includes('down') ? [] : words.flatMap((word) => yamlAt(word, tree));
    return [...words, ...texts]
      .flatMap((text) => Array.from(text.matchAll(/q\.io\/[^\s",}]+/g), ([name]) => name))
      .filter((name) => imageName.test(name))
      .map((name) => `${unit} ${engineOf(start)} ${name}`);
  });
  return [...new Set(images)];
}

const imageName = /^q\.io\/[a-z0-9-]+:\w[\w.-]*$/;

function yamlAt(path: string, tree: Tree): string[] {
  const text = path.endsWith('.yaml') ? tree[path] : undefined;
  return text === undefined ? [] : [String(text)];
}

/** The services whose projects docker compose refuses as a whole; berth still names some images. */
function refusedProjects(problems: Discovered['problems']): ReadonlySet<string> {
  const refused = problems.filter(({ code }) => code === 'compose');
  return new Set(refused.flatMap(({ subject }) => subject?.unit ?? []));
}

/** `unit engine image` for each image that berth names for a service that exists. */
function namedImages(
  references: readonly Reference[],
  withoutProject: ReadonlySet<string>,
): string[] {
  const images = references.flatMap(({ unit, engine = '-', image, kind, problems }) => {
    const hasNone =
      problems.some(({ code }) => neverStarts.has(code)) ||
      (kind === 'compose' && withoutProject.has(unit));
    return image === undefined || hasNone ? [] : [`${unit} ${engine} ${image}`];
  });
  return [...new Set(images)];
}

const neverStarts: ReadonlySet<string> = new Set(['bad-setting', 'refused', 'required-unit']);
