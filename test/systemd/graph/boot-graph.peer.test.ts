import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { readQuadlets } from '../../../src/discovery/quadlet/quadlet.ts';
import { openRoot } from '../../../src/root/open-root.ts';
import { managerEnvironment } from '../../../src/systemd/environment/manager-environment.ts';
import { bootGraph } from '../../../src/systemd/graph/boot-graph.ts';
import { readSystemdUnits } from '../../../src/systemd/systemd-units.ts';
import { contextOf } from '../../discovery/source.ts';
import { type BootedHost, bootHost } from '../../support/booted-host.ts';
import { debianRoot } from '../../support/debian-root.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { writeTree } from '../../support/tree.ts';
import { bootForest } from './boot-forest.ts';

/** Relations that `list-dependencies` also shows, although they start nothing. */
const shownOnly = ['t-part.service', 't-requisite.service'];

test('the units that come to start are those of systemd', async (t) => {
  const directory = join(temporaryDirectory(t), 'root');
  const trixie = debianRoot('trixie');
  execFileSync('cp', ['-a', '--reflink=auto', trixie, directory]);
  writeTree(directory, bootForest);
  const root = openRoot(directory);
  t.after(() => root.close());
  const context = contextOf(root);
  const { generated: made } = readQuadlets(
    root,
    ['/etc/containers/systemd', '/usr/share/containers/systemd'],
    () => false,
    context,
  );
  const units = readSystemdUnits(root, '/etc', { ...context, manager: 'system', generated: made });
  const graph = bootGraph(units);
  const activations = new Map(
    Array.from(units.services(), ({ name }) => [name, graph.startOf(name).activation]),
  );
  const host = await bootHost(t, directory);

  await t.test('boot: the dependencies of default.target', () => {
    const generated = words(host.run('find', '/run/systemd/generator', '-type', 'l')).map(
      (path) => path.split('/').at(-1) ?? '',
    );
    // Dependencies on Quadlet units are known: berth reads the files that the generator reads.
    const unknown = generated.filter((name) => !name.startsWith('t-q'));
    const listed = words(
      host.run('systemctl', 'list-dependencies', '--all', '--plain', 'default.target'),
    );
    const theirs = loadedServices(host, listed).filter(
      (name) => !unknown.includes(name) && !shownOnly.includes(name),
    );
    assert.ok(theirs.length > 60, `${theirs.length}`);
    const ofQuadlet = theirs.filter((name) => name.startsWith('t-q'));
    assert.deepEqual(ofQuadlet.sort(), quadletsAtBoot, 'of Quadlet');
    const missing = theirs.filter((name) => graph.startOf(name).activation !== 'boot');
    assert.deepEqual(missing, [], 'started by systemd alone');
    const mine = Array.from(activations).flatMap(([name, by]) => (by === 'boot' ? [name] : []));
    const templates = theirs.map((name) => name.replace(/@.*\./, '@.'));
    const added = mine.filter((name) => !theirs.includes(name) && !templates.includes(name));
    assert.deepEqual(added, [], 'started by the graph alone');
  });

  for (const kind of ['socket', 'timer', 'path'] as const) {
    await t.test(`${kind}: the units that active ones trigger`, () => {
      const active = words(
        host.run('systemctl', 'list-units', `--type=${kind}`, ...plain, '--state=active'),
      ).filter((word) => word.endsWith(`.${kind}`));
      const pairs = active.flatMap((unit) =>
        words(host.run('systemctl', 'show', '--value', '-p', 'Triggers', unit)).map((triggers) => ({
          unit,
          triggers,
        })),
      );
      const triggered = new Set(pairs.map(({ triggers }) => triggers));
      assert.ok(triggered.size > 1, `${triggered.size}`);
      const missing = loadedServices(host, [...triggered]).filter((name) => {
        const { activation } = graph.startOf(name);
        return activation !== kind && activation !== 'boot' && activation !== 'socket';
      });
      assert.deepEqual(missing, []);
      for (const [name, by] of activations) {
        if (by !== kind) continue;
        const trigger = graph.startOf(name).via.find((unit) => unit.endsWith(`.${kind}`)) ?? '';
        assert.ok(isInactiveByCondition(host, trigger) || active.includes(trigger), trigger);
      }
    });
  }

  await t.test('the variables that the manager gives to services', () => {
    const theirs = host
      .run('systemctl', 'show', '--value', '-p', 'MainPID', 't-wanted.service')
      .trim();
    const set = host
      .run('cat', `/proc/${theirs}/environ`)
      .split('\0')
      .filter((line) => line.startsWith('T_'));
    const { inherited } = managerEnvironment(root, '/etc', 'system');
    const mine = Array.from(inherited, ([name, value]) => `${name}=${value}`);
    assert.deepEqual(set.sort(), mine.sort());
  });

  await t.test('the services that run after the boot', () => {
    const running = words(
      host.run('systemctl', 'list-units', '--type=service', ...plain, '--state=running', 't-*'),
    ).filter((word) => word.startsWith('t-') && word.endsWith('.service'));
    const mine = Array.from(activations).flatMap(([name, by]) =>
      name.startsWith('t-') && by === 'boot' && !notRunning(name) ? [name] : [],
    );
    const templates = running.map((name) => name.replace(/@.*\./, '@.'));
    assert.deepEqual([...new Set(templates)].sort(), mine.sort());
  });
});

/** Services that can't run on this host: a condition fails, or there is no image. */
function notRunning(name: string): boolean {
  return name === 't-conditional.service' || name.startsWith('t-q');
}

const quadletsAtBoot = [
  't-q-build-build.service',
  't-q-built.service',
  't-q-image-image.service',
  't-q-kube.service',
  't-q-member.service',
  't-q-needed-volume.service',
  't-q-pod-pod.service',
  't-q-template@one.service',
  't-q-wanted.service',
];

const plain = ['--all', '--plain', '--no-legend'];

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

function loadedServices(host: BootedHost, names: readonly string[]): string[] {
  const services = [...new Set(names.filter((name) => name.endsWith('.service')))];
  const shown = host.run('systemctl', 'show', '-p', 'Id', '-p', 'LoadState', ...services);
  return shown.split('\n\n').flatMap((unit) => {
    const id = /^Id=(.*)$/m.exec(unit)?.[1];
    return id !== undefined && unit.includes('LoadState=loaded') ? [id] : [];
  });
}

/**
 * Whether a condition keeps a unit from starting; the graph ignores conditions, which depend on the
 * host.
 */
function isInactiveByCondition(host: BootedHost, unit: string): boolean {
  return host.run('systemctl', 'show', '--value', '-p', 'ConditionResult', unit).trim() === 'no';
}
