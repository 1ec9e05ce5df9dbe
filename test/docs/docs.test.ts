import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'node:test';
import { exitCodes } from '../../src/cli/render/failure.ts';
import { isEngineId } from '../../src/common/engine-id.ts';
import { lintRules } from '../../src/lint/rules.ts';

const home = resolve(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(home, path), 'utf8');

test('docs/commands.md lists every command', () => {
  const commands = [...read('src/cli/program.ts').matchAll(/usage: '([a-z]+)/g)].map((m) => m[1]);
  assert.ok(commands.length >= 12);
  for (const command of commands) {
    assert.match(read('docs/commands.md'), new RegExp(`^\\| \`${command}[ \`]`, 'm'), command);
  }
});

test('docs/commands.md lists the ids of engines', () => {
  const [, section = ''] = /^## Engines$(.*?)^## /ms.exec(read('docs/commands.md')) ?? [];
  const rows = [...section.matchAll(/^\| (`[^|]*) \|/gm)].flatMap(([, ids = '']) =>
    ids.split(', '),
  );
  const ids = rows.map((id) => id.replaceAll('`', ''));
  assert.ok(ids.length >= 7);
  for (const id of ids) assert.ok(isEngineId(id), id);
  const { stdout } = spawnSync(
    process.execPath,
    [join(home, 'src/cli/main.ts'), 'stage', '--help'],
    {
      encoding: 'utf8',
    },
  );
  const help = stdout
    .replaceAll(/\s+/g, ' ')
    .replaceAll(':USER', ':NAME')
    .replaceAll(':NAMESPACE', ':NS');
  for (const id of ids) assert.ok(help.includes(id.replace(':NAMESPACE', ':NS')), id);
});

test('docs/commands.md lists the exit codes', () => {
  const rows = [...read('docs/commands.md').matchAll(/^\| (\d) \| (?:`([a-z-]+)`)? ?\| \S/gm)];
  assert.deepEqual(
    rows.map(([, code, kind]) => [kind, Number(code)]),
    [[undefined, 0], ...Object.entries(exitCodes)],
  );
});

test('docs/lint.md lists every rule of lint with its level, and no other', () => {
  const rows = [...read('docs/lint.md').matchAll(/^\| `([a-z-]+)` \| (\w+) \| ([\w–]+) \|/gm)];
  assert.deepEqual(
    rows.map(([, code, level]) => `${code} ${level}`),
    Object.entries(lintRules).map(([code, { level }]) => `${code} ${level}`),
  );
  for (const [, code, , unbound] of rows) {
    if (unbound === '–') continue;
    const rule = Object.entries(lintRules).find(([name]) => name === code)?.[1];
    assert.equal(unbound, rule?.unbound, code);
  }
});

test('no page holds what a merge left: two versions of one paragraph', () => {
  const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: home });
  assert.ok(pages.length > 10);
  for (const page of pages) assert.doesNotMatch(read(page), /^(?:<{7}|={7}|>{7})(?: |$)/m, page);
});
