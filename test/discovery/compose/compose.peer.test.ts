import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { composeImages } from '../../../src/discovery/compose/compose.ts';
import { imageOf } from '../../../src/discovery/image-value.ts';
import { dockerShortNames } from '../../../src/image/short-names.ts';
import { openRoot } from '../../../src/root/open-root.ts';
import { holds } from '../../support/property.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { shortNames, type Tree, writeTree } from '../../support/tree.ts';
import { type TrixieRan, trixieProgram } from '../../support/trixie.ts';
import { contextOf } from '../source.ts';

/** Runs a docker-compose on the project of a directory. */
type DockerCompose = (directory: string) => Promise<TrixieRan>;

/** The machine's own: Debian 12 ships 1.29. */
const own: DockerCompose = async (directory) => {
  const { status, stdout, stderr } = spawnSync('docker-compose', ['config'], {
    cwd: directory,
    encoding: 'utf8',
  });
  return { code: status ?? -1, stdout, stderr };
};

/** Debian 13's: 2.26. */
const trixie: DockerCompose = (directory) =>
  trixieProgram('docker-compose')(['--project-directory', directory, 'config'], {
    HOME: directory,
  });

/** The services of a project with their images, as docker-compose reads them: `service image`. */
async function configured(compose: DockerCompose, directory: string): Promise<string[]> {
  const { code, stdout, stderr } = await compose(join(directory, 'c'));
  assert.equal(code, 0, stderr);
  const { services }: { services: Record<string, { image: string }> } = parse(stdout);
  return Object.entries(services).map(([name, { image }]) => {
    const value = imageOf(image, shortNames);
    assert.ok(value.ok, image);
    return `${name} ${value.image}`;
  });
}

async function found(directory: string): Promise<string[]> {
  const root = openRoot(directory);
  const { references } = await composeImages(contextOf(root), ['/c']);
  root.close();
  return references.map(({ key, image }) => `${key.split('.')[1]} ${image}`);
}

const tag = fc.constantFrom(
  ...'1 $A ${A} ${B:-2} ${A:-2} ${U-3} ${E:-4} ${U:-a}b x$A-${C} $A.$A ${Q}'.split(' '),
);
const image = fc
  .tuple(fc.constantFrom('x', '$A/x', 'q.io/${C}/y'), tag)
  .map((parts) => parts.join(':'));
const quote = fc.constantFrom('', "'", '"');
const service = fc.record({ image, quote, extends: fc.nat(3), how: fc.nat(5) });
const env = fc.constantFrom(
  'A=1\nB=\nC=c\nE=\nQ="q"\n',
  "# A=0\nexport A=aa\n\nC=c # no\nE=''\nQ='q'\n",
  'A = 1\nA=2\nC=c\nQ=q\nB=b\n',
);

type Service = { image: string; quote: string; extends: number; how: number };

function fileOf(services: readonly Service[]): string {
  const lines = services.map(({ image, quote, extends: other, how }, i) => {
    const own = `    image: ${quote}${image}${quote}\n`;
    if (how === 0 && i > 0)
      return `  s${i}:\n    extends:\n      service: s${Math.min(other, i - 1)}\n`;
    if (how === 1)
      return `  s${i}:\n    extends:\n      service: o${other}\n      file: other/o.yml\n`;
    if (how === 2) return `  s${i}:\n    <<: *base\n`;
    if (how === 3) return `  s${i}:\n    <<: *base\n${own}`;
    return `  s${i}:\n${own}`;
  });
  return `version: "3.4"\nx-base: &base\n  image: base:\${A}\nservices:\n${lines.join('')}`;
}

for (const [name, compose] of Object.entries({ own, trixie })) {
  test(`Compose: the images are those that docker-compose finds (${name})`, (t) =>
    same(t, compose));
}

async function same(t: TestContext, compose: DockerCompose): Promise<void> {
  const list = fc.array(service, { minLength: 4, maxLength: 8 });
  const others = fc.array(image, { minLength: 4, maxLength: 4 });
  await holds(
    10,
    fc.asyncProperty(list, list, others, env, async (main, override, other, variables) => {
      const directory = temporaryDirectory(t);
      const plain = override.map((each) => ({ ...each, how: 5 }));
      const tree: Tree = {
        '/c/docker-compose.yml': fileOf(main),
        '/c/docker-compose.override.yml': fileOf(plain),
        '/c/other/o.yml': `version: "3.4"\nservices:\n${other
          .map((each, i) => `  o${i}:\n    image: ${each}\n`)
          .join('')}`,
        '/c/.env': variables,
      };
      writeTree(directory, main.length % 2 === 0 ? tree : without(tree));
      const theirs = await configured(compose, directory);
      assert.deepEqual((await found(directory)).sort(), theirs.sort());
    }),
  );
}

function without(tree: Tree): Tree {
  return Object.fromEntries(Object.entries(tree).filter(([path]) => !path.includes('override')));
}

/** Lines of a service, some of which make Compose refuse the project. */
const lines = fc.constantFrom(
  'image: x:1',
  'image: "q.io/y:${A}"',
  'image: "q.io/z:${U:-2}"',
  'depends_on: [s0]',
  'depends_on: {s1: {condition: service_started}}',
  'profiles: [p]',
  'profiles: [q]',
  'networks: [n]',
  'networks: [default]',
  'network_mode: "service:s0"',
  'links: ["s1:alias"]',
  'volumes_from: ["s0:ro"]',
  'command: "${A} $$B"',
  'extends: s1',
  'extends: {service: o, file: other.yaml}',
  'pull_policy: never',
  '<<: *base',
  'x-note: 1',
  'scale: 0',
);
const refusedLines = fc.constantFrom(
  'image: 1.10',
  'image: [x]',
  'unknown: 1',
  'depends_on: [nobody]',
  'depends_on: {s0: {}}',
  'networks: [undefined]',
  'secrets: [undefined]',
  'profiles: p',
  'command: "${U:?no}"',
  'command: "${A"',
  'extends: nobody',
  'extends: {service: nobody, file: other.yaml}',
  'restart: 1',
);
const body = fc
  .tuple(fc.nat(30), fc.array(lines, { maxLength: 3 }), refusedLines)
  .map(([how, some, refused]) => ['image: i:1', ...some, ...(how === 0 ? [refused] : [])])
  // A later line with the same key replaces an earlier one.
  .map((some) => [...new Map(some.map((line) => [line.replace(/:.*/, ''), line])).values()])
  .filter((some) => !(some.join().includes('networks') && some.join().includes('network_mode')));
const environments = fc.constantFrom(
  'A=1\n',
  'A=1\nB=2\n',
  'A=${B:-1}\n',
  'A=1\nCOMPOSE_PROFILES=p,q\n',
  'A=1\nCOMPOSE_PROFILES=p\n',
  '\uFEFFexport A="1" # c\nCOMPOSE_PROFILES=*\n',
  'A=1\nCOMPOSE_FILE=compose.yaml,extra.yaml\nCOMPOSE_PATH_SEPARATOR=,\n',
  'A=1\nCOMPOSE_FILE=compose.yaml:nothing.yaml\n',
  'A B=1\n',
  'A="1\n',
);

/** The images that start by default, or `refused`. */
async function imagesByTrixie(directory: string): Promise<string> {
  const run = trixieProgram('docker-compose');
  const project = join(directory, 'c');
  const { code, stdout } = await run(['config', '--images'], { HOME: directory }, project);
  if (code !== 0) return 'refused';
  const names = stdout.split('\n').filter((line) => line !== '');
  return names
    .map((name) => imageOf(name, dockerShortNames))
    .map((value) => (value.ok ? value.image : '?'))
    .sort()
    .join(' ');
}

async function imagesByBerth(directory: string): Promise<string> {
  const root = openRoot(directory);
  const { references, problems } = await composeImages(contextOf(root), ['/c']);
  root.close();
  if (problems.length + references.flatMap((one) => one.problems).length > 0) return 'refused';
  const started = references.filter(({ activation }) => activation !== 'none');
  return started
    .map(({ image = '?' }) => image)
    .sort()
    .join(' ');
}

test('Compose: what docker compose refuses is a problem, and all else has the same images', async (t) => {
  const bodies = fc.array(body, { minLength: 2, maxLength: 4 });
  await holds(
    100,
    fc.asyncProperty(bodies, body, environments, async (all, extra, variables) => {
      const directory = temporaryDirectory(t);
      const file = (some: readonly (readonly string[])[]) =>
        `x-base: &base\n  image: base:1\nservices:\n${some
          .map((own, i) => `  s${i}:\n${own.map((line) => `    ${line}\n`).join('')}`)
          .join('')}`;
      writeTree(directory, {
        '/c/compose.yaml': `${file(all)}networks: {n: {}}\n`,
        '/c/extra.yaml': file([extra]),
        '/c/other.yaml': 'services: {o: {image: "o:$A"}}\n',
        '/c/.env': variables,
      });
      assert.equal(await imagesByBerth(directory), await imagesByTrixie(directory));
    }),
  );
});
