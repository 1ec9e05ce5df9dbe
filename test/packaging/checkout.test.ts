import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../support/temporary.ts';

const home = resolve(import.meta.dirname, '../..');

function node(...words: string[]): string {
  return execFileSync(process.execPath, words, { cwd: home, encoding: 'utf8' });
}

test('the program of a checkout starts with compiled code, and without, and with code that V8 refuses', (t) => {
  const dist = join(temporaryDirectory(t), 'dist');
  node('scripts/bundle.mjs', dist);
  const help = () => node(join(dist, 'berth.cjs'), '--help');
  const names = readdirSync(join(dist, 'cache')).sort();
  const build = `${process.version}-${process.arch}`;
  assert.deepEqual(names, [`${build}-commands`, `${build}-help`]);
  const refused = `
    const { readFileSync } = require('node:fs');
    const [main, file] = process.argv.slice(1);
    const source = require('node:module').wrap(readFileSync(main, 'latin1'));
    const cachedData = readFileSync(file);
    console.log(new (require('node:vm').Script)(source, { filename: main, cachedData }).cachedDataRejected);`;
  for (const name of names) {
    const file = join(dist, 'cache', name);
    assert.equal(node('--eval', refused, join(dist, 'main.cjs'), file), 'false\n', name);
  }
  const text = help();
  assert.match(text, /^Usage: berth/);
  for (const name of names) writeFileSync(join(dist, 'cache', name), 'something else');
  assert.equal(help(), text);
  rmSync(join(dist, 'cache'), { recursive: true });
  assert.equal(help(), text);
});
