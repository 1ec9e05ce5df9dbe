import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { ignoredLines } from '../../../src/discovery/services/ignored-lines.ts';
import { parseSystemdUnit } from '../../../src/systemd/systemd-unit-file.ts';
import { isReadKey } from '../../../src/systemd/wanted-keys.ts';
import { rounds, seed } from '../../support/property.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { writeTree } from '../../support/tree.ts';
import { of } from './found.ts';

const lines = fc.constantFrom(
  '[Unit]',
  '[Service]',
  '[Install]',
  '[Servce]',
  '[Unit ]',
  '[Container]',
  '[X-Own]',
  '[service]',

  'Description=x',
  'Environment=A=1',
  'ExecStart=/bin/true',
  'WantedBy=x',
  'no equals',
  '=x',
  'a',
  '# c',
  '; c',
  '',
  '  [Instal]',
  '  C=2',
  ' = ',
);
const unit = fc.array(lines, { minLength: 1, maxLength: 12 });

/** The numbers of the lines that `systemd-analyze verify` says to be ignored, for each unit. */
function saidBySystemd(directory: string, names: readonly string[]): Map<string, number[]> {
  const { stderr } = spawnSync(
    'systemd-analyze',
    ['verify', '--man=no', '--generators=no', ...names.map((name) => `${directory}/${name}`)],
    { encoding: 'utf8', env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' } },
  );
  const said = stderr.matchAll(
    /\/(u\d+\.service):(\d+): (?:Missing '='|Missing key name|Unknown section|Assignment outside)/g,
  );
  const found = new Map<string, number[]>(names.map((name) => [name, []]));
  for (const [, name = '', line] of said) found.get(name)?.push(Number(line));
  return found;
}

test('the ignored lines of a service are those of which systemd warns', (t) => {
  const directory = temporaryDirectory(t);
  const texts = fc
    .sample(unit, { seed, numRuns: rounds(40) })
    .map((some) => `${some.join('\n')}\n`);
  const files = texts.map((text, at): [string, string] => [`u${at}.service`, text]);
  writeTree(directory, Object.fromEntries(files.map(([name, text]) => [`/${name}`, text])));
  const theirs = saidBySystemd(
    directory,
    files.map(([name]) => name),
  );
  let all = 0;
  for (const [name, text] of files) {
    const { entries } = parseSystemdUnit(text, `/${name}`, isReadKey);
    const service = {
      name,
      path: `/${name}`,
      realPath: `/${name}`,
      masked: false,
      generated: false,
    };
    const ours = ignoredLines({ ...service, entries }, { unit: name, unitPath: `/${name}` });
    const numbers = [...new Set(theirs.get(name))];
    all += numbers.length;
    assert.deepEqual(
      ours.map(({ line }) => line),
      numbers,
      JSON.stringify(text),
    );
  }
  assert.ok(all > files.length / 2, 'systemd warns of many lines');
});

test('ignored lines are notes, but not a section that holds the command for a container', async (t) => {
  const plain = '[Service]\nExecStart=podman run q.io/a:1\nnonsense\n[Instal]\nWantedBy=x\n';
  assert.deepEqual(await of(t, plain), ['q.io/a:1', 'ignored-line:3', 'ignored-line:4']);
  assert.deepEqual(await of(t, '[Servce]\nExecStart=podman run q.io/a:1\n'), ['ignored-line:1']);
  assert.deepEqual(await of(t, '[Servce]\nExecStart=/bin/true\n[Foo]\n'), []);
});
