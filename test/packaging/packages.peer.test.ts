import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { version } from '../../src/common/version.ts';
import { installDebs } from '../support/install-debs.ts';
import { makePackages } from '../support/installed.ts';
import { layeredRoot } from '../support/layered-root.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { testOnHost } from './packages/booted.ts';
import { buildPackages, deb, foreign, native, rpm } from './packages/built.ts';
import { testInRoot } from './packages/debian.ts';

const packaging = resolve(import.meta.dirname, '../../packaging');

test('packages', async (t) => {
  const packages = buildPackages(t);

  await t.test('equal from one commit, whoever builds them', (t) => {
    const again = join(temporaryDirectory(t), 'again');
    mkdirSync(again);
    const before = process.umask(0o077);
    makePackages(again, `ARCHITECTURES=${native.debian} all`);
    process.umask(before);
    const built = readdirSync(again);
    assert.deepEqual(built.sort(), [rpm(version), deb(version), deb(version, 'all')].sort());
    for (const name of built) assert.equal(sum(join(again, name)), sum(join(packages, name)), name);
  });

  await t.test('lintian and rpmlint have nothing to say', () => {
    const debs = [deb(version), deb(version, 'all')].map((name) => join(packages, name));
    // Not compressed here, to be quick.
    const quick = ['control', 'data'].map((part) => `uses-no-compression-for-${part}-tarball`);
    const words = ['--allow-root', '--suppress-tags', quick.join(), ...debs];
    assert.equal(execFileSync('lintian', words, { encoding: 'utf8' }), '');
    const config = join(packaging, 'rpm/rpmlint.toml');
    const said = execFileSync('rpmlint', ['--config', config, join(packages, rpm(version))], {
      encoding: 'utf8',
    });
    assert.match(said, / 0 errors, 0 warnings, /, said);
  });

  await t.test('those of the other architecture have its executable, and the same files', () => {
    const list = (name: string) =>
      execFileSync('rpm', ['-qlp', join(packages, name)], { encoding: 'utf8' });
    assert.equal(list(rpm(version, foreign.rpm)), list(rpm(version)));
    const directory = temporaryDirectory(t);
    const file = join(packages, deb(version, foreign.debian));
    execFileSync('dpkg-deb', ['--extract', file, directory]);
    const program = join(directory, 'usr/bin/berth');
    const words = ['-L', `/usr/${foreign.machine}-linux-gnu`, program, '--version'];
    const emulator = `/usr/bin/qemu-${foreign.machine}-static`;
    assert.equal(execFileSync(emulator, words, { encoding: 'utf8' }), `${version}\n`);
    assert.equal(field(file, 'Architecture'), foreign.debian);
  });

  await t.test('rpm asks for no newer library than the documents say', () => {
    const words = ['-qp', '--requires', join(packages, rpm(version))];
    const required = execFileSync('rpm', words, { encoding: 'utf8' });
    const newest = (name: string) =>
      [...required.matchAll(new RegExp(`\\(${name}_([\\d.]+)\\)`, 'g'))]
        .map(([, number = '']) => number)
        .sort((one, other) => one.localeCompare(other, 'en', { numeric: true }))
        .at(-1);
    assert.equal(newest('GLIBC'), '2.28');
    // Of GCC 8, as Debian's package asks for.
    assert.ok(Number(newest('GLIBCXX')?.split('.')[2]) <= 25, required);
  });

  for (const suite of ['bookworm', 'trixie'] as const) {
    await t.test(`in a root of ${suite}`, () => testInRoot(t, packages, suite, native.debian));
  }
  await t.test('in a root of forky, with its Node', () => testInRoot(t, packages, 'forky', 'all'));

  // The roots are there until the hosts have ended.
  await t.test('on a host of trixie', async (host) => {
    await testOnHost(host, packages, layeredRoot(t, 'trixie', packages), {
      install: (of) => ['dpkg', '--install', `/mnt/${deb(of)}`],
      remove: ['dpkg', '--purge', 'berth'],
    });
  });

  await t.test('on a host with rpm', async (host) => {
    const root = layeredRoot(t, 'trixie', packages);
    installDebs(root.path, 'trixie', 'rpm');
    await testOnHost(host, packages, root, {
      // Debian's packages are unknown to rpm.
      install: (of) => ['rpm', '--upgrade', '--nodeps', `/mnt/${rpm(of)}`],
      remove: ['rpm', '--erase', 'berth'],
    });
  });
});

function field(file: string, name: string): string {
  return execFileSync('dpkg-deb', ['--field', file, name], { encoding: 'utf8' }).trim();
}

function sum(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
