import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { version } from '../../src/common/version.ts';
import { container, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';
import { executable } from '../support/installed.ts';
import { temporaryDirectory } from '../support/temporary.ts';

test('the executable needs no Node, no directory and no environment', (t) => {
  const run = (...words: string[]) =>
    spawnSync(executable(), words, { env: {}, cwd: temporaryDirectory(t), encoding: 'utf8' });
  const asked = run('--version');
  assert.equal(asked.stdout, `${version}\n`);
  assert.equal(asked.stderr, '');
  assert.match(run('stage', '--help').stdout, /Examples:\n {2}berth stage/);
  assert.equal(run('nonsense').status, 2);
});

test('NODE_OPTIONS loads nothing into the executable', (t) => {
  const directory = temporaryDirectory(t);
  const hook = join(directory, 'hook.cjs');
  const mark = join(directory, 'loaded');
  writeFileSync(hook, `require('node:fs').writeFileSync(${JSON.stringify(mark)}, '')`);
  const env = { NODE_OPTIONS: `--require=${hook}` };
  const { stdout } = spawnSync(executable(), ['--version'], { env, encoding: 'utf8' });
  assert.equal(stdout, `${version}\n`);
  assert.equal(existsSync(mark), false);
  // The hook itself works.
  execFileSync(process.execPath, ['-e', ''], { env });
  assert.equal(existsSync(mark), true);
});

test('the executable lists, stages and verifies', async (t) => {
  const machine = await startMachine(t);
  const { digest } = machine.registry.push(
    'app:1',
    buildImage({ layers: [{ files: { 'etc/app': 'one' } }] }),
  );
  const root = writeRoot(join(machine.directory, 'root'), {
    ...container('app', 'registry.example.com/app:1', '[X-Berth]\nBind=yes\n'),
    // What only some roots need is loaded then: YAML and TOML.
    'usr/share/containers/systemd/kube.kube': '[Kube]\nYaml=kube.yaml\n',
    'usr/share/containers/systemd/kube.yaml':
      'kind: Pod\nspec:\n  containers:\n  - image: registry.example.com/kube:1\n',
    'usr/lib/berth/berth.toml': '[bind]\nmode = "linked"\n',
  });
  const run = async (...words: string[]) => machine.program(executable(), ...words);
  machine.environment['PATH'] = join(machine.directory, 'nowhere');
  const images = await run('images', '--format', 'refs', root);
  assert.equal(images.stdout, 'registry.example.com/app:1\nregistry.example.com/kube:1\n');
  const store = ['--engine', 'store', '--format', 'json'];
  const staged = await run('stage', ...store, '--id', 'next', root);
  assert.equal(staged.code, 0, staged.stderr);
  assert.ok(staged.stdout.includes(digest), staged.stdout);
  assert.equal((await run('verify', ...store, 'next')).code, 0);
});

const foreign = process.arch === 'arm64' ? 'x64' : 'arm64';
const machineOf = { x64: 'x86_64', arm64: 'aarch64' }[foreign];
const emulator = `/usr/bin/qemu-${machineOf}-static`;
const libraries = `/usr/${machineOf}-linux-gnu`;

// The emulator, the libraries and a strip of that architecture come with scripts/peers.
test('the executable for the other architecture runs', (t) => {
  const program = executable(foreign);
  const run = (...words: string[]) =>
    execFileSync(emulator, ['-L', libraries, program, ...words], { encoding: 'utf8' });
  assert.equal(run('--version'), `${version}\n`);
  const root = writeRoot(temporaryDirectory(t), container('app', 'registry.example.com/app:1'));
  assert.equal(run('images', '--format', 'refs', root), 'registry.example.com/app:1\n');
});
