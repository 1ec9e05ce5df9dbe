import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'node:test';
import { BundleError } from '../../src/bundle/failure.ts';
import { CliError } from '../../src/cli/errors.ts';
import { exitCodes } from '../../src/cli/render/failure.ts';
import { EngineError } from '../../src/engine/errors.ts';
import { HostError } from '../../src/host/errors.ts';
import { RegistryError } from '../../src/registry/errors.ts';
import { RootError } from '../../src/root/root.ts';

const home = resolve(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(home, path), 'utf8');

const sources = readdirSync(join(home, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ path: `src/${name}`, text: read(join('src', name)) }));

interface Union {
  readonly members: readonly string[];
  /** The names of other unions that this one includes. */
  readonly included: readonly string[];
}

/** Every union of codes in the sources, by its name: `type HostErrorCode = | 'config' | …`. */
const unions = new Map(
  sources.flatMap(({ text }) => {
    const plain = text.replace(/\/\*[^]*?\*\/|\/\/.*/g, '');
    return [...plain.matchAll(/type (\w*(?:Error|Problem|Finding)Code) =([^;]+);/g)].map(
      ([, name = '', body = '']): [string, Union] => [
        name,
        {
          members: [...body.matchAll(/'([a-z0-9-]+)'/g)].map(([, code = '']) => code),
          included: [...body.matchAll(/\b(\w+Code)\b/g)].map(([, other = '']) => other),
        },
      ],
    );
  }),
);

function codesOf(kind: 'Error' | 'Problem'): Set<string> {
  const codes = new Set<string>();
  const names = [...unions.keys()].filter((name) => name.endsWith(`${kind}Code`));
  for (const name of names) {
    const { members, included } = unions.get(name) ?? assert.fail(`no union ${name}`);
    for (const code of members) codes.add(code);
    names.push(...included.filter((other) => !names.includes(other)));
  }
  return codes;
}

const errors = codesOf('Error');
// What is no root has no problems.
const noRoots = ['no-root', 'not-a-root'];
const problems = new Set([...codesOf('Problem')].filter((code) => !noRoots.includes(code)));

/** The rows of a table of codes, each with its cells. */
function rowsOf(text: string): readonly (readonly string[])[] {
  return [...text.matchAll(/^\| `[a-z0-9-]+` \|.*$/gm)].map(([row]) =>
    row
      .slice(2, -2)
      .split(' | ')
      .map((cell) => cell.replace(/^`|`$/g, '')),
  );
}

/** The rows of the tables in one section of docs/commands.md. */
function rowsUnder(heading: string): readonly (readonly string[])[] {
  const [, section = ''] = read('docs/commands.md').split(`\n## ${heading}\n`);
  return rowsOf(section.replace(/\n## [^]*/, ''));
}

const errorRows = rowsUnder('Errors');

test('each union of codes has members of its own', () => {
  assert.ok(unions.size >= 10, `found only ${[...unions.keys()].join(', ')}`);
  for (const [name, { members }] of unions) assert.ok(members.length > 0, name);
});

test('every code that is given to an error is in a union of error codes', () => {
  const given = sources.flatMap(({ path, text }) =>
    [...text.matchAll(/\bnew \w+Error(?:<\w+>)?\(\s*'([a-z0-9-]+)'/g)].map(([, code = '']) => ({
      path,
      code,
    })),
  );
  assert.ok(given.length > 50);
  for (const { path, code } of given) assert.ok(errors.has(code), `${path}: ${code}`);
});

test('an error that is a BerthError and no more names its union', () => {
  for (const { path, text } of sources) assert.doesNotMatch(text, /new BerthError\(\s*'/, path);
});

test('every code that is given to a problem is in a union of problem codes', () => {
  const rooms = /^src\/(discovery|systemd|root|binding|state)\//;
  const given = sources
    .filter(({ path }) => rooms.test(path))
    .flatMap(({ path, text }) =>
      [...text.matchAll(/\bcode: '([a-z0-9-]+)'/g)].map(([, code = '']) => ({ path, code })),
    );
  assert.ok(given.length > 50);
  for (const { path, code } of given) assert.ok(problems.has(code), `${path}: ${code}`);
});

test('docs/problems.md lists every code of a problem, in order, and no other', () => {
  const listed = rowsOf(read('docs/problems.md')).map(([code]) => code);
  assert.deepEqual(listed, [...problems].sort());
});

test('docs/commands.md lists every code of an error, in order, and no other', () => {
  assert.deepEqual(
    errorRows.map(([code]) => code),
    [...errors].sort(),
  );
});

test('docs/commands.md lists every code of a finding, in order, and no other', () => {
  const listed = rowsUnder('Findings').map(([code]) => code);
  assert.deepEqual(listed, membersOf('FindingCode').toSorted());
});

test('docs/commands.md gives each error an exit code, a meaning and an advice', () => {
  const known = Object.values(exitCodes).map(String);
  for (const [code, exit = '', meaning = '', advice = '', ...more] of errorRows) {
    assert.ok(
      exit.split(' or ').every((number) => known.includes(number)),
      `${code}: ${exit}`,
    );
    assert.ok(meaning !== '' && advice !== '' && more.length === 0, code);
  }
});

test('the exit codes in docs/commands.md are those of the errors', () => {
  const options = { hint: '' };
  const made = [
    ...membersOf('CliErrorCode').map((code) => new CliError(code as never, '', options)),
    ...membersOf('HostErrorCode').map((code) => new HostError(code as never, '', '')),
    ...membersOf('BundleErrorCode').map((code) => new BundleError(code as never, '', options)),
    ...membersOf('EngineErrorCode').map((code) => new EngineError(code as never, '', options)),
    ...membersOf('RegistryErrorCode').map((code) => new RegistryError(code as never, '', options)),
    ...membersOf('RootErrorCode').map((code) => new RootError(code as never, '/x', '', options)),
  ];
  for (const { code, kind } of made) {
    const exit = errorRows.find(([listed]) => listed === code)?.[1] ?? '';
    assert.ok(exit.split(' or ').includes(String(exitCodes[kind])), `${code}: ${exit}`);
  }
});

function membersOf(name: string): readonly string[] {
  return unions.get(name)?.members ?? assert.fail(`no union ${name}`);
}
