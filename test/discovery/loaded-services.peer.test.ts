import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { discover } from '../../src/discovery/discover.ts';
import type { Discovered, Reference } from '../../src/discovery/reference.ts';
import { openRoot } from '../../src/root/open-root.ts';
import { type BootedHost, bootHost } from '../support/booted-host.ts';
import { debianRoot } from '../support/debian-root.ts';
import { isOver, rounds, seed } from '../support/property.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { shortNames, type Tree, writeTree } from '../support/tree.ts';
import { type ServiceCase, serviceCases } from '../systemd/refused-services.ts';
import { serviceTree, sharedFiles } from './service-forest.ts';
import {
  activations,
  isOfForest,
  type LoadedUnit,
  loadedUnits,
  targets,
} from './systemd-starts.ts';

/** The number of Quadlet units and plain services in one boot, each with all that changes it. */
const TREES = 300;

/**
 * Stands in for podman in a booted host: it writes down which unit started it with which words, and
 * does what systemd waits for.
 */
const recorder = `#!/bin/sh
while read -r line; do
  # Commands of a service with Delegate= run in a cgroup below its own.
  case "$line" in *.service*) unit="\${line%.service*}.service"; unit=\${unit##*/}; break ;; esac
done < /proc/self/cgroup
echo "$unit $*" >> /var/log/podman
pid="/run/\${unit%.service}.pid"
for word; do
  case "$word" in --infra-conmon-pidfile=*) echo "\${word#*=}" > "$pid.path" ;; esac
done
case "$1 $2" in
  'pod start')
    [ ! -e "$pid.path" ] || read -r pid < "$pid.path"
    if [ "$(systemctl show --value -p Type "$unit")" = forking ]; then
      sleep infinity & echo $! > "$pid"
    fi ;;
esac
[ -z "$NOTIFY_SOCKET" ] || systemd-notify --ready
`;

/** Without limits, services that fail and have Restart= would start again for ever. */
const limits = '[Manager]\nDefaultStartLimitIntervalSec=infinity\nDefaultStartLimitBurst=1\n';

const makers = fc.sample(serviceTree(), { seed, numRuns: rounds(TREES), unbiased: true });

for (let first = 0; first < makers.length; first += TREES) {
  const title = `units ${first} to ${first + TREES} of BERTH_SEED=${seed}`;
  test(`services name the images that systemd starts, and start as in systemd: ${title}`, async (t) => {
    if (isOver()) return t.skip('the time is over');
    const trees = makers.slice(first, first + TREES).map((tree, id) => tree(id));
    const tree: Tree = Object.assign({}, sharedFiles, ...trees);
    const directory = join(temporaryDirectory(t), 'root');
    execFileSync('cp', ['-a', '--reflink=auto', debianRoot('trixie'), directory]);
    writeTree(directory, tree);
    writeTree(directory, refusalTree);
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
  { references }: Discovered,
): Promise<void> {
  const ofForest = references.filter(({ unit }) => isOfForest(unit) && !unit.includes('@.'));
  const host = await bootRecorded(t, directory);
  const listed = servicesOf(host, ofForest);
  const units = loadedUnits(host, [...targets, ...listed]);
  const starts = activations(units);
  // An instance that only a refused service wants is none that berth should know.
  const known = [...listed, ...starts.keys()].map((name) => units.get(name));
  const startable = [...new Set(known)].flatMap((unit) =>
    unit?.state === 'loaded' && isOfForest(unit.name) && unit.name.endsWith('.service')
      ? [unit.name]
      : [],
  );
  assert.ok(startable.length > TREES / 2, `${startable.length} services`);

  compareStarts(ofForest, units, starts);
  compareRefusals(host);
  host.run('systemctl', 'reset-failed', ...startable);
  host.run('systemctl', 'start', ...startable);
  host.run('systemctl', 'stop', ...startable);
  const log = join(directory, 'var/log/podman');
  const lines = existsSync(log) ? readFileSync(log, 'utf8').split('\n') : [];
  const started = startedImages(lines, tree);
  assert.ok(started.length > TREES / 3, `${started.length} images`);
  const named = namedImages(ofForest);
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

async function bootRecorded(t: TestContext, directory: string): Promise<BootedHost> {
  const podman = join(directory, 'usr/bin/podman');
  rmSync(podman);
  writeFileSync(podman, recorder);
  chmodSync(podman, 0o755);
  writeTree(directory, { '/etc/systemd/system.conf.d/limits.conf': limits });
  return bootHost(t, directory);
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
  const expected: string[] = [];
  const found: string[] = [];
  const mistaken: string[] = [];
  for (const { unit, activation, problems } of references) {
    const isRefused = problems.some(({ code }) => code === 'bad-setting');
    found.push(`${unit} ${isRefused ? 'refused' : activation}`);
    const loaded = units.get(unit);
    const start = starts.get(loaded?.name ?? unit) ?? 'none';
    expected.push(`${unit} ${loaded?.state === 'bad-setting' ? 'refused' : start}`);
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

/** `unit image` for each image in the words with which podman was started. */
function startedImages(lines: readonly string[], tree: Tree): string[] {
  const images = lines.flatMap((line) => {
    const [unit = '', ...words] = line.split(' ');
    // `podman kube down` needs no image of the manifest.
    const texts = words.includes('down') ? [] : words.flatMap((word) => yamlAt(word, tree));
    return [...words, ...texts]
      .flatMap((text) => Array.from(text.matchAll(/q\.io\/[^\s",}]+/g), ([name]) => name))
      .filter((name) => imageName.test(name))
      .map((name) => `${unit} ${name}`);
  });
  return [...new Set(images)];
}

const imageName = /^q\.io\/[a-z0-9-]+:\w[\w.-]*$/;

function yamlAt(path: string, tree: Tree): string[] {
  const text = path.endsWith('.yaml') ? tree[path] : undefined;
  return text === undefined ? [] : [String(text)];
}

/** `unit image` for each image that berth names for a service that exists. */
function namedImages(references: readonly Reference[]): string[] {
  const images = references.flatMap(({ unit, image, problems }) =>
    image === undefined || problems.some(({ code }) => code === 'bad-setting' || code === 'refused')
      ? []
      : [`${unit} ${image}`],
  );
  return [...new Set(images)];
}
