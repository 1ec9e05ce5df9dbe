import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'node:test';
import { exitCodes } from '../../src/cli/render/failure.ts';
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
