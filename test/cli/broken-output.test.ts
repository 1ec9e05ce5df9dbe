import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test, { type TestContext } from 'node:test';
import { container, type Machine, main, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';

const name = 'registry.example.com/web:1';

type Stdio = 'pipe' | number;

/** The result of a command with these as its standard output, standard error and descriptor 3. */
async function run(
  { environment }: Machine,
  [stdout, stderr, third]: readonly [Stdio, Stdio, number?],
  ...words: string[]
) {
  const child = spawn(process.execPath, [main, ...words], {
    env: environment,
    stdio: ['ignore', stdout, stderr, ...(third === undefined ? [] : [third])],
  });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
  // The reader of the result goes away.
  child.stdout?.destroy();
  const [code, signal]: unknown[] = await once(child, 'close');
  return { code, signal, stderr: said };
}

function openFull(t: TestContext): number {
  const full = openSync('/dev/full', 'w');
  t.after(() => closeSync(full));
  return full;
}

async function start(t: TestContext) {
  const machine = await startMachine(t);
  machine.registry.push('web:1', buildImage({ layers: [{ bytes: 100_000, seed: 1 }] }));
  const root = writeRoot(join(machine.directory, 'os'), {
    'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n',
    ...container('web', name),
  });
  return { machine, root, file: join(machine.directory, 'web.tar.zst') };
}

/** Commands that print, in an order in which each has something to do. */
function printing(root: string, file: string): readonly (readonly string[])[] {
  return [
    ['--help'],
    ['--version'],
    ['stage', '--help'],
    ['images', root],
    ['plan', root],
    ['lint', root],
    ['lock', root],
    ['lock', '--check', root],
    ['stage', '--id', 'os', root],
    ['verify', 'os'],
    ['status'],
    ['why', name, root],
    ['report', root],
    ['pins'],
    ['pull', name],
    ['pin', name],
    ['unpin', name],
    ['bundle', root, '--output', file],
    ['bundle', root, '--output', '-'],
    ['load', file],
    ['verify', 'absent'],
    ['release', 'os'],
    ['prune', '--force'],
    ['reconcile'],
    ['gate'],
    // The watch itself prints no result, and does not end.
    ['watch', '--help'],
    ['activate'],
    ['completion', 'bash'],
    ['ship', root],
  ];
}

test('a result that can’t be written is a failure in two lines, of every command', async (t) => {
  const { machine, root, file } = await start(t);
  const full = openFull(t);
  const commands = printing(root, file);
  for (const words of commands) {
    const opensHost = words[0] !== 'completion' && words[0]?.startsWith('-') === false;
    const engine = opensHost ? ['--engine', 'store'] : [];
    const { code, stderr } = await run(machine, [full, 'pipe'], ...words, ...engine);
    assert.equal(code, 1, `${words.join(' ')}: ${stderr}`);
    const about = stderr.match(
      /^berth: can't write the result to standard output: ENOSPC.*\n {2}→ make space.*\n/gm,
    );
    assert.equal(about?.length, 1, `${words.join(' ')}: ${stderr}`);
    assert.doesNotMatch(stderr, /^ +at |a fault of berth itself/m);
  }
  const files = readdirSync(resolve(import.meta.dirname, '../../src/cli/commands'));
  // `apply` wants podman.
  const asked = new Set(['apply.ts', ...commands.map(([command]) => `${command}.ts`)]);
  assert.deepEqual(
    files.filter((command) => !asked.has(command)),
    [],
  );
});

test('a reader that has gone ends a command by SIGPIPE, and without a word', async (t) => {
  const { machine, root } = await start(t);
  for (const words of [
    ['--help'],
    ['images', root],
    ['images', '--format', 'json', root],
    ['lint', '--format', 'sarif', root],
    ['bundle', root, '--output', '-', '--progress', 'none'],
  ]) {
    const { code, signal, stderr } = await run(machine, ['pipe', 'pipe'], ...words);
    assert.deepEqual([code, signal, stderr], [null, 'SIGPIPE', ''], words.join(' '));
  }
});

test('a failure of standard error changes no result', async (t) => {
  const { machine, root } = await start(t);
  const full = openFull(t);
  const paper = openSync('/dev/null', 'w');
  t.after(() => closeSync(paper));
  const stage = ['stage', '--engine', 'store', '--id', 'os', root];
  for (const [expected, ...words] of [
    [2, 'images', '--none'],
    [2, 'images', join(root, 'absent')],
    [0, ...stage],
    [0, 'pins', '--engine', 'store'],
    [3, 'verify', 'absent', '--engine', 'store'],
  ] as const) {
    const { code } = await run(machine, [paper, full], ...words);
    assert.equal(code, expected, words.join(' '));
  }
  for (const mode of ['json', 'plain', 'tty']) {
    await run(machine, [paper, paper], 'release', 'os', '--engine', 'store');
    const progress = ['--progress', mode, '--progress-fd', '3'];
    const { code, stderr } = await run(machine, [paper, 'pipe', full], ...stage, ...progress);
    assert.deepEqual([code, stderr], [0, '']);
  }
  // Node opens /dev/null in place of closed descriptors.
  const closed = ['-c', '"$@" >&- 2>&-', 'sh', process.execPath, main];
  for (const [words, expected] of [
    [stage, 0],
    [['verify', 'absent', '--engine', 'store'], 3],
    [['images', '--none'], 2],
  ] as const) {
    assert.equal((await machine.program('sh', ...closed, ...words)).code, expected);
  }
});
