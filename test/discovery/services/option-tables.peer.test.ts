import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { docker, type OptionTable, podman } from '../../../src/discovery/services/option-tables.ts';
import { skipPodman } from '../../support/podman.ts';
import { trixieProgram } from '../../support/trixie.ts';

interface Helped {
  readonly long: string;
  readonly short: string | undefined;
  readonly takesValue: boolean;
}

/** Runs a program and returns what it prints. */
type Program = (words: readonly string[]) => Promise<string>;

async function helped(program: Program, words: readonly string[]): Promise<Helped[]> {
  const help = await program([...words, '--help']);
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
  assert.ok(options.length > 3, `${words.join(' ')} lists its options`);
  for (const { long, short, takesValue } of options) {
    const at = `${words.join(' ')} --${long}`;
    assert.equal(table.names.get(long), long, at);
    assert.equal(!table.flags.has(long), takesValue, at);
    if (short !== undefined) assert.equal(table.names.get(short), long, `${at}, -${short}`);
  }
}

test('every option that podman lists is known, with or without a value', {
  skip: skipPodman,
}, async () => {
  const name = process.env['BERTH_TEST_PODMAN'] ?? 'podman';
  const program: Program = async (words) => (await promisify(execFile)(name, words)).stdout;
  await check(program, [], podman.global);
  for (const words of [['run'], ['create'], ['container', 'run'], ['container', 'create']]) {
    await check(program, words, podman.run);
  }
  await check(program, ['build'], podman.build);
  for (const words of [['pull'], ['image', 'pull']]) await check(program, words, podman.pull);
  for (const words of [
    ['kube', 'play'],
    ['play', 'kube'],
  ])
    await check(program, words, podman.play);
});

test('every option that docker lists is known, with or without a value', async () => {
  const docker26 = trixieProgram('docker-cli');
  const program: Program = async (words) => (await docker26(words, { HOME: '/nowhere' })).stdout;
  await check(program, [], docker.global);
  for (const words of [['run'], ['create']]) await check(program, words, docker.run);
  await check(program, ['pull'], docker.pull);
});
