import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { commandsMeantBy } from '../../src/cli/meanings.ts';
import { programOf } from '../../src/cli/program.ts';
import { container, startMachine, writeRoot } from '../support/berth.ts';

const foreignWords = ['list', 'ls', 'clean', 'gc', 'rm', 'fetch', 'check', 'update', 'save', 'df'];

test('a command of other programs is answered with commands of berth that exist', async () => {
  const known = new Set((await programOf([])).commands.map((command) => command.name()));
  for (const word of foreignWords) {
    const hint = commandsMeantBy(word) ?? '';
    const named = [...hint.matchAll(/`berth (\w+)`/g)].map(([, name = '']) => name);
    assert.ok(named.length > 0, word);
    for (const name of named) assert.ok(known.has(name), `${word}: ${name}`);
    assert.ok(!known.has(word), word);
  }
});

test('an unknown command is refused with what it may mean, or with the nearest spelling', async (t) => {
  const machine = await startMachine(t);
  const clean = await machine.berth('clean', '--all');
  assert.equal(clean.code, 2);
  assert.match(clean.stderr, /^berth: unknown command 'clean'\n {2}→ `berth prune` removes/);
  const misspelt = await machine.berth('imges');
  assert.equal(misspelt.code, 2);
  assert.match(misspelt.stderr, /Did you mean images\?/);
});

const images: Readonly<Record<string, string>> = {
  'quay.io/acme/os:42': 'image:quay.io/acme/os:42',
  'docker://localhost:5000/os': 'image:localhost:5000/os',
  'ostree-unverified-registry:quay.io/acme/os:42': 'image:quay.io/acme/os:42',
  'ostree-image-signed:docker://quay.io/acme/os': 'image:quay.io/acme/os',
  'oci:build/layout': 'image:oci:build/layout',
};

test('who gives an image for a directory is told how an image is given', async (t) => {
  const machine = await startMachine(t);
  for (const [given, meant] of Object.entries(images)) {
    const { code, stderr } = await machine.berth('images', given);
    assert.equal(code, 2, stderr);
    assert.ok(stderr.includes(`an OS image is given as \`${meant}\``), stderr);
  }
  for (const path of ['./quay.io/acme', '/quay.io/acme:1', 'rootfs', 'build/rootfs']) {
    const { stderr } = await machine.berth('images', path);
    assert.ok(!stderr.includes('an OS image is given'), stderr);
  }
});

test('-o, -f, -q and --format choose the format', async (t) => {
  const machine = await startMachine(t);
  const root = writeRoot(
    join(machine.directory, 'os'),
    container('web', 'registry.example.com/web:1'),
  );
  const out = async (...words: string[]) => (await machine.berth('images', ...words, root)).stdout;
  assert.equal(await out('-q'), 'registry.example.com/web:1\n');
  const json = await out('--format', 'json');
  assert.equal(await out('-o', 'json'), json);
  assert.equal(await out('-f', 'json'), json);
  assert.match(await out('-o', 'wide'), /PLACE\n/);
  const { code, stderr } = await machine.berth('images', '-f', 'yaml', root);
  assert.equal(code, 2);
  assert.match(stderr, /Allowed choices are table, wide, json, refs/);
});
