import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { executable } from '../support/installed.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { copyCheckout } from './copied-checkout.ts';

const home = resolve(import.meta.dirname, '../..');

test('two builds in two directories are equal, byte for byte', (t) => {
  const first = dirname(executable());
  const checkout = copyCheckout(join(temporaryDirectory(t), 'some', 'other', 'place'));
  const sbom = readFileSync(join(first, 'berth.spdx.json'), 'utf8');
  const { created } = (JSON.parse(sbom) as { creationInfo: { created: string } }).creationInfo;
  const env = { ...process.env, SOURCE_DATE_EPOCH: String(Date.parse(created) / 1000) };
  execFileSync('make', ['--silent', 'dist'], { cwd: checkout, env, stdio: 'inherit' });
  const names = ['berth', 'NOTICES', 'berth.spdx.json'];
  const pages = readdirSync(join(first, 'man')).map((page) => `man/${page}`);
  assert.ok(pages.length > 10);
  assertEqual(first, join(checkout, 'dist'), [...names, ...pages]);
});

test('two bundles are equal, and what V8 compiled of them', (t) => {
  const directory = temporaryDirectory(t);
  const places = [join(directory, 'one'), join(directory, 'the', 'other')] as const;
  for (const place of places) {
    execFileSync(process.execPath, ['scripts/bundle.mjs', place], { cwd: home });
  }
  const names = readdirSync(places[0], { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => name !== 'cache');
  assert.equal(files.length, 11);
  assertEqual(...places, files);
});

function assertEqual(one: string, other: string, names: readonly string[]): void {
  const differing = names.filter(
    (name) => !readFileSync(join(one, name)).equals(readFileSync(join(other, name))),
  );
  assert.deepEqual(differing, []);
}
