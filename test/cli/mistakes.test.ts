import assert from 'node:assert/strict';
import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { container, type Machine, startMachine, writeRoot } from '../support/berth.ts';

/** The commands that open configuration, root and engine, each with the words before its ROOT. */
const commands = [
  ['plan'],
  ['stage'],
  ['activate'],
  ['why', 'registry.example.com/web:1'],
] as const;

interface Mistake {
  /** Makes the mistake, and returns the flags that lead to it. */
  readonly make: (machine: Machine) => readonly string[];
  readonly code: number;
  readonly said: RegExp;
}

/** berth.toml with one root, and a file that names the running root. */
function directories({ directory }: Machine, path: string, active: string): readonly string[] {
  const config = join(directory, 'berth.toml');
  const file = join(directory, 'active');
  writeFileSync(file, active);
  writeFileSync(
    config,
    `[directories]\nroots = [{ path = "${path}", id = "a" }]\nactive = { file = "${file}" }\n`,
  );
  return ['--config', config];
}

const mistakes: Readonly<Record<string, Mistake>> = {
  'a key of berth.toml that is not known': {
    make: ({ directory }) => {
      const config = join(directory, 'bad.toml');
      writeFileSync(config, 'enigne = "store"\n');
      return ['--config', config];
    },
    code: 2,
    said: /bad\.toml:1: the key enigne is not known/,
  },
  'a berth.toml that is not there': {
    make: ({ directory }) => ['--config', join(directory, 'absent.toml')],
    code: 2,
    said: /absent\.toml: it is not there/,
  },
  'a root that is not mounted': {
    make: (machine) => {
      const path = join(machine.directory, 'unmounted');
      mkdirSync(path);
      return directories(machine, path, 'a');
    },
    code: 1,
    said: /unmounted.*found no usr in it/,
  },
  'an updater that names no root of its own': {
    make: (machine) => directories(machine, join(machine.directory, 'os'), 'b'),
    code: 1,
    said: /to name one of a, found "b"/,
  },
  'an engine that does not answer': {
    make: ({ environment }) => {
      environment['CONTAINER_HOST'] = 'unix:///nowhere/podman.sock';
      return ['--engine', 'podman'];
    },
    code: 5,
    said: /no podman answers at \/nowhere\/podman\.sock/,
  },
  'a state directory that is a file': {
    make: ({ directory, environment }) => {
      const file = join(directory, 'state-file');
      writeFileSync(file, '');
      environment['BERTH_STATE_DIR'] = file;
      return [];
    },
    code: 1,
    said: /expected a state directory that can be read, found .*state-file: ENOTDIR/,
  },
  'a state directory that somebody else may write': {
    make: ({ directory, environment }) => {
      const state = join(directory, 'foreign');
      mkdirSync(state);
      chownSync(state, 1000, 1000);
      environment['BERTH_STATE_DIR'] = state;
      return [];
    },
    code: 2,
    said: /expected a state directory that nobody else can write/,
  },
};

async function saidBy(t: TestContext, made: readonly Mistake[]) {
  const machine = await startMachine(t);
  writeRoot(join(machine.directory, 'os'), container('web', 'registry.example.com/web:1'));
  const flags = made.flatMap(({ make }) => make(machine));
  const engine = flags.includes('--engine') ? [] : ['--engine', 'store'];
  const outcomes = [];
  for (const words of commands) {
    const { code, stdout, stderr } = await machine.berth(...words, ...engine, ...flags);
    outcomes.push({ command: words[0], said: { code, stdout, stderr } });
  }
  return outcomes;
}

for (const [name, mistake] of Object.entries(mistakes)) {
  test(`plan, stage, activate and why report alike: ${name}`, async (t) => {
    for (const { command, said } of await saidBy(t, [mistake])) {
      assert.deepEqual([said.code, said.stdout], [mistake.code, ''], `${command}: ${said.stderr}`);
      assert.match(said.stderr, mistake.said, command);
      assert.match(said.stderr, /^berth: .*\n {2}→ .*\n$/, command);
    }
  });
}

test('plan, stage, activate and why report the same of two mistakes', async (t) => {
  const all = Object.entries(mistakes);
  const pairs = [
    ['a key of berth.toml that is not known', 'an engine that does not answer'],
    ['a key of berth.toml that is not known', 'a state directory that is a file'],
    ['a root that is not mounted', 'an engine that does not answer'],
    ['a root that is not mounted', 'a state directory that is a file'],
    ['a state directory that is a file', 'an engine that does not answer'],
  ];
  for (const pair of pairs) {
    const made = all.filter(([name]) => pair.includes(name)).map(([, mistake]) => mistake);
    assert.equal(made.length, 2, String(pair));
    const [first, ...others] = await saidBy(t, made);
    for (const other of others) assert.deepEqual(other.said, first?.said, String(pair));
  }
});

test('a deployment or a root that is not there is reported alike by plan, stage and why', async (t) => {
  const machine = await startMachine(t);
  const { directory } = machine;
  for (const root of ['staged', join(directory, 'absent')]) {
    const said = [];
    for (const words of commands.filter(([command]) => command !== 'activate')) {
      const { code, stderr } = await machine.berth(...words, root, '--engine', 'store');
      said.push({ code, stderr });
    }
    assert.equal(said[0]?.code, 2, said[0]?.stderr);
    for (const other of said) assert.deepEqual(other, said[0]);
  }
});
