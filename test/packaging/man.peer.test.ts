import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { programOf } from '../../src/cli/program.ts';
import { exitCodes } from '../../src/cli/render/failure.ts';
import { BerthError } from '../../src/common/errors.ts';
import { readConfig } from '../../src/host/config/config.ts';
import { install } from '../support/installed.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const home = resolve(import.meta.dirname, '../..');

/** What every page of a command has, in this order. */
const sections = [
  'NAME',
  'SYNOPSIS',
  'DESCRIPTION',
  'EXIT STATUS',
  'FILES',
  'ENVIRONMENT',
  'EXAMPLES',
  'SEE ALSO',
];

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
      const lint = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning', join(man, page)], {
        encoding: 'utf8',
      });
      assert.deepEqual([lint.status, lint.stdout], [0, ''], page);
      const [title] = readFileSync(join(man, page), 'utf8').split('\n');
      assert.match(title ?? '', /^\.TH \S+ [158] "\d{4}-\d\d-\d\d" "berth [\d.]+" "berth"$/, page);
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
    const source = readFileSync(join(man, `man1/berth-${name}.1`), 'utf8');
    const headings = [...source.matchAll(/^\.SH (.*)$/gm)].map(([, heading = '']) => heading);
    assert.deepEqual(
      headings.filter((heading) => sections.includes(heading)),
      sections,
      name,
    );
  }
  assert.equal(pages.length, commands.length + 3, 'no page of a command that is gone');
});

test('berth(1) has every variable of the environment that berth reads, and every exit code', (t) => {
  const directory = temporaryDirectory(t);
  const program = [join(home, 'scripts/man.ts'), directory];
  const { status, stderr } = spawnSync(process.execPath, program, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const page = readFileSync(join(directory, 'berth.1'), 'utf8').replaceAll('\\-', '-');
  // The other rooms read what a root says of its services' environment.
  const rooms = globSync(
    'src/{cli,host,lifecycle,store,state,engine,registry,deployment,systemctl}/**/*.ts',
    { cwd: home },
  );
  const read = new Set(
    rooms.flatMap((path) => variablesIn(readFileSync(join(home, path), 'utf8'))),
  );
  assert.ok(read.size > 20, [...read].join(' '));
  const [, section = ''] = /^\.SH ENVIRONMENT$(.*?)^\.SH/ms.exec(page) ?? [];
  const named = [...section.matchAll(/^\.B (.*)$/gm)].flatMap(([, names = '']) =>
    names.split(', '),
  );
  // What is only taken away from programs that berth runs, or from itself.
  const dropped = [
    'NODE_TLS_REJECT_UNAUTHORIZED',
    'CONTAINER_CONNECTION',
    'LISTEN_FDS',
    'LISTEN_PID',
  ];
  for (const name of dropped) read.delete(name);
  // These are read by Node.
  for (const name of ['TMPDIR', 'NO_COLOR']) read.add(name);
  assert.deepEqual(named.filter((name) => name !== '--state-dir').sort(), [...read].sort());
  for (const code of [0, ...Object.values(exitCodes)])
    assert.match(page, new RegExp(`^\\.B ${code}$`, 'm'));
});

/** The variables that a source reads from an environment. */
function variablesIn(source: string): readonly string[] {
  const patterns = [
    /\benv(?:ironment)?\[(?:set\()?'(\w+)'/g,
    /\bxdg\(environment, '(\w+)'/g,
    /\bproxyOf\('(\w+)'\)/g,
  ];
  const taken = [...source.matchAll(/const \{([^}]+)\} = environment;/g)].flatMap(
    ([, names = '']) => names.split(',').map((name) => name.split(':')[0]?.trim() ?? ''),
  );
  const single = patterns.flatMap((pattern) =>
    [...source.matchAll(pattern)].map(([, name = '']) => name),
  );
  return [...taken, ...single];
}

test('the date of the pages is that of the release or the commit, not of the build', (t) => {
  const directory = temporaryDirectory(t);
  const titles = ['86400', '172800'].map((epoch) => {
    const program = [join(home, 'scripts/man.ts'), directory];
    spawnSync(process.execPath, program, { env: { ...process.env, SOURCE_DATE_EPOCH: epoch } });
    return readFileSync(join(directory, 'berth.1'), 'utf8').split('\n')[0];
  });
  const log = readFileSync(join(home, 'CHANGELOG.md'), 'utf8');
  const date = /^## [\d.]+ \((\d{4}-\d\d-\d\d)\)/m.exec(log)?.[1];
  const dates = [date ?? '1970-01-02', date ?? '1970-01-03'];
  for (const [at, title] of titles.entries()) assert.ok(title?.includes(`"${dates[at]}"`), title);
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
