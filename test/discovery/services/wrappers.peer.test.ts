import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { wrappers } from '../../../src/discovery/services/wrappers.ts';
import {
  debianHelp,
  debianLoader,
  debianPackage,
  libraryDirectory,
  type Suite,
} from '../../support/debian-root.ts';
import { listedOptions } from './listed-options.ts';

/** Options of which the help does not show what the table has to say. */
const exceptions: ReadonlySet<string> = new Set([
  // `-c` stands behind the file, and the word after `-c` is a script.
  'flock -c --command',
  // The same as --timeout.
  'flock --wait',
]);

for (const suite of ['bookworm', 'trixie', 'forky'] satisfies Suite[]) {
  test(`the options of programs that run a command are those that ${suite} lists`, (t) => {
    let options = 0;
    let programs = 0;
    const wrong: string[] = [];
    for (const [name, { options: table }] of Object.entries(wrappers)) {
      const help = debianHelp(suite, name);
      if (help === undefined) continue;
      programs++;
      for (const { long, short, takesValue } of listedOptions(help)) {
        if (long === 'help' || long === 'version') continue;
        options++;
        const at = [name, short && `-${short}`, long && `--${long}`].filter(Boolean).join(' ');
        if (exceptions.has(at)) continue;
        const known = table.names.get(long ?? short ?? '');
        if (known === undefined) wrong.push(`${at}: not known`);
        else if (short !== undefined && table.names.get(short) !== known)
          wrong.push(`${at}: not the same`);
        else if (table.flags.has(known) === takesValue)
          wrong.push(`${at}: ${takesValue ? 'takes' : 'takes no'} value`);
      }
    }
    assert.deepEqual(wrong, []);
    t.diagnostic(`${options} options of ${programs} programs`);
    assert.ok(programs > 12);
  });
}

/** Programs that Debian's smallest system lacks: their packages, and the part of the usage that runs a command. */
const packaged: readonly (readonly [program: string, pack: string, usage: RegExp])[] = [
  ['sudo', 'sudo', /usage: sudo (\[-ABb[\s\S]*?)\[command/],
  ['doas', 'opendoas', /usage: doas (.*?) command/],
  ['tini', 'tini', /Command line options:([\s\S]*?)Environment/],
  ['dumb-init', 'dumb-init', /Optional arguments:([\s\S]*?)Full help/],
  ['catatonit', 'catatonit', /usage: catatonit (.*?) \[--\]/],
  ['chronic', 'moreutils', /^chronic (.*?) COMMAND/m],
];

const short = /(?<=[[\s|])-([A-Za-z]+)(?:, --[a-z-]+)?(?: ([A-Za-z_:]+)(?=[\]:]| {2,}))?/g;

/** The single-letter options of a usage, with whether each takes a value: `[-Ab] [-g group]`, `-p SIGNAL: …`. */
function shortOptions(usage: string): readonly (readonly [letter: string, takesValue: boolean])[] {
  return [...usage.matchAll(short)].flatMap(([, letters = '', value]) =>
    letters
      .split('')
      .map((letter) => [letter, value !== undefined && letters.length === 1] as const),
  );
}

/** What a packaged program of trixie prints for `--help`, or the text of a script. */
function packagedHelp(program: string, pack: string): string {
  const home = debianPackage('trixie', pack);
  const path = join(home, 'usr/bin', program);
  const content = readFileSync(path);
  if (content.subarray(0, 2).toString() === '#!') return content.toString();
  return usageOf([...debianLoader('trixie', [join(home, 'usr/libexec/sudo')]), path]);
}

function usageOf(words: readonly string[]): string {
  // env starts the loader, so that the words stay one list.
  const { stdout, stderr } = spawnSync('env', [...words, '--help'], { encoding: 'utf8' });
  return stdout + stderr;
}

test('the options of sudo, doas and inits of containers are those of their usage in trixie', (t) => {
  let options = 0;
  for (const [program, pack, pattern] of packaged) {
    const usage = pattern.exec(packagedHelp(program, pack))?.[1] ?? '';
    const table = wrappers[program]?.options;
    for (const [letter, takesValue] of shortOptions(usage)) {
      // Help and version run no command.
      if (/[hV]/.test(letter) && program !== 'sudo') continue;
      options++;
      const name = table?.names.get(letter);
      assert.ok(name !== undefined, `${program} -${letter} is not known`);
      assert.equal(table?.flags.has(name), !takesValue, `${program} -${letter}`);
    }
  }
  t.diagnostic(`${options} options of ${packaged.length} programs`);
  assert.ok(options > 30);
});

test('the options of numactl are those of its usage in trixie', () => {
  const path = join(debianPackage('trixie', 'numactl'), 'usr/bin/numactl');
  const libraries = join(debianPackage('trixie', 'libnuma1'), 'usr/lib', libraryDirectory);
  const help = usageOf([...debianLoader('trixie', [libraries]), path]);
  const listed = [...help.matchAll(/--([a-z-]+)(=?)(?: \| -(\w)( <\w+>)?)?/g)];
  assert.ok(listed.length > 20);
  const table = wrappers['numactl']?.options;
  for (const [text, long = '', equals, letter, value] of listed) {
    if (/^(?:help|version|use|cpubind)$/.test(long)) continue;
    const name = table?.names.get(long);
    assert.ok(name !== undefined, `numactl ${text}`);
    if (letter !== undefined) assert.equal(table?.names.get(letter), name, text);
    if (equals || value) assert.equal(table?.flags.has(name), false, text);
  }
});

test("the options of busybox's programs mean what they mean elsewhere", (t) => {
  const path = join(debianPackage('trixie', 'busybox'), 'usr/bin/busybox');
  let programs = 0;
  for (const [program, { options }] of Object.entries(wrappers)) {
    const help = usageOf([...debianLoader('trixie'), path, program]);
    if (!help.includes('Usage:')) continue;
    programs++;
    for (const [letter, takesValue] of busyboxOptions(help)) {
      const name = options.names.get(letter);
      assert.ok(name !== undefined, `busybox ${program} -${letter}`);
      assert.equal(options.flags.has(name), !takesValue, `busybox ${program} -${letter}`);
    }
  }
  t.diagnostic(`${programs} programs`);
  assert.ok(programs > 8);
});

/** The options of a usage such as `[-ap] [-s SIG]`, and of the lines that describe more of them. */
function busyboxOptions(help: string): readonly (readonly [letter: string, takesValue: boolean])[] {
  const usage = shortOptions(/Usage: \S+ (.*)/.exec(help)?.[1] ?? '');
  const lines = help.matchAll(/^\t-(\w)(?:,--[a-z-]+)?( [A-Z][^\t ]*)?\t/gm);
  const described = Array.from(
    lines,
    ([, letter = '', value]) => [letter, value !== undefined] as const,
  );
  return described.length === 0 ? usage : described;
}
