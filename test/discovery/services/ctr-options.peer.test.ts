import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { ctr, type OptionTable } from '../../../src/discovery/services/option-tables.ts';
import { programs } from '../../../src/discovery/services/subcommands.ts';
import { debianLoader, debianPackage, type Suite } from '../../support/debian-root.ts';

/** Commands whose options are read, with the tables that have them. */
const commands: readonly (readonly [command: string, table: OptionTable])[] = [
  ['', ctr.global],
  ['run', ctr.run],
  ['containers create', ctr.run],
  ['images pull', ctr.pull],
  ['images import', ctr.import],
];

for (const suite of ['bookworm', 'trixie', 'forky'] satisfies Suite[]) {
  const start = [...debianLoader(suite), join(debianPackage(suite, 'containerd'), 'usr/bin/ctr')];
  const helpOf = (command: string) => {
    const words = [...start, ...command.split(' ').filter(Boolean), '--help'];
    return spawnSync('env', words, { encoding: 'utf8' }).stdout;
  };

  test(`every option of ctr of ${suite} is known, with or without a value`, (t) => {
    const wrong: string[] = [];
    let options = 0;
    for (const [command, table] of commands) {
      const line = /^ {3}((?:--?[\w-]+(?: [^-\s,][^\s,]*)?(?:, )?)+)/gm;
      for (const [, text = ''] of helpOf(command).matchAll(line)) {
        const names = Array.from(text.matchAll(/(?:^|, )--?([\w-]+)/g), ([, name = '']) => name);
        options++;
        const takesValue = /--?[\w-]+ \S/.test(text.replaceAll(', ', ','));
        const known = names.map((name) => table.names.get(name));
        const [long] = known;
        const isRight =
          long !== undefined &&
          known.every((one) => one === long) &&
          table.flags.has(long) !== takesValue;
        if (!isRight) wrong.push(`ctr ${command} ${text}`);
      }
    }
    assert.deepEqual(wrong, []);
    t.diagnostic(`${options} options`);
    assert.ok(options > 100);
  });

  test(`every command of ctr of ${suite} is known, and read if it may need an image`, () => {
    const { subcommands, unread, silent } = programs.ctr;
    const isRead = (command: string) =>
      Object.hasOwn(subcommands, command) || Object.hasOwn(unread, command);
    const wrong: string[] = [];
    for (const names of commandsIn(helpOf(''))) {
      const [name = ''] = names;
      for (const one of names) {
        if (one !== 'h' && !isRead(one) && !silent.has(one)) wrong.push(one);
      }
      for (const second of commandsIn(helpOf(name)).flat()) {
        const mayNeed = /^(?:create|fetch|import|mount|pull|restore)$/.test(second);
        if (!mayNeed || createsNoContainer.has(name)) continue;
        for (const one of names) if (!isRead(`${one} ${second}`)) wrong.push(`${one} ${second}`);
      }
    }
    assert.deepEqual(wrong, []);
  });
}

/** Groups of commands that create, mount or fetch other things than images and containers. */
const createsNoContainer: ReadonlySet<string> = new Set([
  'leases',
  'namespaces',
  'snapshots',
  'sandboxes',
]);

/** The commands that a help lists, each with its other names. */
function commandsIn(help: string): readonly (readonly string[])[] {
  const section = /^COMMANDS:\n((?: {3}.*\n)+)/m.exec(help)?.[1] ?? '';
  return section
    .split('\n')
    .map((line) => /^ {3}((?:[a-z][\w-]*(?:, )?)+)/.exec(line)?.[1]?.split(', ') ?? [])
    .filter((names) => names.length > 0);
}
