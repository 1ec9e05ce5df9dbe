import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shellCommands } from '../../../../src/discovery/services/shell/evaluate.ts';
import { limitCpu } from '../../../support/limit-cpu.ts';

const files: Readonly<Record<string, string>> = {
  '/etc/default/app': '# the image\nTAG=7\nexport NAME="web"\n',
  '/opt/returning.sh': 'R=1\nreturn 0\nR=2\n',
  '/opt/version': '1.2\n',
  '/opt/lib.sh': 'start() {\n  run "$1:${2:-latest}"\n}\n',
};

/** The commands of a script: words with `?` for what is not known, and `*` for any number of words. */
function commandsOf(text: string, isWhole = true): readonly string[] | undefined {
  return shellCommands(text, {
    environment: new Map([
      ['A', 'a'],
      ['TWO', 'x y'],
    ]),
    isWhole,
    stopsAtFailure: false,
    args: ['/opt/bin/start.sh', 'one', 'two words'].map((word) => ({ text: word, raw: word })),
    directory: '/srv',
    readFile: (path) => files[path],
    realPath: (path) => path,
    matching: () => [],
  })?.map(({ words }) =>
    words
      .map(({ text: word, fault, several }) =>
        fault === undefined ? word.replaceAll(' ', '_') : several === true ? '*' : '?',
      )
      .join(' '),
  );
}

const scripts: Readonly<Record<string, readonly string[]>> = {
  // Variables that are set for a while, or in ways that are easy to overlook.
  'T=1; f() { local T=2; run $T; }; f; run $T': ['run 2', 'run 1'],
  'T=1; f() { g; run $T; }; g() { local T=2; run $T; }; f': ['run 2', 'run 1'],
  'T=1; f() { T=2; }; f; run $T': ['run 2'],
  'T=1; printf -v T 2; run "$T"': ['run ?'],
  'T=1; f() { run $T; }; T=2 f; run $T': ['run 2', 'run 1'],
  'A=0; A=1 B=$A; run $B': ['run 1'],
  'unset A; A=1 c; run "$A"': ['c', 'run ?'],
  'IFS=:; X=a:b; run $X $A "$X"': ['run * a a:b'],
  // What is included may end itself, and set any variable.
  '. /opt/returning.sh; run $R': ['run 1'],
  '. /run/env; run "${UNSET:-1}"': ['run ?'],
  // Functions that two ways define, and branches that go on.
  'if c; then f() { run 1; }; else f() { run 2; }; fi; f': ['c', 'run 2', 'run 1'],
  'f() { run 1; }; c && f() { run 2; }; f': ['c', 'run 2', 'run 1'],
  'case $1 in one) a ;& two) b ;; three) d ;; esac': ['a', 'b'],
  'case $1 in one) a ;;& o*) b ;; on?) d ;; esac': ['a', 'b'],
  // Lines, quotes, redirections.
  'run \\\n  -d \\\n  x\n': ['run -d x'],
  "run \"a b\" c\\ d 'e' $'f\\tg'": ['run a_b c_d e f\tg'],
  'a >/x 2>&1 <y &>z; b >& c': ['a', 'b'],
  'a # b\n# c\nd': ['a', 'd'],
  'a & b | c && d || e; f': ['a', 'b', 'c', 'd', 'e', 'f'],
  'a\r\n b\r\n': ['a', 'b'],
  'cat <<EOF >x\nrun y\nEOF\nz': ['cat', 'z'],
  "cat <<-'EOF'\n\trun $(y)\n\tEOF\nz": ['cat', 'z'],
  'cat <<EOF\n$(run y)\nEOF\n': ['run y', 'cat'],
  'a <(run y)': ['run y', 'a ?'],
  // Variables.
  'run $A ${A} "$A-$A" $TWO "$TWO"': ['run a a a-a x y x_y'],
  'run $UNSET "$UNSET"': ['run * ?'],
  'run ${UNSET:-d} ${A:-d} ${UNSET-"e f"} ${A:+g} ${UNSET:+h} end': ['run d a e_f g end'],
  ': ${TAG:=3}; run $TAG': ['run 3'],
  'I=x; I=$I:1; run "$I"': ['run x:1'],
  'I=x; I+=:1; run "$I"': ['run x:1'],
  'I="a b"; run $I; I=; run "$I" $I': ['run a b', 'run '],
  'X=1 run $X': ['run *'],
  'P=q.io/a/b:1; run ${P##*/} ${P%:*} ${P#*/} ${P%%/*}': ['run b:1 q.io/a/b a/b:1 q.io'],
  'run ${A/x/y} ${#A} ${!A} $((1 + 2)) $HOME $$': ['run * * * ? * ?'],
  'R=(-a "b c"); R+=(d); run "${R[@]}" "${R[0]}"; N=(); run "${N[@]}" x': [
    'run -a b_c d ?',
    'run x',
  ],
  'run $0 $1 "$2" "$@" $#': ['run /opt/bin/start.sh one two_words one two_words 2'],
  'shift; run "$@"; set -- p q; run $2': ['run two_words', 'run q'],
  '. /etc/default/app; run $NAME:$TAG': ['run web:7'],
  '[ -f /etc/default/app ] && . /etc/default/app; run $NAME': ['run *'],
  'set -a; source /etc/none; run $A': ['run a'],
  'T=1; . /run/app.env; run $T': ['run *'],
  'read -r A B; run $A': ['run *'],
  'unset A; run ${A:-b}': ['run b'],
  // What commands print.
  'cd "$(dirname "$0")/.." && run "$(pwd)"': ['dirname /opt/bin/start.sh', 'pwd', 'run /opt'],
  'D=`dirname $(readlink -f $0)`; run $D': [
    'readlink -f /opt/bin/start.sh',
    'dirname /opt/bin/start.sh',
    'run /opt/bin',
  ],
  'D=$(cd "$(dirname "$0")" && pwd); run $D': ['dirname /opt/bin/start.sh', 'pwd', 'run /opt/bin'],
  'run x:$(cat /opt/version)': ['cat /opt/version', 'run x:1.2'],
  'C=$(command -v podman || echo docker); $C run': ['echo docker', '* run'],
  'run -u $(id -u):$(id -g) x $(uname -r) $(ls)': [
    'id -u',
    'id -g',
    'uname -r',
    'ls',
    'run -u ? x ? *',
  ],
  'C=$(command -v podman); $C run': ['podman run'],
  'run "$(ls)" x': ['ls', 'run ? x'],
  'C=$(create y)': ['create y'],
  // Ways.
  'if t; then run a; else run b; fi; run c': ['t', 'run a', 'run b', 'run c'],
  'if [ -z "$A" ]; then run a; else run b; fi': ['run b'],
  '[ -z "$U" ] && U=2; run $U': ['run 2'],
  'if [ "$1" = one ]; then run a; elif x; then run b; fi': ['run a'],
  'if t; then I=a; else I=b; fi; run $I': ['t', 'run *'],
  'if t; then I=a; else I=a; fi; run $I': ['t', 'run a'],
  'if t; then I=a; exit 1; else I=b; fi; run $I': ['t', 'run b'],
  't || I=2; run ${I:-3}': ['t', 'run *'],
  't || { echo no; exit 1; }; run a': ['t', 'echo no', 'run a'],
  'cd /x || exit 1; run a; exit 0; run b': ['run a'],
  'exec run a; run b': ['run a'],
  'exec 2>/x; run b': ['run b'],
  'case $1 in stop|two) run a;; o*) run b;; *) run c;; esac': ['run b'],
  'case $U in a) I=1;; "b") I=2;; esac; run $I': ['run *'],
  'for i in a "b c" $TWO; do run $i; done': ['run a', 'run b c', 'run x', 'run y'],
  'for i; do run "$i"; done': ['run one', 'run two_words'],
  'for i in *.yml; do run -f $i; done': ['run -f *'],
  'for i in a b; do t && break; run $i; done': ['t', 'run a', 't', 'run b'],
  'n=0; while [ $n -lt 3 ]; do run $n; n=$((n+1)); done': ['run *'],
  'for ((i=0; i<3; i++)); do run $i; done': ['run *'],
  'until run a; do sleep 1; done; run b': ['run a', 'sleep 1', 'run b'],
  'i=1; ((i++)); run $i': ['run *'],
  '[[ $A == a && -n $1 ]] && run a; [[ $A =~ ^(x|y)$ ]] || run b': ['run a', 'run b'],
  '! t; run a': ['t', 'run a'],
  'time -p run a': ['run a'],
  // Functions and scopes.
  'f() { run "$1" $2; }; f a; f b c': ['run a *', 'run b c'],
  'function g { local I=$1; run $I; return; run no; }; g x; run y': ['run x', 'run y'],
  'f() ( cd /x; I=1 ); I=0; f; run $I': ['run 0'],
  '(I=1; run $I); run ${I:-2}': ['run 1', 'run 2'],
  '. /opt/lib.sh; start q.io/a': ['run q.io/a:latest'],
  'main() { start; }; start() { run a; }; main "$@"': ['run a'],
  'eval "run a; run $A"': ['run a', 'run a'],
  "trap 'run a' EXIT": ['run a'],
  'case "$1" in\n  start) run a ;;\n  one)\n    run b\n    ;;\nesac': ['run b'],
  'command -v podman >/dev/null && run a': ['run a'],
  'command run a; builtin cd /x': ['run a'],
  'coproc run a': ['run a'],
};

for (const [script, expected] of Object.entries(scripts)) {
  test(`a shell's script: ${JSON.stringify(script)}`, () => {
    assert.deepEqual(commandsOf(script), expected);
  });
}

test('a variable that nothing sets is not known where the environment is not', () => {
  assert.deepEqual(commandsOf('run ${U:-a}', false), ['run *']);
  assert.deepEqual(commandsOf('[ -z "$U" ] && run a', false), ['run a']);
});

test("a script that is not the shell's is not understood", () => {
  for (const script of ['if a; then b', 'a; ;', '( a', 'a "b', 'fi', 'a $(b']) {
    assert.equal(commandsOf(script), undefined, script);
  }
  assert.equal(commandsOf('eval "$(cat /x)"'), undefined);
});

test('scripts that never end, or grow, are refused', (t) => {
  limitCpu(t, 30);
  for (const script of [
    'f() { f; }; f',
    'f() { run; f; f; }; f',
    '. /opt/bin/start.sh; '.repeat(3),
    'for i in 1 2 3 4 5 6 7 8; do '.repeat(12) + 'run; ' + 'done; '.repeat(12),
    'while t; do '.repeat(40) + 'run; ' + 'done; '.repeat(40),
    `A=xx; ${'A="$A$A"; '.repeat(60)} run $A`,
    '$('.repeat(10_000),
    '${A:-'.repeat(10_000),
    '{ '.repeat(10_000),
    '`'.repeat(10_001),
    'if a; then b; '.repeat(30_000),
    `${Array.from({ length: 5000 }, (_, at) => `V${at}=1`).join('; ')}; run`,
  ]) {
    shellCommands(script, {
      environment: new Map(),
      isWhole: true,
      stopsAtFailure: false,
      args: [],
      readFile: () => script,
      realPath: (path) => path,
      matching: () => [],
    });
  }
});

test('which failures a script survives, and the variables that its commands get', () => {
  const read = (text: string) =>
    shellCommands(text, {
      environment: new Map([['A', '1']]),
      isWhole: true,
      stopsAtFailure: false,
      args: [],
      readFile: () => undefined,
      realPath: (path) => path,
      matching: () => [],
    })?.map(({ words, ignoresFailure, variables }) =>
      [
        ignoresFailure ? '-' : '',
        ...words.map(({ text: word }) => word),
        ...Array.from(variables, ([name, { text: value }]) => `${name}=${value}`),
      ].join(' '),
    );
  assert.deepEqual(read('a; b'), ['- a', ' b']);
  assert.deepEqual(read('a || b'), ['- a', ' b']);
  assert.deepEqual(read('a && b'), [' a', ' b']);
  assert.deepEqual(read('a && b || c; d'), ['- a', '- b', '- c', '- d'].with(3, ' d'));
  assert.deepEqual(read('set -e; a; if b; then c; fi; d | e'), [' a', '- b', ' c', '- d', ' e']);
  assert.deepEqual(read('set -euo pipefail; a | b; c & d'), [' a', ' b', '- c', ' d']);
  assert.deepEqual(read('a & '), ['- a']);
  assert.deepEqual(read('f() { a; b; }; f'), ['- a', ' b']);
  assert.deepEqual(read('until a; do b; done'), ['- a', '- b']);
  assert.deepEqual(read('X=1; export Y=2; Z=3 a; A=4; b'), ['- a Y=2 Z=3', ' b Y=2 A=4']);
  assert.deepEqual(read('set -a; X=1; a; declare -x D=2; b'), ['- a X=1', ' b X=1 D=2']);
});
