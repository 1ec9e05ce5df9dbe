import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'node:test';
import { container, type Machine, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';

const main = resolve(import.meta.dirname, '../../src/cli/main.ts');
const NAME = 'registry.example.com/web:1';

/**
 * Runs berth under strace.
 *
 * @returns how often berth opened the file.
 */
async function opensOf(machine: Machine, file: string, words: readonly string[]) {
  const log = join(machine.directory, 'opens.log');
  const options = ['-f', '-qq', '--seccomp-bpf', '-e', 'trace=open,openat', '-P', file, '-o', log];
  const berth = ['--', process.execPath, main, ...words];
  const { code, stderr } = await machine.program('strace', ...options, ...berth);
  const calls = readFileSync(log, 'utf8').split('\n');
  const opens = calls.filter((call) => call.includes(`"${file}"`)).length;
  return { opens, code, stderr };
}

test('berth.toml is opened once, and the deployments are read once', async (t) => {
  const machine = await startMachine(t);
  const { directory } = machine;
  const at = (name: string) => join(directory, name);
  machine.registry.push('web:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
  const root = writeRoot(at('os'), {
    'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n',
    ...container('web', NAME),
  });
  const config = at('host.toml');
  const asked = at('asked');
  const active = at('active');
  writeFileSync(active, `#!/bin/sh\necho asked >>${asked}\necho os\n`, { mode: 0o755 });
  writeFileSync(
    config,
    `[directories]\nroots = [{ path = "${root}", id = "os" }]\nactive = { command = ["${active}"] }\n`,
  );
  // The number of times that a command opens berth.toml, and asks the updater which root runs.
  const cases: readonly (readonly [readonly string[], readonly [number, number]])[] = [
    [['images'], [1, 1]],
    [
      ['images', root],
      [1, 0],
    ],
    [['plan'], [1, 1]],
    [
      ['plan', root],
      [1, 1],
    ],
    [['stage'], [1, 1]],
    [
      ['stage', 'booted'],
      [1, 1],
    ],
    [
      ['stage', root],
      [1, 1],
    ],
    [['verify'], [1, 1]],
    [['status'], [1, 1]],
    [
      ['why', NAME],
      [1, 1],
    ],
    [['report'], [1, 1]],
    [
      ['report', root],
      [1, 1],
    ],
    [['pins'], [1, 0]],
    [
      ['pull', NAME],
      [1, 0],
    ],
    [
      ['pin', NAME],
      [1, 0],
    ],
    [
      ['unpin', NAME],
      [1, 0],
    ],
    [
      ['lint', '--offline'],
      [1, 1],
    ],
    [
      ['bundle', '--output', at('bundle')],
      [1, 1],
    ],
    [
      ['load', at('bundle')],
      [1, 0],
    ],
    [
      ['lock', '--check', 'booted'],
      [1, 1],
    ],
    [
      ['ship', root],
      [1, 0],
    ],
    [['activate'], [1, 1]],
    [
      ['activate', '--pull-needed', 'web-image.service'],
      [1, 1],
    ],
    [['gate'], [1, 1]],
    // reconcile looks again at its end, because an update may have been queued meanwhile.
    [['reconcile'], [1, 2]],
    [
      ['prune', '--dry-run'],
      [1, 0],
    ],
    [
      ['release', 'os'],
      [1, 0],
    ],
  ];
  for (const [words, expected] of cases) {
    writeFileSync(asked, '');
    const given = [...words, '--config', config, '--engine', 'store'];
    const { opens, code, stderr } = await opensOf(machine, config, given);
    const reads = readFileSync(asked, 'utf8').split('\n').length - 1;
    assert.ok(code === 0 || code === 1 || code === 3, `${words.join(' ')}: ${code} ${stderr}`);
    assert.deepEqual([opens, reads], expected, `${words.join(' ')}: ${stderr}`);
  }
});
