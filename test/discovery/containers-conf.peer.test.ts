import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { faultOf, readContainersConf, withModules } from '../../src/discovery/containers-conf.ts';
import { openRoot } from '../../src/root/open-root.ts';
import { ownStore } from '../support/debian-root.ts';
import { skipPodman } from '../support/podman.ts';
import { holds } from '../support/property.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { type Tree, writeTree } from '../support/tree.ts';
import { trixiePodman } from '../support/trixie.ts';

const keys = fc.record(
  {
    infra_image: fc.constantFrom('"q.io/a:1"', '"q.io/b:1"', '""'),
    pull_policy: fc.constantFrom('"always"', '"never"', '"NEWER"', '"IfNotPresent"'),
    events_logger: fc.constant('"file"'),
  },
  { requiredKeys: [] },
);

/** Settings with which podman does not start, or only if a later file has others. */
const refused = fc.constantFrom('pull_policy = "sometimes"', 'pull_policy = 1', 'infra_image = []');

const file = fc.tuple(keys, fc.option(refused, { freq: 12 })).map(([settings, bad]) =>
  [
    '[engine]',
    ...Object.entries(settings)
      .filter(([key]) => bad?.startsWith(key) !== true)
      .map(([key, value]) => `${key} = ${value}`),
    bad ?? '',
    '[network]\n',
  ].join('\n'),
);

const main = ['usr/share/containers/containers.conf', 'etc/containers/containers.conf'];
const dropIns = ['20.conf', '10.conf', '30.toml'].map(
  (name) => `etc/containers/containers.conf.d/${name}`,
);
const modules = ['usr/share/containers', 'etc/containers'].flatMap((place) =>
  ['m.conf', 'team/n'].map((name) => `${place}/containers.conf.modules/${name}`),
);

const tree: fc.Arbitrary<Tree> = fc.dictionary(
  fc.constantFrom(...main, ...dropIns, ...modules),
  file,
);

test('the settings are those of podman', { skip: skipPodman }, async (t) => {
  const base = temporaryDirectory(t);
  const directory = join(base, 'root');
  const newer = trixiePodman();
  await holds(
    25,
    fc.asyncProperty(tree, fc.subarray(['m.conf', 'team/n']), async (files, named) => {
      rmSync(directory, { recursive: true, force: true });
      writeTree(directory, { ...files, 'etc/os-release': '' });
      const there = named.filter((name) => Object.keys(files).some((path) => path.endsWith(name)));
      for (const place of ['etc/containers', 'usr/share/containers', 'home']) {
        mkdirSync(join(directory, place), { recursive: true });
      }
      const root = openRoot(directory);
      const conf = await readContainersConf(root, '/etc');
      root.close();
      const settings = withModules(conf, there);
      const { infraImage, pullPolicy } = settings;
      const isRefused = faultOf({ ...settings, ...(conf.problem && { fault: conf.problem }) });
      const mine = [infraImage?.value ?? '', pullPolicy?.value ?? 'missing'];
      const options = there.map((name) => `--module=${name}`);
      assert.deepEqual(settingsOf([...newer, ...options], directory), isRefused ? 'refused' : mine);
      if (there.length > 0) return;
      assert.deepEqual(settingsOf(['podman'], directory), isRefused ? 'refused' : mine);
    }),
  );
});

/** The defaults that podman's own help shows, with the directory's configuration in place of the machine's. */
function settingsOf(podman: readonly string[], directory: string): readonly string[] | 'refused' {
  const helps = [
    ['pod', 'create', '--help'],
    ['run', '--help'],
  ].map((words) => output([...podman, ...words], directory));
  if (helps.includes(undefined)) return 'refused';
  const valueOf = (help: string | undefined, option: string) =>
    new RegExp(`--${option} .*\\(default "(.*)"\\)`).exec(help ?? '')?.[1] ?? '';
  return [valueOf(helps[0], 'infra-image'), valueOf(helps[1], 'pull') || 'missing'];
}

/** @returns undefined if podman refuses its configuration. */
function output(command: readonly string[], directory: string): string | undefined {
  const script = `
    mount --bind "$0/etc/containers" /etc/containers
    mount --bind "$0/usr/share/containers" /usr/share/containers
    exec "$@"`;
  const words = ['--mount', 'sh', '-c', script, directory, ...command];
  const env = { ...ownStore(directory), PATH: process.env['PATH'] };
  const { stdout, stderr } = spawnSync('unshare', words, { encoding: 'utf8', env });
  return /invalid pull type|decode configuration/.test(stderr) ? undefined : stdout;
}
