import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { build } from 'esbuild';
import { container, writeRoot } from '../support/berth.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const home = resolve(import.meta.dirname, '../..');

function node(...words: string[]): string {
  return execFileSync(process.execPath, words, { cwd: home, encoding: 'utf8' });
}

test('the program of a checkout starts with compiled code, and without, and with code that V8 refuses', (t) => {
  const dist = join(temporaryDirectory(t), 'dist');
  node('scripts/bundle.mjs', dist);
  const help = () => node(join(dist, 'berth.cjs'), '--help');
  const build = `${process.version}-${process.arch}`;
  const programs = ['help', 'images', 'main', 'verify', 'watch'];
  const names = programs.map((name) => `${build}-${name}`);
  assert.deepEqual(readdirSync(join(dist, 'cache')).sort(), names);
  const refused = `
    const { readFileSync } = require('node:fs');
    const [main, file] = process.argv.slice(1);
    const source = readFileSync(main, 'utf8');
    const cachedData = readFileSync(file);
    console.log(new (require('node:vm').Script)(source, { filename: main, cachedData }).cachedDataRejected);`;
  for (const name of programs) {
    const file = join(dist, 'cache', `${build}-${name}`);
    assert.equal(node('--eval', refused, join(dist, `${name}.cjs`), file), 'false\n', name);
  }
  const text = help();
  assert.match(text, /^Usage: berth/);
  for (const name of names) writeFileSync(join(dist, 'cache', name), 'something else');
  assert.equal(help(), text);
  rmSync(join(dist, 'cache'), { recursive: true });
  assert.equal(help(), text);
});

test('programs that can do only a part have all that their commands load', (t) => {
  const directory = temporaryDirectory(t);
  const dist = join(directory, 'dist');
  node('scripts/bundle.mjs', dist);
  const root = writeRoot(join(directory, 'root'), {
    ...container('app', 'registry.example.com/app:1'),
    'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n',
    'etc/kubernetes/manifests/pod.yaml':
      'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: registry.example.com/pod:1}]}\n',
  });
  const berth = (...words: string[]) => {
    const options = {
      encoding: 'utf8',
      env: { BERTH_STATE_DIR: join(directory, 'state') },
    } as const;
    return spawnSync(process.execPath, [join(dist, 'berth.cjs'), ...words], options);
  };
  // An image as a root is read by modules that no directory needs, and that only the whole program has.
  assert.match(berth('images', `image:oci:${directory}`).stderr, /expected .* layout/);
  // A deployment may have to be read from its OS image: bootc's composefs has no tree of one that is not booted.
  const programOf = (root: string) => {
    const words = JSON.stringify(['images', '--bind', 'all', root]);
    return node('--print', `require('./scripts/programs.cjs').programFor(${words})`).trim();
  };
  for (const root of ['staged', 'rollback', 'a'.repeat(64)])
    assert.equal(programOf(root), 'main', root);
  assert.equal(programOf('./staged'), 'images');
  // Another file than these would fail.
  for (const name of ['main', 'help']) rmSync(join(dist, `${name}.cjs`));
  const listed = berth('images', '--format', 'refs', root);
  assert.equal(listed.stdout, 'registry.example.com/pod:1\nregistry.example.com/app:1\n');
  assert.equal(berth('verify', '--engine', 'store', 'next').status, 3);
  assert.match(berth('watch', '--help').stdout, /Follow the events/);
  assert.match(berth('stage', root).stderr, /main\.cjs/);
});

test('modules of Node that are loaded late are whole, whichever kind of import names them', async (t) => {
  const directory = temporaryDirectory(t);
  const file = join(directory, 'imports.mjs');
  const bundled = join(directory, 'imports.cjs');
  writeFileSync(
    file,
    `import * as http2 from 'node:http2';
     import https from 'node:https';
     import { createHash } from 'node:crypto';
     import { join } from 'node:path';
     console.log(typeof http2.connect, typeof https.Agent, typeof createHash, typeof join);`,
  );
  const banner = { js: '(function (exports, require, module) {' };
  const options = { bundle: true, platform: 'node', format: 'cjs', footer: { js: '})' } } as const;
  await build({ ...options, banner, entryPoints: [file], outfile: bundled });
  const run = `
    const { runProgram } = require('./scripts/run-program.cjs');
    runProgram('imports', require('node:fs').readFileSync(process.argv[1], 'utf8'));`;
  assert.equal(node('--eval', run, bundled), 'function function function function\n');
});
