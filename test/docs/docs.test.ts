import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import test from 'node:test';
import { exitCodes } from '../../src/cli/render/failure.ts';
import { isEngineId } from '../../src/common/engine-id.ts';
import { readConfig } from '../../src/host/config/config.ts';
import { lintRules } from '../../src/lint/rules.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { blocksOf, scriptsElsewhere, scriptsOf } from './blocks.ts';
import { accepts, berthLines } from './command-lines.ts';

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

test('the help of each rule is what docs/lint.md says to do', () => {
  const rows = [...read('docs/lint.md').matchAll(/^\| `([a-z-]+)` \|.* \| ([^|]+) \|$/gm)];
  const told = rows.map(([, code, help = '']) => [
    code,
    help.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1'),
  ]);
  assert.deepEqual(
    told,
    Object.entries(lintRules).map(([code, { help }]) => [code, help]),
  );
});

test('no page holds what a merge left: two versions of one paragraph', () => {
  const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: home });
  assert.ok(pages.length > 10);
  for (const page of pages) assert.doesNotMatch(read(page), /^(?:<{7}|={7}|>{7})(?: |$)/m, page);
});

/** The pages of the project, by their paths, without their blocks of code. */
const pages = new Map(
  globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md'], { cwd: home }).map((path) => [
    path,
    read(path).replaceAll(/^ *```[^]*?^ *```$/gm, ''),
  ]),
);

test('every link of a page leads to a file or a heading', () => {
  assert.ok(pages.size > 20);
  for (const [page, text] of pages) {
    for (const [, to = '', heading] of text.matchAll(/\]\(([^)#:]*)(?:#([^)]*))?\)/g)) {
      const path = to === '' ? page : join(dirname(page), to);
      assert.ok(existsSync(join(home, path)), `${page}: ${path}`);
      if (heading === undefined) continue;
      assert.ok(anchorsOf(pages.get(path) ?? '').has(heading), `${page}: ${path}#${heading}`);
    }
  }
});

/** The anchors that GitHub makes of the headings of a page. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    ),
  );
}

test('every file of the repository that a page names is there', () => {
  for (const [page, text] of pages) {
    for (const [, path = ''] of text.matchAll(
      /`((?:src|test|scripts|packaging|examples)\/[\w./*-]+)`/g,
    )) {
      if (path.includes('NAME')) continue;
      assert.ok(globSync(path, { cwd: home }).length > 0, `${page}: ${path}`);
    }
  }
});

const howTos = [...pages.keys()].filter((page) => page.startsWith('docs/howto/'));

test('a how-to is short', () => {
  assert.ok(howTos.length >= 4);
  for (const page of howTos) assert.ok(read(page).split('\n').length <= 121, page);
});

test('berth takes the commands of the how-tos', async () => {
  const lines = howTos.flatMap((page) => blocksOf(page, 'sh').flatMap(berthLines));
  assert.ok(lines.length >= 20);
  for (const line of lines) await accepts(line);
});

test('berth reads the configuration in the how-tos', async (t) => {
  const file = join(temporaryDirectory(t), 'berth.toml');
  const blocks = howTos.flatMap((page) => blocksOf(page, 'toml'));
  const own = blocks.filter((block) => /^# \S*berth\.toml\b/.test(block));
  assert.ok(own.length >= 3);
  for (const block of own) {
    writeFileSync(file, block);
    await readConfig([], file);
  }
});

/** The tests that run the scripts of a page. */
const runningTests: Readonly<Record<string, string>> = {
  'docs/first-boot.md': 'pages.peer.test.ts',
  'docs/howto/air-gapped.md': 'pages.peer.test.ts',
  'docs/howto/fleet.md': 'pages.host.test.ts',
  'docs/howto/home-server.md': 'pages.host.test.ts',
  'docs/howto/image-builder.md': 'pages.peer.test.ts',
  'docs/install.md': 'pages.host.test.ts',
  'docs/lint.md': 'pages.peer.test.ts',
  'docs/offline.md': 'pages.peer.test.ts',
  'docs/trust.md': 'trust.peer.test.ts',
  'docs/tutorial.md': 'tutorial.host.test.ts',
};

test('a test runs each script that a page shows', () => {
  for (const page of pages.keys()) {
    if (scriptsOf(page).length === 0) continue;
    const file = runningTests[page];
    assert.ok(file !== undefined, page);
    assert.ok(read(`test/docs/${file}`).includes(page), `${file}: ${page}`);
  }
  for (const [page, scripts] of Object.entries(scriptsElsewhere)) {
    const blocks = blocksOf(page, 'sh');
    for (const [start, where] of Object.entries(scripts)) {
      assert.ok(
        blocks.some((block) => block.startsWith(start)),
        `${page}: ${start}`,
      );
      if (where.startsWith('test/')) assert.ok(existsSync(join(home, where)), where);
    }
  }
});
