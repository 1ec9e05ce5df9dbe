import assert from 'node:assert/strict';
import { test } from 'node:test';
import { main, projectTests, read, said, services } from './projects.ts';

projectTests([
  [
    'files that COMPOSE_FILE names, with a separator',
    {
      '.env': 'COMPOSE_FILE=a.yml,b.yml\nCOMPOSE_PATH_SEPARATOR=,\n',
      'a.yml': services('  a: {image: x:1}\n'),
      'b.yml': services('  b: {image: x:2}\n'),
    },
    ['a.image x:1 a.yml:2', 'b.image x:2 b.yml:2'],
  ],
  [
    'a file that COMPOSE_FILE names and that is not there',
    { [main]: services('  a: {image: x}\n'), '.env': 'COMPOSE_FILE=no.yml\n' },
    ['!compose no.yml:-'],
  ],
  [
    "podman-compose's names, all of which it merges",
    {
      'podman-compose.yaml': services('  a: {image: "x:$T"}\n'),
      'container-compose.yml': services('  a: {image: x:2}\n  b: {image: y:1}\n'),
      '.env': 'T=1\n',
    },
    ['a.image x:2 container-compose.yml:2', 'b.image y:1 container-compose.yml:3'],
  ],
  [
    'a directory without a file of a project',
    { 'app.yaml': services('  a: {image: x}\n') },
    ['!compose /c:-'],
  ],
  [
    'COMPOSE_FILE',
    {
      [main]: services('  a: {image: x}\n'),
      '.env': 'COMPOSE_FILE=o.yaml\n',
      'o.yaml': services('  b: {image: y:1}\n'),
    },
    ['b.image y:1 o.yaml:2'],
  ],
]);

test('Compose: places are globs in the root, and /etc may be /usr/etc', async (t) => {
  const tree = {
    '/usr/etc/compose/a/compose.yaml': services('  a: {image: x:1}\n'),
    '/usr/etc/compose/b/docker-compose.yml': services('  b: {image: x:2}\n'),
    '/usr/etc/compose/.c/compose.yaml': services('  c: {image: x:3}\n'),
    '/usr/etc/compose/d.txt': '',
    '/usr/etc/compose/e': '-> /etc/compose/a',
  };
  const paths = async (...places: string[]) =>
    (await read(t, tree, places)).references.map(
      ({ image, path }) => `${image?.slice(-3)} ${path}`,
    );
  assert.deepEqual(
    await paths('/etc/compose/*/compose.yaml'),
    ['x:1 /usr/etc/compose/a/compose.yaml', 'x:1 /usr/etc/compose/e/compose.yaml'].slice(0, 2),
  );
  assert.deepEqual(await paths('/etc/compose/b', '/etc/comp*/b', '/nowhere'), [
    'x:2 /usr/etc/compose/b/docker-compose.yml',
  ]);
});

test('Compose: a directory without a Compose file is a problem, if a pattern matches it as well', async (t) => {
  const tree = {
    '/c/app/app.yaml': services('  a: {image: x:1}\n'),
    '/c/web/compose.yaml': services('  a: {image: x:1}\n'),
    '/c/podman/podman-compose.yml': services('  a: {image: x:1}\n'),
  };
  assert.deepEqual(said(await read(t, tree, ['/c/*'])), [
    'a.image x:1 podman/podman-compose.yml:2',
    'a.image x:1 web/compose.yaml:2',
    '!compose app:-',
  ]);
});

test('Compose: nothing outside the root is read', async (t) => {
  const { references, problems } = await read(t, {
    '/c/compose.yaml': services(
      '  a: {extends: {service: x, file: ../../../../../../../etc/passwd}}\n  b: {build: l}\n',
    ),
    '/c/l': '-> /../../../../..',
  });
  assert.deepEqual(references, []);
  assert.ok(problems.length >= 2);
});
