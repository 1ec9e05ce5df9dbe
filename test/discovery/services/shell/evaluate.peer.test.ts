import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { shellCommands } from '../../../../src/discovery/services/shell/evaluate.ts';
import { holds } from '../../../support/property.ts';
import { temporaryDirectory } from '../../../support/temporary.ts';
import { isFound, logged } from './ran.ts';

/** Programs of the host: berth can't know whether they succeed. */
const asked = ['c0', 'c1', 'c2'];

const words =
  'a b:1 $X ${X} "$X" $Y "$Y" ${U:-d} ${U:-$X} ${X:+s} ${X%:*} ${X##*:} $1 "$2" "$@" $# $((1+1)) x$X$Y ${X}-z';
const spaced = [
  '$(echo o)',
  '$(echo $Y)',
  '"$(echo $X)"',
  '`echo k`',
  "'q r'",
  '"s  t"',
  '"${Y:-e f}"',
];
const word = fc.constantFrom(...words.split(' '), ...spaced, '$(echo o p)');
const value = fc.constantFrom('1', 'v:2', '$X', '"$X w"', '"m n"', '$(echo y)', '', '${U:-$Y}');
const name = fc.constantFrom('X', 'Y', 'Z');

const { script } = fc.letrec<{ script: string; command: string; condition: string }>((tie) => ({
  condition: fc.oneof(
    fc.constantFrom(...asked),
    fc.constantFrom('true', 'false', '[ -z "$X" ]', '[ "$X" = v:2 ]', '[ -n "$Z" ]', '! c0'),
    fc
      .tuple(tie('condition'), fc.constantFrom('&&', '||'), tie('condition'))
      .map((x) => x.join(' ')),
  ),
  command: fc.oneof(
    { maxDepth: 3 },
    fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => `run ${words.join(' ')}`),
    fc.tuple(name, value).map(([n, v]) => `${n}=${v}`),
    fc.tuple(name, value, word).map(([n, v, w]) => `${n}=${v} run ${w}`),
    fc.constantFrom(
      'shift',
      'set -- p "q r"',
      'set --',
      'f x "$X"',
      'f',
      'unset X',
      'exit',
      'break',
      'continue',
      'cd /usr',
      'eval "run $X"',
      'exec 3>&1',
      'local X',
      "trap 'X=t' EXIT",
    ),
    fc
      .tuple(
        fc.constantFrom(
          'export N=V',
          'export "N=V"',
          'N=V :',
          'N=V eval "run $N"',
          ': ${N:=V}',
          'N=V; : $((N=N+3))',
          'readonly R=V',
          'read N <<EOF\nv w\nEOF',
          'c1 && local N=V',
          'g N V',
          'export $1=V',
          'unset N; : ${N=V}',
          'echo V | read N',
          'trap "N=V" USR1',
        ),
        name,
        value,
      )
      .map(([text, n, v]) => text.replaceAll('N', n).replaceAll('V', v)),
    fc
      .tuple(tie('condition'), tie('script'), tie('script'))
      .map(([c, a, b]) => `if ${c}; then\n${a}\nelse\n${b}\nfi`),
    fc
      .tuple(tie('condition'), tie('condition'), tie('script'))
      .map(([c, d, a]) => `if ${c}; then run i; elif ${d}\nthen ${a}\nfi`),
    fc
      .tuple(name, fc.array(word, { maxLength: 3 }), tie('script'))
      .map(([n, w, a]) => `for ${n} in ${w.join(' ')}; do\n${a}\ndone`),
    fc.tuple(tie('script')).map(([a]) => `n=0; while [ $n -lt 2 ]; do n=$((n+1))\n${a}\ndone`),
    fc
      .tuple(word, tie('script'), tie('script'))
      .map(([w, a, b]) => `case ${w} in\n a|v*) ${a}\n;;\n 2) run two;;\n *) ${b}\n;;\nesac`),
    fc.tuple(tie('script')).map(([a]) => `( ${a}\n)`),
    fc.tuple(tie('script')).map(([a]) => `{ ${a}\n}`),
    fc.tuple(tie('condition'), fc.constantFrom('&&', '||'), tie('command')).map((x) => x.join(' ')),
    fc.tuple(tie('script')).map(([a]) => `cat <<EOF >/dev/null\n$X $(run h)\nEOF\n${a}`),
    fc.tuple(tie('command')).map(([a]) => `Z=$(${a}\n)`),
  ),
  script: fc
    .array(tie('command'), { minLength: 1, maxLength: 4 })
    .map((commands) => commands.join('\n')),
}));

test('dash and bash run no command that is not found in a script', async (t) => {
  const directory = temporaryDirectory(t);
  const log = join(directory, 'log');
  let exact = 0;
  let all = 0;
  const property = fc.property(
    script,
    fc.nat(7),
    fc.constantFrom('dash', 'bash'),
    (body, statuses, shell) => {
      // The shell that runs the script has these as functions, which are faster than programs.
      const programs = [
        `run() { printf '%s\\0' "$#" "$@" >>${log}; }`,
        ...asked.map((program, bit) => `${program}() { return ${(statuses >> bit) & 1}; }`),
      ].join('\n');
      const text = `g() { local "$1=$2"; c0 && X=g; run g $X; }\nf() { run fn "$@" $X\nc1 && return\nX=f\n}\n${body}\nrun end $X`;
      const environment = { X: 'v:2', Y: 'e  g' };
      rmSync(log, { force: true });
      const file = join(directory, 'script');
      writeFileSync(file, `${programs}\n${text}`);
      const { status } = spawnSync(shell, [file, 'one', 'two words'], {
        env: { ...environment, PATH: '/usr/bin:/bin' },
        cwd: directory,
        timeout: 60_000,
      });
      const commands = shellCommands(text, {
        environment: new Map(Object.entries(environment)),
        isWhole: true,
        stopsAtFailure: false,
        args: [file, 'one', 'two words'].map((each) => ({ text: each, raw: each })),
        directory,
        readFile: () => undefined,
        realPath: (path) => path,
        matching: () => [],
      });
      // A shell ends a script that it does not understand.
      fc.pre(status !== 2 && commands !== undefined);
      const found = commands.filter(({ words }) => words[0]?.text === 'run');
      for (const ran of logged(log)) {
        assert.ok(
          found.some(({ words }) => isFound(ran, words.slice(1))),
          `${shell} ran ${JSON.stringify(ran)}, found ${JSON.stringify(found.map(({ words }) => words.map((one) => one.text)))}`,
        );
      }
      all += found.length;
      exact += found.filter(({ words }) => words.every(({ fault }) => fault === undefined)).length;
    },
  );
  await holds(80, property);
  t.diagnostic(`${all} commands found, ${exact} of them wholly known`);
  assert.ok(exact > all / 3, 'most commands are known');
});
