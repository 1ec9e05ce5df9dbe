import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wrappers } from '../../../src/discovery/services/wrappers.ts';
import { debianHelp, type Suite } from '../../support/debian-root.ts';
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
