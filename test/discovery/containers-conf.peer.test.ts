import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { Allowance } from '../../src/discovery/allowance.ts';
import { confOfVariables } from '../../src/discovery/conf-of-variables.ts';
import { faultOf, readContainersConf, withModules } from '../../src/discovery/containers-conf.ts';
import { openRoot } from '../../src/root/open-root.ts';
import { debianProgram, ownStore } from '../support/debian-root.ts';
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

/** Files that variables of a service name: in place of the others, and over all others. */
const byVariables = fc.record(
  { CONTAINERS_CONF: file, CONTAINERS_CONF_OVERRIDE: file },
  { requiredKeys: [] },
);

/** What a podman is started with. */
interface Start {
  readonly modules: readonly string[];
  /** Paths of files, by the variables that name them. */
  readonly variables: Readonly<Record<string, string>>;
}

test('the settings are those of podman', { skip: skipPodman }, async (t) => {
  const base = temporaryDirectory(t);
  const directory = join(base, 'root');
  const newer = [trixiePodman(), debianProgram('forky', 'podman')];
  const named = fc.subarray(['m.conf', 'team/n']);
  const variableFiles = fc.oneof(fc.constant({}), byVariables);
  await holds(
    25,
    fc.asyncProperty(tree, named, variableFiles, async (files, wanted, texts) => {
      rmSync(directory, { recursive: true, force: true });
      const inEtc = Object.entries(texts).map(([name, text]) => [`etc/containers/${name}`, text]);
      writeTree(directory, { ...files, ...Object.fromEntries(inEtc), 'etc/os-release': '' });
      for (const place of ['etc/containers', 'usr/share/containers', 'home']) {
        mkdirSync(join(directory, place), { recursive: true });
      }
      const variables = Object.fromEntries(
        Object.keys(texts).map((name) => [name, `/etc/containers/${name}`]),
      );
      const modules = wanted.filter((name) =>
        Object.keys(files).some((path) => path.endsWith(name)),
      );
      const start = { modules, variables };
      const mine = await settingsOfBerth(start, directory);
      for (const podman of newer) assert.deepEqual(settingsOf(podman, start, directory), mine);
      // podman 4.3 has no modules, and does not know of the file over all others.
      if (modules.length > 0 || 'CONTAINERS_CONF_OVERRIDE' in texts) return;
      assert.deepEqual(settingsOf(['podman'], start, directory), mine);
    }),
  );
});

/** The default infra image and pull policy as berth finds them. */
async function settingsOfBerth({ modules, variables }: Start, directory: string) {
  const root = openRoot(directory);
  try {
    const context = { root, etc: '/etc', allowance: new Allowance() } as const;
    const containersConf = await readContainersConf(root, '/etc');
    const ofUnit = await confOfVariables((name) => variables[name], { ...context, containersConf });
    const conf = ofUnit.containersConf ?? containersConf;
    const settings = withModules(conf, modules);
    const isReplaced = variables['CONTAINERS_CONF'] !== undefined;
    const problem = isReplaced ? undefined : containersConf.problem;
    if ((faultOf(settings) ?? problem) !== undefined) return 'refused';
    return [settings.infraImage?.value ?? '', settings.pullPolicy?.value ?? 'missing'];
  } finally {
    root.close();
  }
}

/** The defaults that podman's own help shows, with the directory's configuration in place of the machine's. */
function settingsOf(
  podman: readonly string[],
  { modules, variables }: Start,
  directory: string,
): readonly string[] | 'refused' {
  const options = modules.map((name) => `--module=${name}`);
  const helps = [
    ['pod', 'create', '--help'],
    ['run', '--help'],
  ].map((words) => output([...podman, ...options, ...words], variables, directory));
  if (helps.includes(undefined)) return 'refused';
  const valueOf = (help: string | undefined, option: string) =>
    new RegExp(`--${option} .*\\(default "(.*)"\\)`).exec(help ?? '')?.[1] ?? '';
  return [valueOf(helps[0], 'infra-image'), valueOf(helps[1], 'pull') || 'missing'];
}

/** @returns undefined if podman refuses its configuration. */
function output(
  command: readonly string[],
  variables: Start['variables'],
  directory: string,
): string | undefined {
  const script = `
    mount --bind "$0/etc/containers" /etc/containers
    mount --bind "$0/usr/share/containers" /usr/share/containers
    exec "$@"`;
  const words = ['--mount', 'sh', '-c', script, directory, ...command];
  const env = { ...ownStore(directory), ...variables, PATH: process.env['PATH'] };
  const { stdout, stderr } = spawnSync('unshare', words, { encoding: 'utf8', env });
  return /invalid pull type|decode configuration/.test(stderr) ? undefined : stdout;
}
