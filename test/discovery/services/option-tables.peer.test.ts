import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import {
  buildah,
  docker,
  type OptionTable,
  podman,
  skopeo,
} from '../../../src/discovery/services/option-tables.ts';
import {
  type Program as ProgramName,
  programs,
} from '../../../src/discovery/services/subcommands.ts';
import { debianHelp, type Suite } from '../../support/debian-root.ts';
import { trixieProgram } from '../../support/trixie.ts';

interface Helped {
  readonly long: string;
  readonly short: string | undefined;
  readonly takesValue: boolean;
}

/** What a program prints for `--help` behind the words. */
type Program = (words: readonly string[]) => Promise<string>;

async function helped(program: Program, words: readonly string[]): Promise<Helped[]> {
  const help = await program(words);
  const line = /^ {2,6}(?:-(\w), +|)--([\w-]+)(?: (\S+)|)(?= {2}|\n)/gm;
  return Array.from(help.matchAll(line), ([, short, long = '', value]) => ({
    long,
    short,
    // `string[="missing"]` stands for a value that is allowed only after an equals sign.
    takesValue: value !== undefined && !value.includes('[='),
  }));
}

async function check(
  program: Program,
  words: readonly string[],
  table: OptionTable,
): Promise<void> {
  const options = await helped(program, words);
  assert.ok(options.length > 1, `${words.join(' ')} lists its options`);
  const wrong: string[] = [];
  for (const { long, short, takesValue } of options) {
    const at = `${words.join(' ')} --${long}`;
    const name = table.names.get(long);
    if (name === undefined) wrong.push(`${at} is not known`);
    else if (table.flags.has(name) === takesValue) wrong.push(`${at}: ${takesValue}`);
    if (short !== undefined && table.names.get(short) !== name && long !== 'help')
      wrong.push(`${at}, -${short}`);
  }
  assert.deepEqual(wrong, []);
}

type Commands = readonly (readonly [command: string, table: OptionTable])[];

const podmanCommands: Commands = [
  ['', podman.global],
  ...['run', 'create', 'container run', 'container create'].map(
    (command) => [command, podman.run] as const,
  ),
  ...['build', 'image build', 'buildx build'].map((command) => [command, podman.build] as const),
  ['pull', podman.pull],
  ['image pull', podman.pull],
  ['load', podman.load],
  ['image load', podman.load],
  ['kube play', podman.play],
  ['play kube', podman.play],
  ['pod create', podman.pod],
  ['image mount', podman.mount],
  ['container runlabel', podman.runlabel],
  ['volume create', podman.volume],
];

for (const suite of ['bookworm', 'trixie', 'forky'] satisfies Suite[]) {
  const program: Program = async (words) => debianHelp(suite, 'podman', words) ?? '';
  test(`every option that podman of ${suite} lists is known, with or without a value`, async () => {
    for (const [command, table] of podmanCommands) {
      await check(program, command.split(' ').filter(Boolean), table);
    }
  });

  // The commands of 5.4 are among those of 5.8.
  if (suite === 'trixie') continue;
  test(`every command that podman of ${suite} lists is known, and read if it may pull`, async () => {
    await checkCommands('podman', program);
  });
}

const docker26: Program = async (words) =>
  (await trixieProgram('docker-cli')([...words, '--help'], { HOME: '/nowhere' })).stdout;

test('every option that docker lists is known, with or without a value', async () => {
  await check(docker26, [], docker.global);
  for (const words of [['run'], ['create'], ['container', 'run']]) {
    await check(docker26, words, docker.run);
  }
  await check(docker26, ['pull'], docker.pull);
  await check(docker26, ['build'], docker.build);
  await check(docker26, ['load'], docker.load);
});

test('every command that docker lists is known, and read if it may pull', async () => {
  await checkCommands('docker', docker26);
});

test('every option and command of skopeo 1.18 is known', async () => {
  const program: Program = async (words) =>
    (await trixieProgram('skopeo')([...words, '--help'], {})).stdout;
  await check(program, [], skopeo.global);
  await check(program, ['copy'], skopeo.copy);
  await checkCommands('skopeo', program);
});

test("every option and command of the machine's own buildah and skopeo is known", async () => {
  const own =
    (name: string): Program =>
    async (words) =>
      (await promisify(execFile)(name, [...words, '--help'])).stdout;
  await check(own('buildah'), [], buildah.global);
  await check(own('buildah'), ['from'], buildah.from);
  await check(own('buildah'), ['pull'], podman.pull);
  await check(own('buildah'), ['build'], podman.build);
  await checkCommands('buildah', own('buildah'));
  await check(own('skopeo'), [], skopeo.global);
  await check(own('skopeo'), ['copy'], skopeo.copy);
  await checkCommands('skopeo', own('skopeo'));
});

/** The commands that a help lists. */
function listed(help: string): readonly string[] {
  const sections = help.matchAll(/^[A-Z][\w ]*Commands:\n((?:\n| {2}.*\n)+)/gim);
  return Array.from(sections, ([, lines = '']) => lines)
    .flatMap((lines) => Array.from(lines.matchAll(/^ {2}([a-z][\w-]*)\*? /gm)))
    .map(([, name = '']) => name);
}

/** Commands that talk to a registry but fetch no image, and those that only save or change one. */
const fetchesNothing =
  /^(?:login|logout|search|auto-update|(?:image |manifest )?(?:push|search|sign|scp|inspect|add|annotate)|(?:image )?trust.*|commit|delete|inspect|list-tags|standalone-\w+|artifact (?:push|add)|source push|system .*)$/;

/** Each command is in a list of ours; one that may pull is not among those that are silent. */
async function checkCommands(name: ProgramName, program: Program): Promise<void> {
  const table = programs[name];
  const wrong: string[] = [];
  const first = listed(await program([]));
  assert.ok(first.length > 5, `${name} lists its commands`);
  for (const command of first) {
    const help = await program([command]);
    const commands = [command, ...listed(help).map((second) => `${command} ${second}`)];
    for (const each of commands) {
      const [word = '', second] = each.split(' ');
      const isRead = Object.hasOwn(table.subcommands, each) || Object.hasOwn(table.unread, each);
      if (!isRead && !table.silent.has(word)) wrong.push(`${each} is not known`);
      const text = second === undefined ? help : await program([word, second]);
      const mayPull = /^ +(?:-\w, )?--(?:pull|creds|authfile|src-creds|platform)\b/m.test(text);
      if (!isRead && mayPull && !fetchesNothing.test(each)) wrong.push(`${each} may pull`);
    }
  }
  assert.deepEqual(wrong, []);
}
