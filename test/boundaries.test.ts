import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import test from 'node:test';

/** What each room may import, besides itself and the files that lie beside the rooms. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  cli: [
    'lifecycle',
    'deployment',
    'engine',
    'services',
    'registry',
    'binding',
    'discovery',
    'systemd',
    'root',
    'image',
  ],
  lifecycle: [
    'deployment',
    'engine',
    'services',
    'registry',
    'binding',
    'discovery',
    'systemd',
    'root',
    'image',
  ],
  deployment: ['root'],
  services: [],
  engine: ['image', 'registry'],
  registry: ['image', 'root'],
  binding: ['discovery'],
  discovery: ['root', 'systemd', 'image'],
  systemd: ['root'],
  root: [],
  image: [],
};

/** What every room may use: no room of its own, and importing nothing of berth. */
const commons = [
  'append.ts',
  'concealed.ts',
  'counted.ts',
  'errors.ts',
  'format-bytes.ts',
  'make-directory.ts',
  'parse-size.ts',
  'problem.ts',
  'roots.ts',
  'secret.ts',
  'tar-writer.ts',
  'version.ts',
];

/** A library is imported only where it is needed: its start-up cost is paid there alone. */
const libraries: Readonly<Record<string, readonly string[]>> = {
  commander: ['cli'],
  valibot: ['cli', 'lifecycle', 'engine', 'registry'],
  yaml: ['discovery', 'registry'],
  'smol-toml': ['cli', 'discovery', 'engine', 'registry'],
};

const src = resolve(import.meta.dirname, '../src');

interface Import {
  readonly from: string;
  readonly to: string;
}

function importsOf(): Import[] {
  return readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => {
      const text = readFileSync(join(src, name), 'utf8');
      const found = text.matchAll(/\b(?:from|import|import\()\s*['"]([^'"\s,]+)['"]/g);
      return [...found].map(([, to]) => ({ from: name, to: to ?? '' }));
    });
}

const roomOf = (path: string) => path.split('/')[0] ?? '';

test('a room imports only what lies below it', () => {
  const inside = importsOf().filter(({ to }) => to.startsWith('.'));
  assert.ok(inside.length > 50, 'the test finds the imports');
  for (const { from, to } of inside) {
    const target = relative(src, resolve(src, dirname(from), to));
    assert.ok(!target.startsWith('..'), `${from} imports ${to}, outside of src`);
    if (commons.includes(target)) continue;
    const room = roomOf(from);
    const rooms = [room, ...(allowed[room] ?? [])];
    assert.ok(rooms.includes(roomOf(target)), `${from} must not import ${target}`);
  }
});

test('binding knows only the types of discovery', () => {
  for (const name of readdirSync(join(src, 'binding'))) {
    const text = readFileSync(join(src, 'binding', name), 'utf8');
    const lines = text.split('\n').filter((line) => /from '\.\.\/discovery/.test(line));
    for (const line of lines) assert.match(line, /^import type /, `${name}: ${line}`);
  }
});

test('libraries are imported only where they are meant to be', () => {
  for (const { from, to } of importsOf()) {
    if (to.startsWith('.') || to.startsWith('node:')) continue;
    assert.ok(libraries[to]?.includes(roomOf(from)), `${from} imports ${to}`);
  }
});

test('every room has its rule', () => {
  const rooms = readdirSync(src, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  assert.deepEqual(rooms.map(({ name }) => name).sort(), Object.keys(allowed).sort());
});
