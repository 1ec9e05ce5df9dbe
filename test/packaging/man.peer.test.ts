import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { programOf } from '../../src/cli/program.ts';
import { BerthError } from '../../src/common/errors.ts';
import { readConfig } from '../../src/host/config/config.ts';
import { install } from '../support/installed.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const home = resolve(import.meta.dirname, '../..');

const warnings = ['-ww', '-man', '-Tascii', '-P-c', '-P-b', '-P-u'];

test('every page is clean, and says of each command what its help says', async (t) => {
  const directory = temporaryDirectory(t);
  install(directory);
  const man = join(directory, 'usr/share/man');
  const files = readdirSync(man, { recursive: true, encoding: 'utf8' });
  const pages = files.filter((path) => path.includes('/'));
  const shown = new Map(
    pages.map((page) => {
      const { status, stdout, stderr } = spawnSync('groff', [...warnings, join(man, page)], {
        encoding: 'utf8',
      });
      assert.deepEqual({ status, stderr }, { status: 0, stderr: '' }, page);
      return [page, stdout.replace(/\s+/g, ' ')];
    }),
  );
  const commands = (await programOf([])).commands.map((command) => command.name());
  assert.ok(commands.length >= 14, `${commands.length}`);
  for (const name of commands) {
    assert.ok(shown.get('man1/berth.1')?.includes(` berth-${name}(1) `), name);
    const page = shown.get(`man1/berth-${name}.1`) ?? '';
    const command = (await programOf([name])).commands.find((one) => one.name() === name);
    for (const { flags } of command?.options ?? []) assert.ok(page.includes(flags), flags);
    assert.match(page, /EXAMPLES berth /, name);
  }
  assert.equal(pages.length, commands.length + 3, 'no page of a command that is gone');
});

test('berth.toml(5) has every key', async (t) => {
  const file = join(temporaryDirectory(t), 'berth.toml');
  writeFileSync(file, 'nonsense = 1\n');
  const page = readFileSync(join(home, 'packaging/man/berth.toml.5'), 'utf8');
  await assert.rejects(readConfig([], file), (error) => {
    assert.ok(error instanceof BerthError);
    const keys = error.hint?.replace('known keys are ', '').split(/, | and /) ?? [];
    assert.ok(keys.length >= 4, error.hint);
    for (const key of keys) assert.ok(page.includes(`.B ${key.replace('-', '\\-')}\n`), key);
    return true;
  });
});

test('the pages that the units name are there, or of a command to come', (t) => {
  const directory = temporaryDirectory(t);
  install(directory);
  const units = join(directory, 'usr/lib/systemd/system');
  const named = readdirSync(units, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .flatMap(({ name: unit }) =>
      [...readFileSync(join(units, unit), 'utf8').matchAll(/man:([\w.-]+)\((\d)\)/g)].map(
        ([, page, section]) => `man${section}/${page}.${section}`,
      ),
    );
  const man = join(directory, 'usr/share/man');
  const files = readdirSync(man, { recursive: true, encoding: 'utf8' });
  assert.ok(named.length > 5);
  for (const page of named) assert.ok(files.includes(page), page);
});
