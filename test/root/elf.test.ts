import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { architectureOf, elfArchitecture } from '../../src/root/elf.ts';
import { openRoot } from '../../src/root/open-root.ts';
import { temporaryDirectory } from '../support/temporary.ts';

function header(bits: 1 | 2, order: 1 | 2, machine: number): Buffer {
  const start = Buffer.alloc(64);
  start.write('\x7fELF', 'latin1');
  start[4] = bits;
  start[5] = order;
  if (order === 1) start.writeUInt16LE(machine, 18);
  else start.writeUInt16BE(machine, 18);
  return start;
}

test('architectureOf knows each architecture by its ELF header', () => {
  const known = [
    [1, 1, 3, '386'],
    [2, 2, 21, 'ppc64'],
    [2, 1, 21, 'ppc64le'],
    [2, 2, 22, 's390x'],
    [1, 1, 40, 'arm'],
    [2, 1, 62, 'amd64'],
    [2, 1, 183, 'arm64'],
    [2, 1, 243, 'riscv64'],
    [2, 1, 258, 'loong64'],
    [1, 1, 62, undefined],
    [2, 1, 9999, undefined],
  ] as const;
  for (const [bits, order, machine, name] of known) {
    assert.equal(elfArchitecture(header(bits, order, machine)), name, String(machine));
  }
  assert.equal(elfArchitecture(header(2, 1, 62).subarray(0, 19)), undefined);
  assert.equal(elfArchitecture(Buffer.from('#!/bin/sh and some more text')), undefined);
});

test('a root has the architecture of the first program with a known header', (t) => {
  const directory = temporaryDirectory(t);
  mkdirSync(join(directory, 'usr/lib/systemd'), { recursive: true });
  mkdirSync(join(directory, 'usr/bin'), { recursive: true });
  const root = openRoot(directory);
  t.after(() => root.close());
  assert.equal(architectureOf(root), undefined);
  writeFileSync(join(directory, 'usr/bin/dash'), header(2, 1, 243));
  symlinkSync('/usr/bin/dash', join(directory, 'usr/bin/sh'));
  assert.equal(architectureOf(root), 'riscv64');
  // Larger than what is read of a file whole.
  const large = Buffer.concat([header(2, 1, 183), Buffer.alloc(2 * 1024 * 1024)]);
  writeFileSync(join(directory, 'usr/lib/systemd/systemd'), large);
  assert.equal(architectureOf(root), 'arm64');
  assert.equal(root.readStart('/usr/lib/systemd/systemd', 4)?.toString('latin1'), '\x7fELF');
  assert.throws(() => root.readStart('/usr', 4), { code: 'not-a-file' });
  // A file may be shorter than what is asked for.
  assert.equal(root.readStart('/usr/lib/systemd/systemd', 3e6)?.length, large.length);
});
