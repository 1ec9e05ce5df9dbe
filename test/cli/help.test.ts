import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { fitted } from '../../src/cli/help.ts';
import { programOf } from '../../src/cli/program.ts';
import { exitCodes } from '../../src/cli/render/failure.ts';
import { container, startMachine, writeRoot } from '../support/berth.ts';

/** The help of a command, or of berth itself, on a terminal of so many columns. */
async function helpOf(name: string | undefined, columns: number): Promise<string> {
  const program = await programOf(name === undefined ? [] : [name]);
  const command = program.commands.find((one) => one.name() === name) ?? program;
  let help = '';
  command.configureOutput({
    writeOut: (text) => (help += fitted(text, columns)),
    getOutHelpWidth: () => columns,
  });
  command.outputHelp();
  return help;
}

const names = [undefined, ...(await programOf([])).commands.map((command) => command.name())];

test('no help has a line that is wider than a terminal, and a narrow one loses no word', async () => {
  assert.ok(names.length > 20);
  for (const name of names) {
    const usual = await helpOf(name, 80);
    for (const columns of [80, 50, 40]) {
      const help = await helpOf(name, columns);
      for (const line of help.split('\n')) {
        const isOneWord = columns < 80 && /^ *\S+$/.test(line);
        assert.ok(line.length <= columns || isOneWord, `${name}: ${line}`);
      }
      assert.deepEqual(help.match(/\S+/g), usual.match(/\S+/g), name);
    }
  }
});

test('the help of a command has its own options first, and those of every command last', async () => {
  for (const name of names.slice(1)) {
    const help = await helpOf(name, 80);
    const headings = [...help.matchAll(/^(\w[\w ]*):$/gm)].map(([, heading]) => heading);
    const expected = ['Arguments', 'Options', 'Options of every command', 'Examples'];
    assert.deepEqual(
      headings,
      expected.filter((heading) => headings.includes(heading)),
      name,
    );
    const [, common = ''] = help.split('Options of every command:\n');
    // It opens no host.
    if (name === 'completion') continue;
    // A report has one format.
    const first = name === 'report' ? '--engine' : '-o, --format';
    assert.ok(common.startsWith(`  ${first}`), name);
    assert.ok(/ {2}-h, --help .*\n\nExamples:/.test(common), name);
  }
});

test('the help of berth has every exit code', async () => {
  const help = await helpOf(undefined, 80);
  const [, codes = ''] = /\nExit codes: ((?:.+\n)+)/.exec(help) ?? [];
  for (const code of [0, ...Object.values(exitCodes)]) {
    assert.match(codes, new RegExp(`(?:^|; |\\n)${code} `), codes);
  }
});

test('options may stand before the command', async (t) => {
  const machine = await startMachine(t);
  const files = container('web', 'registry.example.com/web:1');
  const root = writeRoot(join(machine.directory, 'os'), files);
  for (const words of [
    ['--config', '/dev/null', 'images', '-q', root],
    ['--config=/dev/null', '-o', 'refs', 'images', root],
    ['-q', '--bind', 'all', '--progress', 'none', 'images', root],
  ]) {
    const { code, stdout, stderr } = await machine.berth(...words);
    assert.deepEqual([code, stdout], [0, 'registry.example.com/web:1\n'], stderr);
  }
  for (const words of [['--config'], ['--nonsense', 'images'], ['--config', 'images']]) {
    const { code, stderr } = await machine.berth(...words);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /^berth: unknown option '--(?:config|nonsense)'/);
  }
});
