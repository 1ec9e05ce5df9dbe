import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { bindingsOf } from '../../src/binding/bindings.ts';
import { survey } from '../../src/binding/survey.ts';
import { openRoot } from '../../src/root/open-root.ts';
import { writeRoot } from '../support/berth.ts';
// The counting comes first: what is compiled before is not counted.
// biome-ignore assist/source/organizeImports: see above.
import { assertLinear } from '../support/operations.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const quadlet = 'usr/share/containers/systemd';
const systemd = 'usr/lib/systemd/system';

type Tree = Readonly<Record<string, string>>;

function lines(count: number, line: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => `${line(index)}\n`).join('');
}

/** As many units of a type. */
function units(count: number, type: string, text: (index: number) => string): Tree {
  const all = Array.from({ length: count }, (_, i) => [`${quadlet}/u${i}.${type}`, text(i)]);
  return Object.fromEntries(all);
}

const oneshot = '[Service]\nType=oneshot\n';

const target: Tree = {
  [`${systemd}/multi-user.target`]: '[Unit]\n',
  [`${systemd}/default.target`]: '-> multi-user.target',
};

/** Trees of files, in which something is looked up, cited or copied as often as there is much of it. */
const trees: Readonly<Record<string, (count: number) => Tree>> = {
  'units of which each wants the next': (count) => ({
    ...target,
    ...units(
      count,
      'container',
      (i) =>
        `[Unit]\nConditionPathExists=/a\nWants=u${i + 1}.service\n[Container]\nImage=q.io/a:${i}\n[Install]\n${i === 0 ? 'WantedBy=multi-user.target\n' : ''}`,
    ),
  }),
  'conditions of a unit that wants many': (count) => ({
    ...target,
    ...units(count, 'container', (i) => `[Container]\nImage=q.io/a:${i}\n`),
    [`${systemd}/hub.service`]: `[Unit]\n${lines(count, (i) => `Wants=u${i}.service\nConditionPathExists=/${i}`)}${oneshot}ExecStart=/bin/true\n`,
    [`${systemd}/multi-user.target.wants/hub.service`]: '-> ../hub.service',
  }),
  'conditions that are dropped again': (count) => ({
    ...target,
    [`${systemd}/multi-user.target.wants/a.service`]: '-> ../a.service',
    [`${systemd}/a.service`]: `[Unit]\n${lines(count, (i) => `AssertPathExists=/${i}\nConditionPathExists=`)}[Service]\nExecStart=podman run q.io/a\n`,
  }),
  'aliases of a unit that presets let want many': (count) => ({
    ...target,
    'usr/etc/machine-id': '',
    'usr/lib/systemd/system-preset/a.preset': 'enable *\n',
    [`${systemd}/hub.service`]: `${oneshot}ExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n`,
    ...Object.fromEntries(
      Array.from({ length: count }, (_, i) => [
        [`${systemd}/alias${i}.service`, '-> hub.service'],
        [
          `${systemd}/s${i}.service`,
          `[Service]\nExecStart=podman run q.io/a:${i}\n[Install]\nWantedBy=hub.service\n`,
        ],
      ]).flat(),
    ),
  }),
  'unknown keys of a berth.toml': (count) => ({
    'usr/lib/berth/berth.toml': `[bind]\n${lines(count, (i) => `key${i} = 1`)}`,
  }),
  'globs of a berth.toml': (count) => ({
    ...units(count, 'container', (i) => `[Container]\nImage=q.io/a:${i}\n`),
    'usr/lib/berth/berth.toml': `[bind]\ninclude = [${lines(count, (i) => `"unit${i}",`)}]\n`,
  }),
  'units that play one manifest': (count) => ({
    ...units(count, 'kube', () => '[Kube]\nYaml=/usr/share/a.yaml\n'),
    'usr/share/a.yaml': `kind: Pod\nmetadata:\n  labels:\n${lines(count, (i) => `    l${i}: a`)}spec:\n  containers:\n  - image: q.io/a\n`,
  }),
  'citations of one manifest': (count) => ({
    [`${quadlet}/a.kube`]: `[Kube]\n${lines(count, () => 'Yaml=/usr/share/a.yaml')}`,
    'usr/share/a.yaml': `kind: Pod\nspec:\n  containers:\n${lines(count, (i) => `  - image: q.io/a:${i}`)}`,
  }),
  'builds of one Containerfile': (count) => ({
    ...units(
      count,
      'build',
      (i) => `[Build]\nImageTag=localhost/a${i}\nFile=/usr/share/Containerfile\n`,
    ),
    'usr/share/Containerfile': `FROM q.io/a\n${lines(count, (i) => `ARG A${i}=a`)}`,
  }),
  'units with one file of variables': (count) => ({
    ...units(
      count,
      'container',
      () => '[Container]\nImage=q.io/a:${A1}\n[Service]\nEnvironmentFile=/usr/share/env\n',
    ),
    'usr/share/env': lines(count, (i) => `A${i}=a`),
  }),
  'citations of one file of variables': (count) => ({
    [`${quadlet}/a.container`]: `[Container]\nImage=q.io/a:\${A1}\n[Service]\n${lines(count, () => 'EnvironmentFile=/usr/share/env')}`,
    'usr/share/env': lines(count, (i) => `A${i}=a`),
  }),
  'units with one containers.conf': (count) => ({
    ...units(
      count,
      'pod',
      () => '[Pod]\n[Service]\nEnvironment=CONTAINERS_CONF=/usr/share/a.conf\n',
    ),
    'usr/share/a.conf': `[engine]\ninfra_image = "q.io/a"\n${lines(count, (i) => `a${i} = 1`)}`,
  }),
  'units with one registries.conf': (count) => ({
    ...units(
      count,
      'container',
      () =>
        '[Container]\nImage=a\n[Service]\nEnvironment=CONTAINERS_REGISTRIES_CONF=/usr/share/a.conf\n',
    ),
    'usr/share/a.conf': `[aliases]\n"a" = "q.io/a"\n${lines(count, (i) => `"a${i}" = "q.io/a${i}"`)}`,
  }),
  'units with one module': (count) => ({
    ...units(
      count,
      'container',
      () => '[Container]\nImage=q.io/a\nContainersConfModule=/usr/share/a.conf\n',
    ),
    'usr/share/a.conf': `[engine]\n${lines(count, (i) => `a${i} = 1`)}`,
  }),
  'units with one auth file': (count) => ({
    ...units(count, 'image', (i) => `[Image]\nImage=q.io/a:${i}\nAuthFile=/usr/share/auth.json\n`),
    'usr/share/auth.json': `{"auths":{${lines(count, (i) => `"q${i}.io":{"auth":"YTpi"},`)}"a.io":{"auth":"YTpi"}}}`,
  }),
  'command lines of a service': (count) => ({
    [`${systemd}/a.service`]: `${oneshot}${lines(count, (i) => `ExecStart=podman pull q.io/a:${i}`)}`,
  }),
  'variables and command lines of a service': (count) => ({
    [`${systemd}/a.service`]: `${oneshot}${lines(count, (i) => `Environment=A${i}=1\nExecStart=/usr/bin/a${i}`)}ExecStart=podman run q.io/a\n`,
  }),
  'Compose services with one file of variables': (count) => ({
    [`${systemd}/a.service`]: `${oneshot}ExecStart=docker compose -f /usr/share/a/compose.yaml up\n`,
    'usr/share/a/compose.yaml': `services:\n${lines(count, (i) => `  s${i}:\n    image: q.io/a\n    env_file: a.env`)}`,
    'usr/share/a/a.env': lines(count, (i) => `A${i}=1`),
  }),
  'mounts of a container': (count) => ({
    [`${quadlet}/a.container`]: `[Container]\nImage=q.io/a\n${lines(count, (i) => `Mount=type=image,source=q.io/a:${i},destination=/a`)}`,
  }),
  'mounts and options of a container': (count) => ({
    [`${quadlet}/a.container`]: `[Container]\nImage=q.io/a\n${lines(count, (i) => `Mount=type=image,source=q.io/a:${i},destination=/a\nPodmanArgs=--label=a`)}`,
  }),
  'names of a list': (count) => ({
    'usr/lib/berth/images.d/a.list': lines(count, (i) => `q.io/a:${i}`),
  }),
  'jobs of a crontab': (count) => ({
    [`${systemd}/cron.service`]: '[Service]\nExecStart=/usr/sbin/cron\n',
    'etc/crontab': lines(count, (i) => `* * * * * root podman run q.io/a:${i}`),
  }),
};

async function read(root: string): Promise<void> {
  const opened = openRoot(root);
  try {
    const found = await survey(opened, { bind: 'all', compose: [] });
    bindingsOf(found, opened, 'bound');
  } finally {
    opened.close();
  }
}

for (const [what, make] of Object.entries(trees)) {
  test(`${what} cost as many operations as there are`, async (t) => {
    const directory = temporaryDirectory(t);
    const write = (count: number) =>
      writeRoot(join(directory, String(count)), { 'etc/x': '', 'usr/x': '', ...make(count) });
    await assertLinear(write, read, 200);
  });
}

async function problemsOf(t: TestContext, tree: Tree) {
  const root = openRoot(writeRoot(join(temporaryDirectory(t), 'root'), { 'etc/x': '', ...tree }));
  t.after(() => root.close());
  const { references, problems } = await survey(root, { bind: 'all', compose: [] });
  return { references, problems };
}

test('a root has a hundred thousand references at most, and says if it has more', async (t) => {
  const { references, problems } = await problemsOf(t, {
    [`${systemd}/a.service`]: `${oneshot}${lines(5, () => `ExecStart=podman pull${' q.io/a'.repeat(15_000)}`)}`,
    [`${systemd}/b.service`]: `${oneshot}${lines(5, () => `ExecStart=podman pull${' q.io/b'.repeat(15_000)}`)}`,
  });
  assert.equal(references.length, 100_000);
  const cut = problems.filter(({ code }) => code === 'too-many-entries');
  assert.deepEqual(
    cut.map(({ path, bound }) => [path, bound]),
    [['/', true]],
  );
});

test('of thousands of conditions on the way to a unit a few are kept', async (t) => {
  const conditions = lines(5_000, (i) => `ConditionPathExists=/${i}`);
  const { references } = await problemsOf(t, {
    ...target,
    [`${quadlet}/a.container`]: '[Container]\nImage=q.io/a\n',
    [`${systemd}/hub.service`]: `[Unit]\nWants=a.service\n${conditions}${oneshot}ExecStart=/bin/true\n`,
    [`${systemd}/multi-user.target.wants/hub.service`]: '-> ../hub.service',
  });
  assert.equal(references.length, 1);
  const text = JSON.stringify(references);
  assert.match(text, /ConditionPathExists=.* more/);
  assert.ok(text.length < 20_000, `${text.length} characters`);
});

test('globs that take too long are a problem, and nothing is bound by what was not compared', async (t) => {
  const { problems } = await problemsOf(t, {
    ...units(300, 'container', (i) => `[Container]\nImage=q.io/${'a'.repeat(150)}:${i}\n`),
    'usr/lib/berth/berth.toml': `[bind]\nexclude = [${lines(300, (i) => `"*${'a'.repeat(70)}${i}?b",`)}]\n`,
  });
  const spent = problems.filter(({ code, bound }) => code === 'too-large' && bound);
  assert.deepEqual(
    spent.map(({ path }) => path),
    ['/usr/lib/berth/berth.toml'],
  );
});
