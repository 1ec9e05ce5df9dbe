import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { version } from '../../src/common/version.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const home = resolve(import.meta.dirname, '../..');

test('the npm package installs without a network, alone, runs by npx, and refuses an older Node', (t) => {
  const directory = temporaryDirectory(t);
  const prefix = join(directory, 'prefix');
  mkdirSync(prefix);
  const env = { ...process.env, npm_config_cache: join(directory, 'cache') };
  const options = { cwd: prefix, env, encoding: 'utf8' } as const;
  execFileSync(process.execPath, ['scripts/npm-package.mjs', directory], { cwd: home });
  const file = `berth-${version}.tgz`;
  assert.ok(readdirSync(directory).includes(file));
  const words = ['install', '--offline', '--no-audit', '--no-fund', join(directory, file)];
  execFileSync('npm', words, options);
  const installed = readdirSync(join(prefix, 'node_modules')).filter((name) => name[0] !== '.');
  assert.deepEqual(installed, ['berth']);
  assert.deepEqual(readdirSync(join(prefix, 'node_modules/berth')).sort(), [
    'LICENSE',
    'NOTICES',
    'README.md',
    'berth.spdx.json',
    'bin',
    'dist',
    'package.json',
  ]);
  const npx = (...rest: string[]) => spawnSync('npx', ['--offline', 'berth', ...rest], options);
  assert.equal(npx('--version').stdout, `${version}\n`);
  const { stdout, status } = npx('images', '--format', 'refs', join(home, 'examples/os-a'));
  assert.equal(status, 0);
  assert.match(stdout, /^registry\.example\.com\/acme\/web:1$/m);
  // What only some commands load is in it too.
  assert.equal(npx('verify', '--engine', 'store', '--state-dir', prefix, 'next').status, 3);
  assert.match(npx('watch', '--help').stdout, /Follow the events/);
  const old = join(directory, 'old.cjs');
  const change = "Object.defineProperty(process.versions, 'node', { value: '22.1.0' });";
  writeFileSync(old, change);
  const start = join(prefix, 'node_modules/berth/dist/berth.cjs');
  const refused = spawnSync(process.execPath, ['--require', old, start], options);
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /expected Node 24 or later, found 22\.1\.0\n {2}→ install one/);
});
