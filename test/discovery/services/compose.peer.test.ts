import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { imageOf } from '../../../src/discovery/image-value.ts';
import { serviceImages } from '../../../src/discovery/services/services.ts';
import { dockerShortNames } from '../../../src/image/short-names.ts';
import { openRoot } from '../../../src/root/open-root.ts';
import { readSystemdUnits } from '../../../src/systemd/systemd-units.ts';
import { holds } from '../../support/property.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { type Tree, writeTree } from '../../support/tree.ts';
import { trixieProgram } from '../../support/trixie.ts';
import { contextOf } from '../source.ts';

/** Projects in two directories. `@` stands for the root. */
const projects: Tree = {
  '/srv/a/compose.yaml': `services:
  web: {image: "x:\${TAG:-1}", depends_on: [db], profiles: []}
  db: {image: "db:\${DB:-2}"}
  job: {image: "job:\${TAG:-0}", profiles: [p], depends_on: [db]}
  tool: {image: "tool:1", profiles: [q, p]}
`,
  '/srv/a/compose.override.yaml': 'services: {db: {image: "over:${TAG:-o}"}}\n',
  '/srv/a/b.yml': 'services: {b: {image: "b:${TAG-t}${DB-}"}, c: {image: "c:1", profiles: [q]}}\n',
  '/srv/a/.env': 'TAG=a\n',
  '/srv/a/v.env': 'TAG=v\nDB=w\n',
  '/srv/a/sub/docker-compose.yml': 'services: {b: {image: "sub:${TAG:-s}"}}\n',
  '/srv/a/sub/.env': 'TAG=sub\nCOMPOSE_PROFILES=q\n',
  '/srv/a/sub/deep/x': '',
  '/srv/a/other/.env': 'DB=o\nCOMPOSE_FILE=../b.yml\nCOMPOSE_PROFILES=q\n',
  '/srv/f/.env': 'TAG=f\nCOMPOSE_FILE=../a/b.yml\n',
  '/srv/f/own.yml': 'services: {f: {image: "f:${TAG:-1}${DB-}"}}\n',
  '/srv/e/docker-compose.yml': 'services: {e: {image: "e:${TAG:-e}"}}\n',
  '/srv/e/.env': 'COMPOSE_FILE=docker-compose.yml:../a/b.yml\nTAG=e\n',
};

const directory = fc.constantFrom(
  ...Array.from({ length: 6 }, () => '/srv/a'),
  '/srv/a/sub',
  '/srv/a/sub/deep',
  '/srv/a/other',
  '/srv/e',
  '/srv/f',
  '/',
);
const option = fc.constantFrom(
  ['-f', 'b.yml'],
  ['--file=compose.yaml'],
  ['-f', '@/srv/a/b.yml'],
  ['-f', '../a/compose.yaml'],
  ['-f@/srv/a/sub/docker-compose.yml'],
  ['--project-directory', '@/srv/a'],
  ['--project-directory=sub'],
  ['--env-file', '@/srv/a/v.env'],
  ['--env-file=v.env'],
  ['--env-file', 'none.env'],
  ['--profile', 'p'],
  ['--profile=q'],
  ['--profile', '*'],
  ['-p', 'name'],
  ['--ansi', 'never'],
);
const variable = fc.constantFrom(
  'TAG=u',
  'DB=',
  'COMPOSE_FILE=b.yml',
  'COMPOSE_FILE=compose.yaml:b.yml',
  'COMPOSE_FILE=../f/own.yml',
  'COMPOSE_FILE=@/srv/a/compose.yaml,@/srv/a/b.yml',
  'COMPOSE_PATH_SEPARATOR=,',
  'COMPOSE_PROFILES=p',
  'COMPOSE_PROFILES=q,p',
  'COMPOSE_ENV_FILES=v.env',
  'COMPOSE_ENV_FILES=@/srv/a/v.env,@/srv/a/.env',
  'COMPOSE_PROJECT_NAME=n',
  'COMPOSE_PROJECT_DIRECTORY=@/srv/e',
);
const services = fc.constantFrom(
  ...Array.from({ length: 8 }, () => []),
  ['web'],
  ['db'],
  ['job'],
  ['b', 'c'],
  ['e'],
  ['none'],
);

interface Unit {
  readonly at: string;
  readonly variables: readonly string[];
  readonly words: readonly string[];
  readonly names: readonly string[];
}

/** The images that docker compose finds, or `refused`. */
async function byDocker({ at, variables, words, names }: Unit, root: string): Promise<string> {
  const real = (text: string) => text.replaceAll('@', root);
  const environment = variables.map((each): [string, string] => {
    const equals = each.indexOf('=');
    return [each.slice(0, equals), real(each.slice(equals + 1))];
  });
  const { code, stdout } = await trixieProgram('docker-compose')(
    [...words.map(real), 'config', '--images', ...names],
    { HOME: '/nowhere', ...Object.fromEntries(environment) },
    join(root, at),
  );
  if (code !== 0) return 'refused';
  return sorted(stdout.split('\n').filter((line) => line !== ''));
}

function sorted(names: readonly string[]): string {
  const images = names.map((name) => imageOf(name, dockerShortNames));
  return [...new Set(images.map((value) => (value.ok ? value.image : '?')))].sort().join(' ');
}

async function byBerth({ at, variables, words, names }: Unit, path: string): Promise<string> {
  const own = (text: string) => text.replaceAll('@', '');
  const lines = [
    '[Service]',
    `WorkingDirectory=${at}`,
    ...variables.map((each) => `Environment=${own(each)}`),
    `ExecStart=/usr/bin/docker compose ${words.map(own).join(' ')} up -d ${names.join(' ')}`,
  ];
  writeTree(path, { '/usr/lib/systemd/system/app.service': `${lines.join('\n')}\n` });
  const root = openRoot(path);
  const context = contextOf(root);
  const units = readSystemdUnits(root, '/etc', { ...context, manager: 'system', generated: [] });
  const { references, problems } = await serviceImages(context, units);
  root.close();
  const wrong = problems.length + references.flatMap((one) => one.problems).length;
  return wrong > 0 ? 'refused' : sorted(references.map(({ raw, image = raw }) => image));
}

test('units that bring up Compose: the images are those that docker compose finds', async (t) => {
  let refused = 0;
  let all = 0;
  const unit = fc.record({
    at: directory,
    variables: fc.uniqueArray(variable, { maxLength: 2, selector: (each) => each.split('=')[0] }),
    words: fc.array(option, { maxLength: 2 }).map((options) => options.flat()),
    names: services,
  });
  await holds(
    40,
    fc.asyncProperty(unit, async (one) => {
      const root = temporaryDirectory(t);
      writeTree(root, projects);
      const theirs = await byDocker(one, root);
      all++;
      if (theirs === 'refused') refused++;
      assert.equal(await byBerth(one, root), theirs);
    }),
  );
  t.diagnostic(`${all} units, ${refused} of them refused`);
  assert.ok(refused < (all * 3) / 4, 'most units are no nonsense');
});
