import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { docker, type OptionTable, podman } from '../../../src/discovery/services/option-tables.ts';
import { skipPodman } from '../../support/podman.ts';

interface Helped {
  readonly long: string;
  readonly short: string | undefined;
  readonly takesValue: boolean;
}

function helped(program: string, words: readonly string[]): Helped[] {
  const help = execFileSync(program, [...words, '--help'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const line = /^ {2,6}(?:-(\w), +|)--([\w-]+)(?: (\S+)|)(?= {2}|\n)/gm;
  return Array.from(help.matchAll(line), ([, short, long = '', value]) => ({
    long,
    short,
    // `string[="missing"]` stands for a value that is allowed only after an equals sign.
    takesValue: value !== undefined && !value.includes('[='),
  }));
}

function check(program: string, words: readonly string[], table: OptionTable): void {
  const options = helped(program, words);
  assert.ok(options.length > 3, `${program} ${words.join(' ')} lists its options`);
  for (const { long, short, takesValue } of options) {
    const at = `${program} ${words.join(' ')} --${long}`;
    assert.equal(table.names.get(long), long, at);
    assert.equal(!table.flags.has(long), takesValue, at);
    if (short !== undefined) assert.equal(table.names.get(short), long, `${at}, -${short}`);
  }
}

test('every option that podman lists is known, with or without a value', {
  skip: skipPodman,
}, () => {
  const program = process.env['BERTH_TEST_PODMAN'] ?? 'podman';
  check(program, [], podman.global);
  for (const words of [['run'], ['create'], ['container', 'run'], ['container', 'create']]) {
    check(program, words, podman.run);
  }
  check(program, ['build'], podman.build);
  for (const words of [['pull'], ['image', 'pull']]) check(program, words, podman.pull);
  for (const words of [
    ['kube', 'play'],
    ['play', 'kube'],
  ])
    check(program, words, podman.play);
});

const skipDocker = process.env['BERTH_TEST_DOCKER'] === undefined && 'BERTH_TEST_DOCKER is not set';

test('every option that docker lists is known, with or without a value', {
  skip: skipDocker,
}, () => {
  const program = process.env['BERTH_TEST_DOCKER'] ?? 'docker';
  check(program, [], docker.global);
  for (const words of [['run'], ['create']]) check(program, words, docker.run);
  check(program, ['pull'], docker.pull);
});
